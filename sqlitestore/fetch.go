package sqlitestore

import (
	"database/sql"
	"fmt"
	"runtime"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
)

// A batch is some consecutive chunks of a document on their way from the file to
// the reader.
type batch struct {
	chunks []stored
	data   []byte // of all chunks, compressed
	out    []byte // of all chunks, in order
	err    error
	done   chan struct{} // closed when out or err is there
}

// stored is a chunk as its row has it.
type stored struct {
	hash  codec.Hash
	size  int
	codec codec.Codec
	from  int // in batch.data
	to    int

	packed bool // it was in a frame; the hash is not known before it is decoded
}

const (
	batchChunks = 256     // rows read at a time, at most
	batchBytes  = 1 << 20 // of raw content, about
)

var batches = sync.Pool{New: func() any { return new(batch) }}

// recycle takes back a batch that nobody looks at any more.
func (s *Store) recycle(b *batch) {
	if b == nil {
		return
	}
	*b = batch{chunks: b.chunks[:0], data: b.data[:0], out: b.out[:0]}
	batches.Put(b)
}

// start sets the loader's goroutines going. They end with its context, or when
// all is fetched.
func (l *loader) start() error {
	if !l.s.begin() {
		return idxdb.ErrClosed
	}
	workers := max(1, min(runtime.GOMAXPROCS(0), 4))
	l.ordered = make(chan *batch, workers)
	work := make(chan *batch, workers)
	for range workers {
		go l.decode(work)
	}
	go func() {
		defer l.s.running.Done()
		l.fetch(work)
	}()
	return nil
}

// fetch reads rows in short read transactions: a consumer that is slow must not
// keep the WAL from being recycled.
func (l *loader) fetch(work chan<- *batch) {
	defer close(l.ordered)
	defer close(work)
	rest := l.runs
	for len(rest) > 0 {
		b := batches.Get().(*batch)
		b.done = make(chan struct{})
		b.err = l.s.view(l.ctx, func(cn *conn) (err error) {
			rest, err = cn.fetch(b, rest, l.batch, &l.unpacker, l.fail)
			return err
		})
		select {
		case l.ordered <- b:
		case <-l.ctx.Done():
			return
		}
		if b.err != nil {
			close(b.done)
			return
		}
		select {
		case work <- b:
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *loader) decode(work <-chan *batch) {
	dec := codec.NewDecoder()
	for b := range work {
		b.err = b.decode(dec, l.fail)
		close(b.done)
	}
}

func (b *batch) decode(dec *codec.Decoder, fail func(string, error) error) (err error) {
	for i := range b.chunks {
		c := &b.chunks[i]
		start := len(b.out)
		b.out, err = dec.Decode(b.out, c.codec, c.size, b.data[c.from:c.to])
		if err != nil {
			return fail(fmt.Sprintf("chunk %x", c.hash[:8]), err)
		}
		hash := codec.Sum(b.out[start:])
		if c.packed {
			c.hash = hash // the document's digest tells whether it is right
		}
		if hash != c.hash {
			return fail(fmt.Sprintf("chunk %x has other content", c.hash[:8]), nil)
		}
	}
	return nil
}

// fetch fills b with the first chunks of runs, n at most, and returns the runs that are
// left. Ids that lie scattered are sorted first, so that neighbours are read
// together, whatever their order in the document.
//
// A chunk is looked for among those with a row of their own, then in frames, in
// one transaction. What brings it from here to there does so in one transaction
// too, so it is always found.
func (cn *conn) fetch(b *batch, runs []codec.Run, n int64, up *unpacker, fail func(string, error) error) ([]codec.Run, error) {
	group, rest := split(runs, n)
	at := make(map[int64]stored, n)
	single := up.take(b, group, at)
	for _, span := range spans(single, 4) {
		err := cn.query(chunkData, func(rows *sql.Rows) error {
			id, c, data, err := scanChunk(rows, fail)
			if err != nil || !span.has(id) {
				return err
			}
			c.from = len(b.data)
			b.data = append(b.data, data...)
			c.to = len(b.data)
			at[id] = c
			return nil
		}, span.first, span.last)
		if err != nil {
			return nil, err
		}
	}
	if err := cn.unpack(b, single, rest, at, up, fail); err != nil {
		return nil, err
	}
	raw := 0
	for i, r := range group {
		for j := range r.N {
			if raw >= 2*batchBytes { // the chunks are larger than they should be
				left := append([]codec.Run{{First: r.First + j, N: r.N - j}}, group[i+1:]...)
				return append(left, rest...), nil
			}
			c, ok := at[r.First+j]
			if !ok {
				return nil, fail(fmt.Sprintf("chunk %d is missing", r.First+j), nil)
			}
			raw += c.size
			b.chunks = append(b.chunks, c)
		}
	}
	return rest, nil
}

// scanChunk reads a row of chunkData.
func scanChunk(rows *sql.Rows, fail func(string, error) error) (id int64, c stored, data sql.RawBytes, err error) {
	var size, number int64
	var hash sql.RawBytes
	if err := scan(rows, &id, &hash, &size, &number, &data); err != nil {
		return id, c, nil, err
	}
	if len(hash) != len(codec.Hash{}) || size < 1 || size > codec.MaxChunk || number < 0 || number > 255 {
		return id, c, nil, fail(fmt.Sprintf("the row of chunk %d is damaged", id), nil)
	}
	return id, stored{hash: codec.Hash(hash), size: int(size), codec: codec.Codec(number)}, data, nil
}

// chunksAtATime is how many chunks of this average size make a batch.
func chunksAtATime(average int) int64 {
	return int64(max(4, min(batchChunks, batchBytes/max(1, average))))
}

// split returns the runs of the first n chunks, and the others.
func split(runs []codec.Run, n int64) (first, rest []codec.Run) {
	for i, r := range runs {
		if r.N > n {
			first = append(append([]codec.Run(nil), runs[:i]...), codec.Run{First: r.First, N: n})
			rest = append([]codec.Run{{First: r.First + n, N: r.N - n}}, runs[i+1:]...)
			return first, rest
		}
		if n -= r.N; n == 0 {
			return runs[:i+1], runs[i+1:]
		}
	}
	return runs, nil
}
