package sqlitestore_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// lines is a document that changes a little from version to version.
type lines struct {
	r    *rand.Rand
	list []string
}

func newLines(seed uint64, n int) *lines {
	l := &lines{r: rand.New(rand.NewPCG(seed, 3))}
	for range n {
		l.list = append(l.list, l.line())
	}
	return l
}

func (l *lines) line() string {
	return fmt.Sprintf(`["%016x%016x", "packages/%d/src/%d.go"]`, l.r.Uint64(), l.r.Uint64(), l.r.IntN(20), l.r.IntN(500))
}

// change replaces, adds and removes some lines.
func (l *lines) change(n int) {
	for range n {
		i := l.r.IntN(len(l.list))
		switch l.r.IntN(6) {
		case 0:
			l.list = slices.Insert(l.list, i, l.line())
		case 1:
			l.list = slices.Delete(l.list, i, i+1)
		default:
			l.list[i] = l.line()
		}
	}
}

func (l *lines) String() string { return "[" + strings.Join(l.list, ",\n") + "]" }

// saveHistory saves n versions of a key and returns them, the first at index 1.
func saveHistory(t testing.TB, s *sqlitestore.Store, key string, seed uint64, n int) []string {
	t.Helper()
	l := newLines(seed, 1500)
	texts := []string{""}
	for range n {
		l.change(8)
		texts = append(texts, l.String())
		save(t, s, key, l.String())
	}
	return texts
}

func wantHistory(t testing.TB, s *sqlitestore.Store, key string, texts []string) {
	t.Helper()
	for v := 1; v < len(texts); v++ {
		if got := load(t, s, key, int64(v)); got != texts[v] {
			t.Errorf("version %d of %s has other content", v, key)
		}
	}
}

func vacuum(t testing.TB, s *sqlitestore.Store) idxdb.VacuumReport {
	t.Helper()
	report, err := s.Vacuum(ctx, nil)
	must2(t, err)
	return report
}

// number returns the one number that a query on a closed file yields.
func number(t testing.TB, path, text string) int {
	t.Helper()
	n, err := strconv.Atoi(query(t, path, text)[0][0])
	must2(t, err)
	return n
}

func TestVacuumPacksHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	texts := saveHistory(t, s, "key", 1, 40)
	before, err := s.Inspect(ctx)
	must(t, err)
	must(t, s.Close()) // the file has all commits then
	s = open(t, path)
	report := vacuum(t, s)
	if report.ChunksPacked == 0 || report.ChunksRemoved != 0 || report.ChunksPending != 0 || report.BytesPacked < 40_000 {
		t.Errorf("the report is %+v", report)
	}
	if report.SizeAfter > report.SizeBefore*2/3 {
		t.Errorf("history of %d bytes was packed to %d", report.SizeBefore, report.SizeAfter)
	}
	wantHistory(t, s, "key", texts)
	clean(t, s)
	after, err := s.Inspect(ctx)
	must(t, err)
	if after.PackedChunks != report.ChunksPacked || after.Chunks != before.Chunks || after.GarbageSize != 0 ||
		after.PackedSize == 0 || after.StoredSize > before.StoredSize/2 || before.PackedChunks != 0 {
		t.Errorf("inspect says %+v before, %+v after", before, after)
	}

	// There is nothing to do a second time.
	if report := vacuum(t, s); report.ChunksPacked != 0 || report.SizeAfter != report.SizeBefore {
		t.Errorf("a second vacuum: %+v", report)
	}
	// What an older version had is stored whole when it is saved again, and the
	// save is recognised as unchanged after that.
	if saved := save(t, s, "key", texts[3]); saved.Version.Number != 41 || saved.NewBytes == 0 {
		t.Errorf("going back gave %+v", saved)
	}
	if saved := save(t, s, "key", texts[3]); !saved.Unchanged {
		t.Errorf("the same once more gave %+v", saved)
	}
	texts = append(texts, texts[3])
	wantHistory(t, s, "key", texts)
	vacuum(t, s)
	wantHistory(t, s, "key", texts)
	clean(t, s)
	must(t, s.Close())
	// The newest version does not need a frame.
	ids := chunkRows(t, path)
	if n := number(t, path, "SELECT count(*) FROM packed JOIN chunk ON id BETWEEN first AND first + count - 1"); n != 0 {
		t.Errorf("%d chunks are stored twice", n)
	}
	if len(ids) == 0 || len(ids) > int(after.Chunks-after.PackedChunks)+40 {
		t.Errorf("%d chunks have rows of their own", len(ids))
	}
}

// TestPackAgainAndAgain packs after every few saves: frames are taken in again, so
// that they stay few, and packing all at once is not much better.
func TestPackAgainAndAgain(t *testing.T) {
	size := func(every int) (bytes int64, frames int) {
		path := filepath.Join(t.TempDir(), fmt.Sprint(every, ".idx"))
		s := open(t, path)
		l := newLines(1, 1500)
		texts := []string{""}
		for i := range 60 {
			l.change(8)
			texts = append(texts, l.String())
			save(t, s, "key", l.String())
			if i%every == every-1 {
				vacuum(t, s)
			}
		}
		wantHistory(t, s, "key", texts)
		clean(t, s)
		in, err := s.Inspect(ctx)
		must(t, err)
		must(t, s.Close())
		return in.StoredSize, number(t, path, "SELECT count(*) FROM frame")
	}
	once, one := size(60)
	often, few := size(2)
	if one != 1 || few > 5 || often > once*3/2 {
		t.Errorf("packed at once: %d bytes in %d frames; again and again: %d bytes in %d frames", once, one, often, few)
	}
}

