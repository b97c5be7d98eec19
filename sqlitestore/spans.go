package sqlitestore

import (
	"cmp"
	"slices"

	"github.com/idxdb/idxdb/internal/codec"
)

// A span is a range of chunk ids that one query reads. Runs that lie close to
// each other share a span, since a query costs more than some rows too many.
type span struct {
	first, last int64
	runs        []codec.Run // sorted; what is wanted of it
}

// spans covers runs, in any order, by spans that read at most gap rows more
// between two of them.
func spans(runs []codec.Run, gap int64) []span {
	sorted := slices.Clone(runs)
	slices.SortFunc(sorted, func(a, b codec.Run) int { return cmp.Compare(a.First, b.First) })
	var list []span
	for i, r := range sorted {
		last := r.First + r.N - 1
		if n := len(list); n > 0 && r.First-list[n-1].last <= gap {
			list[n-1].last = max(list[n-1].last, last)
			continue
		}
		list = append(list, span{first: r.First, last: last, runs: sorted[i:]})
	}
	return list
}

// has reports whether id is wanted, and not just between two that are. Ids must
// be asked for in ascending order.
func (s *span) has(id int64) bool {
	for len(s.runs) > 0 && s.runs[0].First+s.runs[0].N <= id {
		s.runs = s.runs[1:]
	}
	return len(s.runs) > 0 && s.runs[0].First <= id
}
