package sqlitestore

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
)

// A pool has a bounded number of connections for reading, opened as needed.
type pool struct {
	path   string
	known  schema.Formats
	check  func() error // whether path still names the file that was opened
	idle   chan *conn
	tokens chan struct{} // one for each connection that may still be opened
	done   chan struct{} // closed by close

	mu      sync.Mutex
	purpose purpose
	closed  bool
	alive   sync.WaitGroup // connections, idle or in use; only Done without mu
}

func newPool(path string, opts Options, known schema.Formats) *pool {
	n := opts.Readers
	if n <= 0 {
		n = 4
	}
	p := &pool{path: path, known: known, idle: make(chan *conn, n), tokens: make(chan struct{}, n), done: make(chan struct{})}
	for range n {
		p.tokens <- struct{}{}
	}
	return p
}

// get returns a connection for the caller alone; it goes back with put.
func (p *pool) get(ctx context.Context) (*conn, error) {
	select {
	case cn := <-p.idle: // rather than open another
		return cn, nil
	default:
	}
	select {
	case cn := <-p.idle:
		return cn, nil
	case <-p.tokens:
		cn, err := p.open()
		if err != nil {
			p.tokens <- struct{}{}
		}
		return cn, err
	case <-p.done:
		return nil, idxdb.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) open() (*conn, error) {
	p.mu.Lock()
	how, closed := p.purpose, p.closed
	if !closed {
		p.alive.Add(1)
	}
	p.mu.Unlock()
	if closed {
		return nil, idxdb.ErrClosed
	}
	cn, err := p.openCounted(how)
	if err != nil {
		p.alive.Done()
	}
	return cn, err
}

func (p *pool) openCounted(how purpose) (*conn, error) {
	// Opened by name, it could be a connection to another file by now.
	if err := p.check(); err != nil {
		return nil, err
	}
	cn, err := openConn(p.path, how, p.known)
	if err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		cn.close()
		return nil, err
	}
	return cn, nil
}

func (p *pool) put(cn *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.discard(cn)
		return
	}
	p.idle <- cn
}

func (p *pool) discard(cn *conn) error {
	defer p.alive.Done()
	return cn.close()
}

// close closes all connections. It waits for those that are in use, which is
// short: whoever closes a store may delete the file then, or open it anew.
func (p *pool) close() error {
	err := p.closeIdle()
	p.alive.Wait()
	return err
}

func (p *pool) closeIdle() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	close(p.done)
	var err error
	for {
		select {
		case cn := <-p.idle:
			err = errors.Join(err, p.discard(cn))
		default:
			return err
		}
	}
}

// viewAny is view also for a file of a format that is too old to be read.
func (s *Store) viewAny(ctx context.Context, fn func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.checkOpen(); err != nil {
		return err
	}
	cn, err := s.readers.get(ctx)
	if err != nil {
		return err
	}
	defer s.readers.put(cn)
	if _, err := cn.begin.ExecContext(background); err != nil {
		return translate(err)
	}
	if err = cn.adopt(); err == nil {
		s.older.Store(cn.format.access.Older)
		err = fn(cn)
	}
	if s.immutable {
		if changed := s.checkImmutable(); changed != nil {
			err = changed // and what fn said is of two moments
		}
	}
	if _, endErr := cn.end.ExecContext(background); err == nil && endErr != nil {
		err = fmt.Errorf("end a read transaction: %w", translate(endErr))
	}
	return err
}
