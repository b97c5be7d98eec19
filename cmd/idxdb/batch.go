package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/idxdb/idxdb"
)

// maxBatchLine is the length of the longest line of a batch's list, in bytes.
const maxBatchLine = 1 << 20

// batchLine is one line of a batch's list.
type batchLine struct {
	Key       *string `json:"key"`
	State     *string `json:"state"`
	Search    *string `json:"search"`
	Message   string  `json:"message"`
	IfVersion *int64  `json:"ifVersion"`
	IfMatch   *string `json:"ifMatch"`
	SaveID    *string `json:"saveId"`
}

func (a *app) saveBatch(ctx context.Context, name string, lease *leaseFlag) error {
	m := a.startMeter("save", true)
	defer m.stop()
	list, err := a.readBatch(ctx, name, m)
	if err != nil {
		return err
	}
	items := list.items
	var saved []idxdb.Saved
	a.undone = nothingSaved
	err = a.withStore(ctx, nil, toCreate, func(s idxdb.Store) error {
		b, err := capability[idxdb.BatchSaver](s, "save --batch")
		if err != nil {
			return err
		}
		for i := range items {
			opts := &items[i].Opts
			if opts.Lease, opts.IgnoreLease, err = a.lease(s, items[i].Key, lease); err != nil {
				return err
			}
		}
		saved, err = b.SaveBatch(ctx, items)
		a.noteSaved(s, m, err)
		return list.locate(err)
	})
	m.stop()
	if err != nil {
		return err
	}
	views := make([]savedView, len(saved))
	for i, s := range saved {
		views[i] = viewSaved(s)
	}
	if a.quiet && !a.json {
		return nil
	}
	return a.print(views, func(w io.Writer) {
		for _, s := range saved {
			fmt.Fprintln(w, printable(describeSaved(s)))
		}
	})
}

// batchList is the list of a batch, read.
type batchList struct {
	name       string
	items      []idxdb.BatchItem
	lines      []int // of the items
	files      []batchLine
	last       int  // the item that was opened last; -1: none
	unreadable bool // it could not be opened
}

// locate adds to an error of the save which line it is about, and which file if
// that is what is wrong.
func (l *batchList) locate(err error) error {
	if err == nil {
		return nil
	}
	i := -1
	conflict, isConflict := errors.AsType[*idxdb.ConflictError](err)
	syntax, isSyntax := errors.AsType[*idxdb.SyntaxError](err)
	switch {
	case isConflict:
		i = slices.IndexFunc(l.items, func(item idxdb.BatchItem) bool { return item.Key == conflict.Key })
	case isSyntax, l.unreadable, l.last < len(l.items)-1: // items are opened in order, and the first that fails ends it
		i = l.last
	}
	if i < 0 {
		return err
	}
	where := fmt.Sprintf("%s: line %d", l.name, l.lines[i])
	if isSyntax {
		file := l.files[i].State
		if syntax.Doc == idxdb.SearchDoc {
			file = l.files[i].Search
		}
		where += ": " + *file
	}
	return fmt.Errorf("%s: %w", where, err)
}

// add adds an item that stands in line n.
func (l *batchList) add(item idxdb.BatchItem, line batchLine, n int) {
	i, open := len(l.items), item.Open
	item.Open = func() (idxdb.Documents, func(), error) {
		docs, done, err := open()
		l.last, l.unreadable = i, err != nil
		return docs, done, err
	}
	l.items, l.lines, l.files = append(l.items, item), append(l.lines, n), append(l.files, line)
}

// readBatch reads the list of a batch. What is wrong with it is an error that
// names the line.
func (a *app) readBatch(ctx context.Context, name string, m *meter) (*batchList, error) {
	var list *input
	var err error
	dir := ""
	if name == "-" {
		list, err = a.stdinInput(ctx, true, nil)
	} else {
		dir = filepath.Dir(name)
		list, err = openInput(ctx, name, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("save --batch: %w", err)
	}
	defer list.Close()

	batch := &batchList{name: name, last: -1}
	seen := make(map[string]int)
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, maxBatchLine)
	n := 0
	for lines.Scan() {
		n++
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		item, line, err := parseBatchLine(ctx, text, dir, m)
		if err == nil && seen[item.Key] > 0 {
			err = fmt.Errorf("key %q is in line %d already", item.Key, seen[item.Key])
		}
		if err != nil {
			return nil, usage(fmt.Errorf("%s: line %d: %w", name, n, err))
		}
		seen[item.Key] = n
		batch.add(item, line, n)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, usage(fmt.Errorf("%s: line %d: it is longer than %s", name, n+1, size(maxBatchLine)))
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("save --batch: read the list: %w", lines.Err())
	}
	if len(batch.items) == 0 {
		return nil, fmt.Errorf("%w: %s: there is no line in it", idxdb.ErrUsage, name)
	}
	return batch, nil
}

func parseBatchLine(ctx context.Context, text []byte, dir string, m *meter) (item idxdb.BatchItem, line batchLine, err error) {
	if text[0] != '{' {
		return item, line, errors.New(`want an object like {"key": "owner/repo@main", "state": "state.json"}, one on each line`)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&line); err != nil {
		return item, line, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return item, line, errors.New("there is more than one value")
	}
	if line.Key == nil || line.State == nil {
		return item, line, errors.New(`"key" and "state" are needed`)
	}
	item.Key = *line.Key
	if err := checkKeys(item.Key); err != nil {
		return item, line, err
	}
	opts, err := line.options()
	if err != nil {
		return item, line, err
	}
	item.Opts = opts
	item.Open = func() (idxdb.Documents, func(), error) {
		return line.open(ctx, dir, m)
	}
	return item, line, nil
}

func (l *batchLine) options() (idxdb.SaveOptions, error) {
	opts := idxdb.SaveOptions{Message: l.Message}
	if l.IfVersion != nil {
		if *l.IfVersion < 0 {
			return opts, fmt.Errorf(`"ifVersion" is %d: versions count from 1`, *l.IfVersion)
		}
		opts.If = idxdb.IfVersion(*l.IfVersion)
	}
	if l.IfMatch != nil {
		id, err := parseID(`"ifMatch"`, *l.IfMatch)
		if err != nil {
			return opts, err
		}
		opts.If = opts.If.And(idxdb.IfMatch(id))
	}
	if l.SaveID != nil {
		id, err := parseID(`"saveId"`, *l.SaveID)
		if err != nil {
			return opts, err
		}
		opts.ID = id
	}
	return opts, nil
}

// open opens the files of the line. They are open only while the store reads
// them: a batch may have more lines than a process may have files.
func (l *batchLine) open(ctx context.Context, dir string, m *meter) (docs idxdb.Documents, done func(), err error) {
	state, err := openInput(ctx, within(dir, *l.State), m)
	if err != nil {
		return docs, nil, err
	}
	docs.State = state.Reader
	if l.Search == nil {
		return docs, func() { _ = state.Close() }, nil
	}
	search, err := openInput(ctx, within(dir, *l.Search), m)
	if err != nil {
		_ = state.Close() // only read from
		return idxdb.Documents{}, nil, err
	}
	docs.Search = search.Reader
	return docs, func() { _, _ = state.Close(), search.Close() }, nil
}

func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
