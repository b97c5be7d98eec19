package sqlitestore

import (
	"math/bits"
	"slices"

	"github.com/idxdb/idxdb/internal/codec"
)

// An idSet is a set of row ids. Its memory follows the ids that are in it, not
// their size, so that a hostile file cannot make it large.
type idSet map[int64]*idPage

// An idPage has a bit for each of the ids that share all but their low bits.
type idPage [64]uint64

const pageBits = 12 // 64 words of 64 bits

func (s idSet) add(id int64) {
	page := s[id>>pageBits]
	if page == nil {
		page = new(idPage)
		s[id>>pageBits] = page
	}
	page[id>>6&63] |= 1 << (id & 63)
}

func (s idSet) remove(id int64) {
	if page := s[id>>pageBits]; page != nil {
		page[id>>6&63] &^= 1 << (id & 63)
	}
}

func (s idSet) has(id int64) bool {
	page := s[id>>pageBits]
	return page != nil && page[id>>6&63]&(1<<(id&63)) != 0
}

// removeRun skips pages that are not there, so a run may be long.
func (s idSet) removeRun(r codec.Run) {
	for id, end := r.First, r.First+r.N; id < end; {
		if s[id>>pageBits] == nil {
			id = (id>>pageBits + 1) << pageBits
			continue
		}
		s.remove(id)
		id++
	}
}

// moveRun moves those ids of a run that are in s to another set.
func (s idSet) moveRun(r codec.Run, to idSet) {
	for id, end := r.First, r.First+r.N; id < end; id++ {
		if s[id>>pageBits] == nil {
			id |= 1<<pageBits - 1
		} else if s.has(id) {
			s.remove(id)
			to.add(id)
		}
	}
}

// sorted returns the ids in ascending order.
func (s idSet) sorted() []int64 {
	var list []int64
	for high, page := range s {
		for i, word := range page {
			for ; word != 0; word &= word - 1 {
				list = append(list, high<<pageBits|int64(i)<<6|int64(bits.TrailingZeros64(word)))
			}
		}
	}
	slices.Sort(list)
	return list
}
