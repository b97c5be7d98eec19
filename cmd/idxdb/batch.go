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
	items, err := a.readBatch(ctx, name, m)
	if err != nil {
		return err
	}
	var saved []idxdb.Saved
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
		return err
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

// readBatch reads the list of a batch. What is wrong with it is an error that
// names the line.
func (a *app) readBatch(ctx context.Context, name string, m *meter) ([]idxdb.BatchItem, error) {
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

	var items []idxdb.BatchItem
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
		item, err := parseBatchLine(ctx, text, dir, m)
		if err == nil && seen[item.Key] > 0 {
			err = fmt.Errorf("key %q is in line %d already", item.Key, seen[item.Key])
		}
		if err != nil {
			return nil, usage(fmt.Errorf("%s: line %d: %w", name, n, err))
		}
		seen[item.Key] = n
		items = append(items, item)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, usage(fmt.Errorf("%s: line %d: it is longer than %s", name, n+1, size(maxBatchLine)))
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("save --batch: read the list: %w", lines.Err())
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("%w: %s: there is no line in it", idxdb.ErrUsage, name)
	}
	return items, nil
}

func parseBatchLine(ctx context.Context, text []byte, dir string, m *meter) (idxdb.BatchItem, error) {
	var item idxdb.BatchItem
	var line batchLine
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&line); err != nil {
		return item, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return item, errors.New("there is more than one value")
	}
	if line.Key == nil || line.State == nil {
		return item, errors.New(`"key" and "state" are needed`)
	}
	item.Key = *line.Key
	if err := checkKeys(item.Key); err != nil {
		return item, err
	}
	opts, err := line.options()
	if err != nil {
		return item, err
	}
	item.Opts = opts
	item.Open = func() (idxdb.Documents, func(), error) {
		return line.open(ctx, dir, m)
	}
	return item, nil
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
