//go:build linux

package stress

import (
	"math"
	"testing"

	"github.com/anishathalye/porcupine"
)

// TestCheckBites gives the check histories of which it is known whether they are
// possible.
func TestCheckBites(t *testing.T) {
	zero := int64(0)
	one := int64(1)
	first := seen{Number: 1, ID: "i1", Tag: "t1"}
	second := seen{Number: 2, ID: "i2", Tag: "t2"}
	saves := func(key int, v seen, c *cond) op {
		return op{Kind: opSave, Key: key, Saves: []save{{Key: key, Tag: v.Tag, Search: v.Search, ID: v.ID, If: c}}}
	}
	gave := func(list ...seen) *result {
		r := &result{}
		for _, v := range list {
			r.Saved = append(r.Saved, saved{Number: v.Number, ID: v.ID})
		}
		return r
	}
	sees := func(list ...seen) *result { return &result{Seen: list} }
	batch := op{Kind: opBatch, Saves: []save{{Key: 0, Tag: "t1", ID: "i1"}, {Key: 1, Tag: "t1", ID: "j1"}}}
	load, log, list, remove := op{Kind: opLoad}, op{Kind: opLog}, op{Kind: opList}, op{Kind: opDelete}
	again := first
	again.Number, again.ID, again.Tag = 2, "i3", "t3"
	never := int64(math.MaxInt64)

	type event struct {
		op        op
		res       *result
		call, ret int64
	}
	for _, test := range []struct {
		name   string
		events []event
		want   porcupine.CheckResult
	}{
		{"InOrder", []event{{saves(0, first, nil), gave(first), 1, 2}, {load, sees(first), 3, 4}}, porcupine.Ok},
		{"StaleLoad", []event{{saves(0, first, nil), gave(first), 1, 2}, {saves(0, second, nil), gave(second), 3, 4},
			{load, sees(first), 5, 6}}, porcupine.Illegal},
		{"LoadBesideSave", []event{{saves(0, first, nil), gave(first), 1, 2}, {saves(0, second, nil), gave(second), 3, 7},
			{load, sees(first), 5, 6}}, porcupine.Ok},
		{"ThereAndGone", []event{{saves(0, first, nil), gave(first), 1, 9}, {load, sees(first), 2, 3},
			{load, &result{Err: errNotFound}, 4, 5}}, porcupine.Illegal},
		{"LostUpdate", []event{{saves(0, first, &cond{Version: &zero}), gave(first), 1, 5},
			{saves(0, second, &cond{Version: &zero}), gave(seen{Number: 1, ID: "i2"}), 2, 6}}, porcupine.Illegal},
		{"SaveMissingInLog", []event{{saves(0, first, nil), gave(first), 1, 2}, {saves(0, second, nil), gave(second), 3, 4},
			{log, sees(second), 5, 6}}, porcupine.Illegal},
		{"WholeLog", []event{{saves(0, first, nil), gave(first), 1, 2}, {saves(0, second, nil), gave(second), 3, 4},
			{log, sees(second, first), 5, 6}}, porcupine.Ok},
		{"OtherContent", []event{{saves(0, first, nil), gave(first), 1, 2},
			{load, sees(seen{Number: 1, ID: "i1", Tag: "t9"}), 3, 4}}, porcupine.Illegal},
		{"NumberUsedAgain", []event{{saves(0, first, nil), gave(first), 1, 2}, {remove, &result{}, 3, 4},
			{saves(0, first, nil), gave(first), 5, 6}}, porcupine.Illegal},
		{"NumbersGoOn", []event{{saves(0, first, nil), gave(first), 1, 2}, {remove, &result{}, 3, 4},
			{saves(0, again, nil), gave(again), 5, 6}}, porcupine.Ok},
		{"BackAfterDelete", []event{{saves(0, first, nil), gave(first), 1, 2}, {remove, &result{}, 3, 4},
			{load, sees(first), 5, 6}}, porcupine.Illegal},
		{"CutOffAndDone", []event{{saves(0, first, nil), nil, 1, never}, {load, sees(first), 2, 3}}, porcupine.Ok},
		{"CutOffAndNotDone", []event{{saves(0, first, nil), nil, 1, never}, {load, &result{Err: errNotFound}, 2, 3}}, porcupine.Ok},
		{"CutOffAndUndone", []event{{saves(0, first, nil), nil, 1, never}, {load, sees(first), 2, 3},
			{load, &result{Err: errNotFound}, 4, 5}}, porcupine.Illegal},
		{"CutOffAndDoneTwice", []event{{saves(0, first, nil), nil, 1, never},
			{log, sees(seen{Number: 2, ID: "i1", Tag: "t1"}, first), 2, 3}}, porcupine.Illegal},
		{"HalfABatch", []event{{batch, nil, 1, never}, {list, &result{Heads: map[int]*seen{0: &first}}, 2, 3}}, porcupine.Illegal},
		{"AWholeBatch", []event{{batch, nil, 1, never}, {list, &result{Heads: map[int]*seen{
			0: &first, 1: {Number: 1, ID: "j1", Tag: "t1"}}}, 2, 3}}, porcupine.Ok},
		{"WrongConflict", []event{{saves(0, first, nil), gave(first), 1, 2},
			{saves(0, second, &cond{Version: &one}), &result{Err: errConflict, Current: &first}, 3, 4}}, porcupine.Illegal},
		{"ConflictWithNobody", []event{{saves(0, first, nil), gave(first), 1, 2},
			{saves(0, second, &cond{Version: &zero}), &result{Err: errConflict}, 3, 4}}, porcupine.Illegal},
		{"Conflict", []event{{saves(0, first, nil), gave(first), 1, 2},
			{saves(0, second, &cond{Version: &zero}), &result{Err: errConflict, Current: &first}, 3, 4}}, porcupine.Ok},
		{"DoneThoughItsContextEnded", []event{{op{Kind: opSave, Expires: true, Saves: []save{{Tag: "t1", ID: "i1"}}}, &result{Err: errEnded}, 1, 2},
			{load, sees(first), 3, 4}}, porcupine.Illegal},
		{"EndedWithoutReason", []event{{saves(0, first, nil), &result{Err: errEnded}, 1, 2}}, porcupine.Illegal},
		{"RenamedAndStillThere", []event{{saves(0, first, nil), gave(first), 1, 2}, {op{Kind: opRename}, &result{}, 3, 4},
			{load, sees(first), 5, 6}}, porcupine.Illegal},
		{"Renamed", []event{{saves(0, first, nil), gave(first), 1, 2}, {op{Kind: opRename}, &result{}, 3, 4},
			{op{Kind: opLoad, Key: 1}, sees(first), 5, 6}}, porcupine.Ok},
		{"RetryGivesAnother", []event{{saves(0, first, nil), gave(first), 1, 2},
			{saves(0, first, nil), gave(seen{Number: 2, ID: "i1"}), 3, 4}}, porcupine.Illegal},
	} {
		t.Run(test.name, func(t *testing.T) {
			var history []porcupine.Operation
			for i, e := range test.events {
				history = append(history, porcupine.Operation{ClientId: i, Input: e.op, Output: e.res, Call: e.call, Return: e.ret})
			}
			if got := porcupine.CheckOperationsTimeout(model(state{}), history, checkTimeout); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
