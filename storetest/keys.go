package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idxdb/idxdb"
)

var keySentences = []sentence{
	{name: "Keys/AreTheBytesThatWereSaved", test: testKeyZoo},
	{name: "Keys/AreListedInByteOrder", test: testListOrder},
	{name: "Keys/AreListedByPrefix", test: testListPrefix},
	{name: "Keys/ThatAreInvalidAreRefused", test: testInvalidKeys},
	{name: "Keys/CanBeLoadedAndSavedWhileListing", test: testListNested},
}

// validKeys are keys that some file system, URL or SQL would confuse.
var validKeys = []string{
	"a", "A", ".", "..", "...", "/", "//", "a/", "/a", "a//b", "a/b", "a/./b", "../../etc/passwd",
	"owner/repo@main", "owner_repo_main", "owner-repo-main", "Owner/Repo@main", "owner/repo@main ", " owner/repo@main",
	"ключ/ветка", "日本語", "🙂", "👩‍👩‍👧", "\u00e9", "e\u0301", "ß", "SS", "ss", "İ", "i̇", "\ufeff", "\u202e", "\u00a0",
	"CON", "con", "NUL.txt", "COM1", "a.", "a..", "a ", " ", "  ", "~", "-", "--", "-rf", "--help",
	`"`, `'`, "`", `a"b`, `a'b`, `\`, `a\b`, `\\host\share`, "%", "%2F", "%00", "a%2Fb", "a+b", "a&b", "a?b", "a#b", "a:b", "C:\\x",
	"*", "a*", "?", "[a]", "{a}", "$HOME", "$(id)", "`id`", ";", "|", "<", ">", "!", "a=b", "a,b",
	"indexes", ".idxdb", "state.json", "search.json", "key", "null", "0", "00", "1e3", "\U0010ffff", "\uffff", "_", "__", "a_b",
	strings.Repeat("k", idxdb.MaxKeyLen), strings.Repeat("ж", idxdb.MaxKeyLen/2), strings.Repeat("/", idxdb.MaxKeyLen),
	strings.Repeat("k", idxdb.MaxKeyLen-1), strings.Repeat(".", 255), strings.Repeat("k", 200) + "1", strings.Repeat("k", 200) + "2",
}

var invalidKeys = map[string]string{
	"empty":           "",
	"513 bytes":       strings.Repeat("k", idxdb.MaxKeyLen+1),
	"newline":         "a\nb",
	"final newline":   "a\n",
	"NUL":             "a\x00",
	"tab":             "\ta",
	"escape":          "\x1b[31m",
	"DEL":             "a\x7f",
	"C1 control":      "a\u0085b",
	"first C1":        "\u0080",
	"last C1":         "\u009f",
	"not UTF-8":       "a\xffb",
	"surrogate":       "\xed\xa0\x80",
	"overlong":        "\xc0\xaf",
	"cut in the rune": "ab\xd0",
}

func textFor(key string) string { return fmt.Sprintf("{%q:%d}", "n", len(key)) + "\n" }

func testKeyZoo(e *env) {
	for i, k := range validKeys {
		e.save(k, fmt.Sprintf(`{"n":%d}`, i), fmt.Sprintf(`[%d]`, i))
	}
	want := slices.Sorted(slices.Values(validKeys))
	for range 2 {
		if got := e.keys(); !slices.Equal(got, want) {
			e.Errorf("List has %q,\nwant %q", got, want)
		}
		for i, k := range validKeys {
			e.holds(k, fmt.Sprintf(`{"n":%d}`, i), fmt.Sprintf(`[%d]`, i))
		}
		e.reopen()
	}
	// Deleting one of two keys that look alike leaves the other.
	for i, k := range validKeys {
		if i%2 == 0 {
			if err := e.store.Delete(e.ctx, k, idxdb.DeleteOptions{}); err != nil {
				e.Errorf("Delete(%s): %v", brief(k), err)
			}
		}
	}
	for i, k := range validKeys {
		if i%2 == 0 {
			_, _, err := e.read(k, idxdb.LoadOptions{})
			e.wantErr("Load("+brief(k)+") after Delete", err, idxdb.ErrNotFound)
		} else {
			e.holds(k, fmt.Sprintf(`{"n":%d}`, i), fmt.Sprintf(`[%d]`, i))
		}
	}
}

func testListOrder(e *env) {
	if got := e.list(idxdb.ListOptions{}); len(got) != 0 {
		e.Errorf("List of an empty store = %+v", got)
	}
	keys := []string{"b", "a", "B", "aa", "a/b", "a.b", "a b", "я", "z", "é", "\U0001f600", "\uffff", "10", "9"}
	for _, k := range keys {
		e.save(k, textFor(k), none)
	}
	slices.Sort(keys)
	versions := e.list(idxdb.ListOptions{})
	var got []string
	for _, v := range versions {
		got = append(got, v.Key)
		if _, loaded := e.load(v.Key, idxdb.LoadOptions{}); !sameVersion(v, loaded) {
			e.Errorf("List and Load disagree on %s:\n%+v\n%+v", brief(v.Key), v, loaded)
		}
	}
	if !slices.Equal(got, keys) {
		e.Errorf("List has %q, want %q", got, keys)
	}
	got = nil
	for _, v := range e.list(idxdb.ListOptions{NamesOnly: true}) {
		got = append(got, v.Key)
	}
	if !slices.Equal(got, keys) {
		e.Errorf("List with NamesOnly has %q, want %q", got, keys)
	}
}

func testListPrefix(e *env) {
	keys := []string{"a", "a%", "a%b", "a_", "aXb", "ab", "abc", "a*", "A", "b", "a\u00e9", "a\U0010ffff", "a\U0010ffffb", "é"}
	for _, k := range keys {
		e.save(k, textFor(k), none)
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "a", "ab", "abc", "abcd", "a%", "a_", "a*", "A", "a\U0010ffff", "é", "zz", "\xc3"} {
		var want []string
		for _, k := range keys {
			if strings.HasPrefix(k, prefix) {
				want = append(want, k)
			}
		}
		for _, namesOnly := range []bool{false, true} {
			var got []string
			for _, v := range e.list(idxdb.ListOptions{Prefix: prefix, NamesOnly: namesOnly}) {
				got = append(got, v.Key)
			}
			if !slices.Equal(got, want) {
				e.Errorf("List with prefix %q, names only %v, has %q, want %q", prefix, namesOnly, got, want)
			}
		}
	}
}

func testInvalidKeys(e *env) {
	e.save("good", `{}`, none)
	for name, key := range invalidKeys {
		for method, err := range keyCalls(e, key) {
			if !errors.Is(err, idxdb.ErrInvalidKey) {
				e.Errorf("%s with a key that is invalid (%s): error %v, want ErrInvalidKey", method, name, err)
			}
		}
	}
	if got := e.keys(); !slices.Equal(got, []string{"good"}) {
		e.Errorf("after refused saves List has %q", got)
	}
}

// keyCalls calls every method that takes a key and returns their errors.
func keyCalls(e *env, key string) map[string]error {
	out := make(map[string]error)
	_, out["Load"] = e.store.Load(e.ctx, key, idxdb.LoadOptions{})
	_, out["Save"] = e.store.Save(e.ctx, key, docs(`{}`, none), idxdb.SaveOptions{})
	out["Delete"] = e.store.Delete(e.ctx, key, idxdb.DeleteOptions{})
	if e.has(history) {
		_, out["Log"] = e.tryLog(key)
	}
	if r, ok := idxdb.As[idxdb.Renamer](e.store); ok {
		out["Rename from"] = r.Rename(e.ctx, key, "new")
		out["Rename to"] = r.Rename(e.ctx, "good", key)
	}
	if c, ok := idxdb.As[idxdb.Cloner](e.store); ok {
		_, out["Clone from"] = c.Clone(e.ctx, key, "new", true)
		_, out["Clone to"] = c.Clone(e.ctx, "good", key, false)
	}
	if i, ok := idxdb.As[idxdb.Importer](e.store); ok {
		v := idxdb.Version{Key: key, Number: 1, ID: idxdb.NewID()}
		_, out["Import"] = i.Import(e.ctx, v, docs(`{}`, none), idxdb.Condition{})
	}
	if b, ok := idxdb.As[idxdb.BatchSaver](e.store); ok {
		_, out["SaveBatch"] = b.SaveBatch(e.ctx, []idxdb.BatchItem{item("new", `{}`, none), item(key, `{}`, none)})
	}
	return out
}

func testListNested(e *env) {
	for i := range 20 {
		e.save(fmt.Sprintf("key %02d", i), fmt.Sprintf(`[%d]`, i), none)
	}
	for v, err := range e.store.List(e.ctx, idxdb.ListOptions{}) {
		if err != nil {
			e.Fatal(err)
		}
		e.load(v.Key, idxdb.LoadOptions{})
		e.save(v.Key, `["again"]`, none)
	}
	for _, v := range e.list(idxdb.ListOptions{}) {
		if v.Number != 2 {
			e.Errorf("%q has version %d, want 2", v.Key, v.Number)
		}
	}
	for range e.store.List(e.ctx, idxdb.ListOptions{}) {
		break // must not leave anything locked
	}
	e.save("key 00", `["once more"]`, none)
}
