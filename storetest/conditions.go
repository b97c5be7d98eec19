package storetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/idxdb/idxdb"
)

var conditionSentences = []sentence{
	{name: "Conditions/HoldOrTheSaveFails", test: testConditionalSave},
	{name: "Conditions/HoldOrTheDeleteFails", test: testConditionalDelete},
	{name: "Conditions/OnAKeyThatIsNotThere", test: testConditionNoKey},
	{name: "Conditions/AreCheckedBeforeUnchanged", test: testConditionFirst},
	{name: "Conditions/ConflictSaysWhoIsThere", test: testConflictError},
}

func testConditionalSave(e *env) {
	var ids []idxdb.ID
	for i := range 3 {
		ids = append(ids, e.save("key", fmt.Sprintf(`[%d]`, i), none).Version.ID)
	}
	bad := map[string]idxdb.Condition{
		"IfVersion(0)":           idxdb.IfVersion(0),
		"IfVersion(older)":       idxdb.IfVersion(2),
		"IfVersion(later)":       idxdb.IfVersion(4),
		"IfVersion(-1)":          idxdb.IfVersion(-1),
		"IfMatch(older)":         idxdb.IfMatch(ids[1]),
		"IfMatch(unknown)":       idxdb.IfMatch(idxdb.NewID()),
		"number good, id bad":    idxdb.IfVersion(3).And(idxdb.IfMatch(ids[0])),
		"number bad, id good":    idxdb.IfVersion(2).And(idxdb.IfMatch(ids[2])),
		"number and id of older": idxdb.IfVersion(2).And(idxdb.IfMatch(ids[1])),
		"no version and the id":  idxdb.IfVersion(0).And(idxdb.IfMatch(ids[2])),
	}
	for name, cond := range bad {
		_, err := e.store.Save(e.ctx, "key", docs(`["lost"]`, none), idxdb.SaveOptions{If: cond})
		e.wantErr("Save with "+name, err, idxdb.ErrConflict)
	}
	v := e.holds("key", `[2]`, none)
	good := []func(v idxdb.Version) idxdb.Condition{
		func(idxdb.Version) idxdb.Condition { return idxdb.Condition{} },
		func(v idxdb.Version) idxdb.Condition { return idxdb.IfVersion(v.Number) },
		func(v idxdb.Version) idxdb.Condition { return idxdb.IfMatch(v.ID) },
		func(v idxdb.Version) idxdb.Condition { return idxdb.IfVersion(v.Number).And(idxdb.IfMatch(v.ID)) },
	}
	for i, cond := range good {
		text := fmt.Sprintf(`["good",%d]`, i)
		saved := e.saveWith("key", text, none, idxdb.SaveOptions{If: cond(v)})
		e.number(saved, v.Number+1)
		v = e.holds("key", text, none)
		e.reopen()
	}
}

func testConditionalDelete(e *env) {
	old := e.save("key", `[1]`, none).Version
	v := e.save("key", `[2]`, `["s"]`).Version
	for name, cond := range map[string]idxdb.Condition{
		"IfVersion(0)":        idxdb.IfVersion(0),
		"IfVersion(older)":    idxdb.IfVersion(1),
		"IfVersion(later)":    idxdb.IfVersion(3),
		"IfMatch(older)":      idxdb.IfMatch(old.ID),
		"number good, id bad": idxdb.IfVersion(2).And(idxdb.IfMatch(old.ID)),
	} {
		err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{If: cond})
		e.wantErr("Delete with "+name, err, idxdb.ErrConflict)
		e.holds("key", `[2]`, `["s"]`)
	}
	for i, cond := range []idxdb.Condition{
		idxdb.IfVersion(2).And(idxdb.IfMatch(v.ID)), idxdb.IfVersion(3), {}, idxdb.IfMatch(v.ID),
	} {
		if i == 3 {
			cond = idxdb.IfMatch(e.holds("key", `[3]`, none).ID)
		}
		if err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{If: cond}); err != nil {
			e.Errorf("Delete if %v: %v", cond, err)
		}
		e.absent("key")
		e.save("key", `[3]`, none)
	}
}