// TestPackManyFrames makes frames so small that a version needs many of them, and
// loads with room to keep next to nothing of them.
func TestPackManyFrames(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 20_000)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	texts := saveHistory(t, s, "key", 1, 30)
	vacuum(t, s)
	wantHistory(t, s, "key", texts)
	sqlitestore.SetKeepLimit(t, 3000)
	wantHistory(t, s, "key", texts)
	clean(t, s)
	must(t, s.Close())
	if n := number(t, path, "SELECT count(*) FROM frame"); n < 10 {
		t.Errorf("there are only %d frames", n)
	}
	if n := number(t, path, "SELECT max(size) FROM frame"); n > 25_000 {
		t.Errorf("a frame has %d bytes", n)
	}
}

// TestPackSharedHistory packs what several keys share, and takes it away from one
// of them after the other.
func TestPackSharedHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	texts := saveHistory(t, s, "a", 1, 20)
	_, err := s.Clone(ctx, "a", "b", true)
	must(t, err)
	vacuum(t, s)
	_, err = s.Clone(ctx, "a", "c", true)
	must(t, err)
	must(t, s.Rename(ctx, "b", "d"))
	for _, key := range []string{"a", "c", "d"} {
		wantHistory(t, s, key, texts)
	}
	for i, key := range []string{"a", "d", "c"} {
		must(t, s.Delete(ctx, key, idxdb.DeleteOptions{}))
		report := vacuum(t, s)
		if last := i == 2; last != (report.ChunksRemoved > 0) {
			t.Errorf("deleting key %d of 3 removed %d chunks", i+1, report.ChunksRemoved)
		}
		for _, key := range []string{"a", "d", "c"}[i+1:] {
			wantHistory(t, s, key, texts)
		}
		clean(t, s)
	}
	must(t, s.Close())
	for _, table := range []string{"chunk", "frame", "packed", "garbage", "manifest"} {
		if n := number(t, path, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s", n, table)
		}
	}
}

// TestPackDropsGarbage deletes most of what a frame has: it is made anew.
func TestPackDropsGarbage(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 1<<20)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	a := saveHistory(t, s, "a", 1, 4)
	_, err := s.Clone(ctx, "a", "b", true)
	must(t, err)
	l := newLines(2, 1500) // has nothing in common with what was before
	for range 30 {
		l.change(8)
		save(t, s, "b", l.String())
	}
	vacuum(t, s)
	must(t, s.Delete(ctx, "b", idxdb.DeleteOptions{}))
	report := vacuum(t, s)
	in, err := s.Inspect(ctx)
	must(t, err)
	if report.ChunksRemoved == 0 || in.GarbageSize > in.PackedSize/2 {
		t.Errorf("after a delete: %+v, %+v", report, in)
	}
	wantHistory(t, s, "a", a)
	clean(t, s)
}

// TestLoadBesidePacking stops a load of an old version at every piece while all
// that vacuum does happens, and the version is deleted.
func TestLoadBesidePacking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "team.idx")
	s, other := open(t, path), open(t, path)
	texts := []string{""}
	l := newLines(1, 60_000) // several batches
	for range 4 {
		l.change(300)
		texts = append(texts, l.String())
		save(t, s, "key", l.String())
	}
	steps := []func(){
		func() {},
		func() { vacuum(t, other) }, // packs; the rows stay, for the load
		func() {
			l.change(300)
			texts = append(texts, l.String())
			save(t, other, "key", l.String())
			_, err := other.Pack(ctx) // takes the frame in again
			check(t, err)
			check(t, other.DropFrames(ctx))
		},
		func() { check(t, other.Delete(ctx, "key", idxdb.DeleteOptions{})) },
		func() { vacuum(t, other) },
		func() { vacuum(t, other) },
	}
	doc, err := s.Load(ctx, "key", idxdb.LoadOptions{Version: 1})
	must(t, err)
	var got strings.Builder
	piece := len(texts[1])/(len(steps)) + 1
	for i, step := range steps {
		_, err := io.CopyN(&got, doc.Body, int64(piece))
		if err != nil && i < len(steps)-1 {
			t.Fatalf("piece %d: %v", i, err)
		}
		step()
	}
	_, err = io.Copy(&got, doc.Body)
	must(t, err)
	if got.String() != texts[1] {
		t.Error("the load has other content")
	}
	must(t, doc.Body.Close())
	vacuum(t, s)
	clean(t, s)
	must(t, s.Close())
	must(t, other.Close())
	if n := number(t, path, "SELECT count(*) FROM chunk") + number(t, path, "SELECT count(*) FROM frame"); n != 0 {
		t.Errorf("%d rows are left of nothing", n)
	}
}
