package sqlitestore_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// TestAnyByteFlipped damages a file at one byte after another. Everything that
// reads then either fails or gives exactly the right answer: list, names, log,
// every document of every version, and that a key does not exist.
//
// It takes a sample of the bytes; IDXDB_EVERY_BYTE=1 takes them all.
func TestAnyByteFlipped(t *testing.T) {
	sqlitestore.SetPacking(t, 0, 1<<20)
	path := filepath.Join(t.TempDir(), "team.idx")
	s := open(t, path)
	for i := range 12 {
		save(t, s, fmt.Sprintf("key/%d", i), document(uint64(i), 20))
	}
	for v := range 4 {
		docs := idxdb.Documents{State: strings.NewReader(document(100+uint64(v), 300)), Search: strings.NewReader(document(200+uint64(v), 9))}
		if _, err := s.Save(ctx, "history", docs, idxdb.SaveOptions{Message: fmt.Sprint("version ", v)}); err != nil {
			t.Fatal(err)
		}
	}
	must(t, s.Delete(ctx, "key/5", idxdb.DeleteOptions{}))
	if report := vacuum(t, s); report.ChunksPacked == 0 {
		t.Errorf("nothing was packed: %+v", report)
	}
	must(t, s.Close())
	want := answers(t, path)
	if len(want) < 30 || len(want) != len(strings.Split(strings.Join(want, "\n"), "\n")) {
		t.Fatalf("%d answers", len(want))
	}
	for _, a := range want {
		if strings.Contains(a, "ERROR") {
			t.Fatalf("undamaged: %s", a)
		}
	}
	content := []byte(snapshot(t, path))
	step := 397
	if os.Getenv("IDXDB_EVERY_BYTE") != "" {
		step = 1
	}
	noticed, tried := 0, 0
	damaged := filepath.Join(t.TempDir(), "damaged.idx")
	for at := 0; at < len(content); at += step {
		for _, flip := range []byte{0x01, 0xff} {
			content[at] ^= flip
			must(t, os.WriteFile(damaged, content, 0o644))
			content[at] ^= flip
			got := answers(t, damaged)
			seen := false
			tried++
			for i := range want {
				if len(got) == 1 || strings.Contains(got[i], "ERROR") { // one answer: it did not open
					seen = true
				} else if got[i] != want[i] {
					t.Errorf("byte %d ^ %#x: got %.300q, want %.300q", at, flip, got[i], want[i])
				}
			}
			if seen {
				noticed++
			}
			os.Remove(damaged + "-wal")
			os.Remove(damaged + "-shm")
		}
	}
	t.Logf("%d of %d flips were noticed, the others made no difference", noticed, tried)
	if noticed < tried/4 {
		t.Errorf("only %d of %d flips were noticed", noticed, tried)
	}
}

// answers asks a store everything, one line an answer.
func answers(t testing.TB, path string) (list []string) {
	s, err := sqlitestore.Open(ctx, path, sqlitestore.Options{ReadOnly: true, Readers: 1})
	if err != nil {
		if !expected(err) {
			t.Errorf("open: unexpected error %v", err)
		}
		return []string{"ERROR " + err.Error()}
	}
	defer s.Close()
	add := func(what string, err error, format string, args ...any) {
		if err != nil {
			if !expected(err) {
				t.Errorf("%s: unexpected error %v", what, err)
			}
			list = append(list, what+": ERROR "+err.Error())
			return
		}
		list = append(list, what+": "+fmt.Sprintf(format, args...))
	}
	for _, names := range []bool{true, false} {
		var all []string
		var failed error
		for v, err := range s.List(ctx, idxdb.ListOptions{NamesOnly: names}) {
			if failed = err; err == nil {
				all = append(all, describe(v))
			}
		}
		add(fmt.Sprint("list ", names), failed, "%s", strings.Join(all, " "))
	}
	var keys = []string{"history", "no such key", "key/5"}
	for i := range 12 {
		keys = append(keys, fmt.Sprintf("key/%d", i))
	}
	for _, key := range keys {
		var all []string
		var failed error
		for v, err := range s.Log(ctx, key) {
			if failed = err; err == nil {
				all = append(all, describe(v))
			}
		}
		if errors.Is(failed, idxdb.ErrNotFound) {
			all, failed = []string{"not found"}, nil
		}
		add("log "+key, failed, "%s", strings.Join(all, " "))
		for number := range int64(6) {
			for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
				text, err := loadText(s, key, idxdb.LoadOptions{Version: number, Doc: doc})
				if errors.Is(err, idxdb.ErrNotFound) {
					text, err = "not found", nil
				}
				add(fmt.Sprint("load ", key, number, doc), err, "%q", text)
			}
		}
	}
	return list
}

// expected tells the errors that damage may lead to.
func expected(err error) bool {
	return errors.Is(err, idxdb.ErrCorrupt) || errors.Is(err, idxdb.ErrNotStore) || errors.Is(err, idxdb.ErrNewerFormat) ||
		errors.Is(err, idxdb.ErrUnsupported) || errors.Is(err, idxdb.ErrReadOnly)
}

func describe(v idxdb.Version) string {
	search := "none"
	if v.Search != nil {
		search = fmt.Sprint(*v.Search)
	}
	v.Search = nil
	return fmt.Sprint(v, search)
}

func loadText(s idxdb.Store, key string, opts idxdb.LoadOptions) (string, error) {
	doc, err := s.Load(ctx, key, opts)
	if err != nil {
		return "", err
	}
	defer doc.Body.Close()
	text, err := io.ReadAll(doc.Body)
	return string(text), err
}