func testConditionNoKey(e *env) {
	for name, cond := range map[string]idxdb.Condition{
		"IfVersion(1)": idxdb.IfVersion(1),
		"IfMatch":      idxdb.IfMatch(idxdb.NewID()),
	} {
		_, err := e.store.Save(e.ctx, "key", docs(`[1]`, none), idxdb.SaveOptions{If: cond})
		e.wantErr("Save with "+name+" where there is no key", err, idxdb.ErrConflict)
		var conflict *idxdb.ConflictError
		if errors.As(err, &conflict) && conflict.Current != nil {
			e.Errorf("ConflictError.Current = %+v where there is no key", conflict.Current)
		}
		e.absent("key")
		if err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{If: cond}); !errors.Is(err, idxdb.ErrConflict) && !errors.Is(err, idxdb.ErrNotFound) {
			e.Errorf("Delete with %s where there is no key: %v", name, err)
		}
	}
	err := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{If: idxdb.IfVersion(0)})
	e.wantErr("Delete with IfVersion(0) where there is no key", err, idxdb.ErrNotFound)

	create := idxdb.SaveOptions{If: idxdb.IfVersion(0)}
	e.number(e.saveWith("key", `[1]`, none, create), 1)
	e.saveFails(idxdb.ErrConflict, "key", `[2]`, none, create)
	e.delete("key")
	e.saveFails(idxdb.ErrConflict, "key", `[2]`, none, idxdb.SaveOptions{If: idxdb.IfVersion(1)})
	e.number(e.saveWith("key", `[2]`, none, create), 2)
	e.holds("key", `[2]`, none)
}

func testConditionFirst(e *env) {
	v := e.save("key", `[1]`, `["s"]`).Version
	for _, cond := range []idxdb.Condition{idxdb.IfVersion(0), idxdb.IfVersion(2), idxdb.IfMatch(idxdb.NewID())} {
		e.saveFails(idxdb.ErrConflict, "key", `[1]`, `["s"]`, idxdb.SaveOptions{If: cond})
	}
	for _, cond := range []idxdb.Condition{idxdb.IfVersion(1), idxdb.IfMatch(v.ID)} {
		if saved := e.saveWith("key", `[1]`, `["s"]`, idxdb.SaveOptions{If: cond}); !saved.Unchanged {
			e.Errorf("equal bytes with a condition that holds: %+v, want unchanged", saved)
		}
	}
}

func testConflictError(e *env) {
	by := idxdb.Author{User: "someone", Host: "somewhere", Program: "indexer 1.2"}
	there := e.saveWith("key", `[1]`, none, idxdb.SaveOptions{By: by, Message: "the first"}).Version
	want := idxdb.IfVersion(0)
	err := e.saveFails(idxdb.ErrConflict, "key", `[2]`, none, idxdb.SaveOptions{If: want})
	deleteErr := e.store.Delete(e.ctx, "key", idxdb.DeleteOptions{If: want})
	for method, err := range map[string]error{"Save": err, "Delete": deleteErr} {
		var conflict *idxdb.ConflictError
		if !errors.As(err, &conflict) {
			e.Fatalf("%s: %v (%T) is not a *ConflictError", method, err, err)
		}
		if conflict.Key != "key" || conflict.Want != want {
			e.Errorf("%s: ConflictError has key %q, want %v", method, conflict.Key, conflict.Want)
		}
		c := conflict.Current
		if c == nil || c.Number != 1 || c.ID != there.ID || c.SavedBy != by || !c.SavedAt.Equal(there.SavedAt) {
			e.Errorf("%s: ConflictError.Current = %+v, want %+v", method, c, there)
		}
		for _, part := range []string{"someone", "somewhere", there.ID.String()} {
			if !strings.Contains(err.Error(), part) {
				e.Errorf("%s: %q does not say %q", method, err, part)
			}
		}
	}
}
