package storetest

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/idxdb/idxdb"
)

var bytesSentences = []sentence{
	{name: "Bytes/ComeBackExactly", test: testExactBytes},
	{name: "Bytes/OfEverySizeComeBack", test: testSizes},
	{name: "Bytes/SearchIsOptional", test: testSearchOptional},
	{name: "Bytes/SaveWithoutSearchRemovesIt", test: testSearchRemoved},
	{name: "Bytes/BodyIsAnOrdinaryReader", test: testOrdinaryReader},
	{name: "Bytes/StreamInBoundedMemory", test: testBoundedMemory},
	{name: "Bytes/LoadingSearchCostsNothingForState", test: testSearchIsCheap},
}

// oddTexts are JSON that a store may be tempted to tidy up.
var oddTexts = map[string]string{
	"two bytes":            `{}`,
	"one byte":             `7`,
	"top-level null":       `null`,
	"top-level string":     `"text"`,
	"no final newline":     `{"a":1}`,
	"final newline":        "{\"a\":1}\n",
	"many final newlines":  "{}\n\n\n\n",
	"leading white space":  " \t\r\n {}",
	"CRLF":                 "{\r\n\t\"a\" : [ 1 ,\r\n2 ]\r\n}\r\n",
	"unicode":              `{"ключ":"значение","🙂":"日本語","é":"é"}`,
	"escapes":              `{"a":"\u00e9\/\b\f\n\r\t\"\\"}`,
	"lone surrogates":      `["\ud800","\udc00 \ud800x"]`,
	"NUL as escape":        `["\u0000"]`,
	"DEL and U+2028":       "[\"\x7f\u2028\u2029\"]",
	"duplicate names":      `{"a":1,"a":2,"a":3}`,
	"member order":         `{"z":1,"a":2,"m":3}`,
	"number forms":         `[1.0,1e2,1E+2,-0,0.10,12345678901234567890123]`,
	"nesting of 200":       strings.Repeat("[", 200) + strings.Repeat("]", 200),
	"objects nested":       strings.Repeat(`{"a":`, 200) + "0" + strings.Repeat("}", 200),
	"long number":          strings.Repeat("9", 1e6),
	"long fraction":        "[0." + strings.Repeat("3", 1e5) + "]",
	"long string":          `"` + strings.Repeat("абв", 1e5) + `"`,
	"bytes 0x01 as escape": `["\u0001\u0001` + strings.Repeat("0123456789abcdef", 40) + `"]`,
	"upper-case hex":       `["` + strings.Repeat("0123456789ABCDEF", 40) + `"]`,
}

func testExactBytes(e *env) {
	for name, text := range oddTexts {
		e.save(name, text, text)
	}
	for range 2 {
		for name, text := range oddTexts {
			e.holds(name, text, text)
		}
		e.reopen()
	}
}

func testSizes(e *env) {
	sizes := []int{2, 3, 4, 64, 511, 512, 513, 1023, 4095, 4096, 4097, 16 << 10,
		64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20}
	for i, n := range sizes {
		key := fmt.Sprintf("size %d", n)
		state, search := indexText(n, uint64(i)), indexText(sizes[len(sizes)-1-i], uint64(100+i))
		e.save(key, state, search)
		e.holds(key, state, search)
	}
}

func testSearchOptional(e *env) {
	saved := e.save("key", `{"v":1}`, none)
	if saved.Version.Search != nil {
		e.Errorf("Saved.Version.Search = %+v, want nil", saved.Version.Search)
	}
	e.holds("key", `{"v":1}`, none)
}

func testSearchRemoved(e *env) {
	e.save("key", `{"v":1}`, `{"s":1}`)
	e.holds("key", `{"v":1}`, `{"s":1}`)
	if saved := e.save("key", `{"v":1}`, none); saved.Unchanged || saved.Version.Number != 2 {
		e.Errorf("a save that removes search gave version %d, unchanged %v; want a new version",
			saved.Version.Number, saved.Unchanged)
	}
	e.holds("key", `{"v":1}`, none)
	e.reopen()
	e.holds("key", `{"v":1}`, none)
	e.save("key", `{"v":1}`, `{"s":1}`)
	e.holds("key", `{"v":1}`, `{"s":1}`)
}

func testOrdinaryReader(e *env) {
	text := indexText(200_000, 1)
	e.save("key", text, none)
	doc, err := e.store.Load(e.ctx, "key", idxdb.LoadOptions{})
	if err != nil {
		e.Fatal(err)
	}
	if doc.Doc != idxdb.StateDoc || doc.Size != int64(len(text)) || doc.Version.Number != 1 {
		e.Errorf("Document = doc %q, size %d, version %d", doc.Doc, doc.Size, doc.Version.Number)
	}
	if n, err := doc.Body.Read(nil); n != 0 || err != nil {
		e.Errorf("Read of nothing = %d, %v", n, err)
	}
	// Odd lengths, so that no read falls on a border of the store's own.
	var got strings.Builder
	for buf := make([]byte, 1); ; buf = make([]byte, len(buf)%977+1) {
		n, err := doc.Body.Read(buf)
		if n < 0 || n > len(buf) {
			e.Fatalf("Read(%d bytes) = %d", len(buf), n)
		}
		got.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			e.Fatal(err)
		}
	}
	if got.String() != text {
		e.Errorf("read in small pieces: %s, want %s", brief(got.String()), brief(text))
	}
	if n, err := doc.Body.Read(make([]byte, 8)); n != 0 || err != io.EOF {
		e.Errorf("Read after the end = %d, %v; want 0, EOF", n, err)
	}
	if err := doc.Body.Close(); err != nil {
		e.Errorf("Body.Close: %v", err)
	}
	// A body that is closed half read must not keep anything locked.
	doc, err = e.store.Load(e.ctx, "key", idxdb.LoadOptions{})
	if err != nil {
		e.Fatal(err)
	}
	if _, err := io.ReadFull(doc.Body, make([]byte, 10)); err != nil {
		e.Fatal(err)
	}
	if err := doc.Body.Close(); err != nil {
		e.Errorf("Body.Close, half read: %v", err)
	}
	e.save("key", `{}`, none)
	e.holds("key", `{}`, none)
}

// testBoundedMemory measures the live heap, after a collection, at several
// points of a save and a load. What is garbage does not count.
func testBoundedMemory(e *env) {
	size := e.cfg.LargeSize
	base := liveHeap()
	var peak int64
	watched := func() *largeText {
		text := newLargeText(size, 7)
		text.step, text.tick = size/6, func() { peak = max(peak, liveHeap()-base) }
		return text
	}
	_, err := e.store.Save(e.ctx, "large", idxdb.Documents{State: watched(), Search: newLargeText(size/8, 8)}, idxdb.SaveOptions{})
	if err != nil {
		e.Fatalf("Save of a large document: %v", err)
	}
	if peak > e.cfg.MaxHeap {
		e.Errorf("saving %d MB made the live heap grow by %d MB, at most %d MB are allowed",
			size/1e6, peak/1e6, e.cfg.MaxHeap/1e6)
	}
	peak = 0
	doc, err := e.store.Load(e.ctx, "large", idxdb.LoadOptions{})
	if err != nil {
		e.Fatalf("Load of a large document: %v", err)
	}
	if err := sameStream(doc.Body, watched()); err != nil {
		e.Errorf("loading a large document: %v", err)
	}
	if err := doc.Body.Close(); err != nil {
		e.Errorf("Body.Close: %v", err)
	}
	if peak > e.cfg.MaxHeap {
		e.Errorf("loading %d MB made the live heap grow by %d MB, at most %d MB are allowed",
			size/1e6, peak/1e6, e.cfg.MaxHeap/1e6)
	}
}

// liveHeap returns how many bytes of the heap are in use.
func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// testSearchIsCheap compares the best of several loads: a store that touches
// the state to load a small search document cannot take a quarter of the time.
func testSearchIsCheap(e *env) {
	const search = `{"small":true}`
	state := newLargeText(e.cfg.LargeSize, 9)
	_, err := e.store.Save(e.ctx, "key", idxdb.Documents{State: state, Search: strings.NewReader(search)}, idxdb.SaveOptions{})
	if err != nil {
		e.Fatal(err)
	}
	best := func(doc idxdb.Doc) time.Duration {
		fastest := time.Hour
		for range 4 {
			start := time.Now()
			d, err := e.store.Load(e.ctx, "key", idxdb.LoadOptions{Doc: doc})
			if err != nil {
				e.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, d.Body); err != nil {
				e.Fatal(err)
			}
			if err := d.Body.Close(); err != nil {
				e.Fatal(err)
			}
			fastest = min(fastest, time.Since(start))
		}
		return fastest
	}
	whole, small := best(idxdb.StateDoc), best(idxdb.SearchDoc)
	// Under a millisecond nothing was read that counts, however fast the state is.
	if small > time.Millisecond && small > whole/4 {
		e.Errorf("loading %d bytes of search took %v beside a state of %d MB, which loads in %v",
			len(search), small, e.cfg.LargeSize/1e6, whole)
	}
}
