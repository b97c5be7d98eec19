//go:build unix

package contention

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/schema"
	"github.com/idxdb/idxdb/sqlitestore"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The test binary, started again with this variable, is a worker.
const workerEnv = "IDXDB_CONTENTION_WORKER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		if err := workerMain(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A job is what a worker does, from the moment that it reads a line on until the
// time is over.
type job struct {
	Kind string // "store", "plain", "reader", "writer"
	Path string
	N    int
	Time time.Duration
}

// A tally is what a worker did.
type tally struct {
	Count   int
	Busy    int
	Slowest time.Duration

	cpu time.Duration // of the process, all in all; filled in by the parent
}

func workerMain(text string) error {
	var j job
	if err := json.Unmarshal([]byte(text), &j); err != nil {
		return err
	}
	do, done, err := j.open()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.ReadFull(os.Stdin, make([]byte, 1)); err != nil {
		return err
	}
	var t tally
	end := time.Now().Add(j.Time)
	for time.Now().Before(end) {
		begin := time.Now()
		err := do()
		t.Slowest = max(t.Slowest, time.Since(begin))
		var e *sqlite.Error
		switch {
		case err == nil:
			t.Count++
		case errors.Is(err, idxdb.ErrLocked), errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY:
			t.Busy++
		default:
			return err
		}
		if j.Kind == "writer" {
			time.Sleep(time.Until(begin.Add(250 * time.Millisecond)))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(t); err != nil {
		return err
	}
	return done()
}

func (j job) open() (do, done func() error, err error) {
	ctx := context.Background()
	if j.Kind == "plain" {
		return openPlain(j)
	}
	s, err := sqlitestore.Open(ctx, j.Path, sqlitestore.Options{})
	if err != nil {
		return nil, nil, err
	}
	n := 0
	save := func(key, state string) error {
		_, err := s.Save(ctx, key, idxdb.Documents{State: strings.NewReader(state)}, idxdb.SaveOptions{})
		return err
	}
	switch j.Kind {
	case "store":
		do = func() error { n++; return save(fmt.Sprint("key", j.N), small(j.N, n)) }
	case "writer":
		do = func() error { n++; return save("large", large(n)) }
	case "reader":
		do = func() error {
			doc, err := s.Load(ctx, "large", idxdb.LoadOptions{})
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, doc.Body)
			return errors.Join(err, doc.Body.Close())
		}
	}
	return do, s.Close, nil
}

// openPlain writes the rows that a small save writes, with nothing but SQLite.
func openPlain(j job) (do, done func() error, err error) {
	db, err := sql.Open("sqlite", "file:"+j.Path+"?_pragma=busy_timeout(30000)&_pragma=synchronous(full)&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	name := fmt.Sprint("plain", j.N)
	var key int64
	err = db.QueryRow(`INSERT INTO key (name, name_hash, live, first, last, versions, fence, checksum)
		VALUES (?, ?, 1, 1, 0, 0, 0, zeroblob(16)) RETURNING id`, name, schema.NameHash(name)).Scan(&key)
	if err != nil {
		return nil, nil, err
	}
	var prepared []*sql.Stmt
	for _, text := range []string{
		`SELECT epoch FROM meta WHERE id = 1`,
		`SELECT last FROM key WHERE name = ?`,
		`INSERT INTO chunk (hash, size, codec, data) VALUES (?, ?, 1, ?)`,
		`INSERT INTO version (key_id, number, save_id, saved_at, user, host, program, message, source_type, source_identifier,
			source_ref, source_synced_at, state_size, state_digest, search_size, search_digest, checksum)
			VALUES (?, ?, ?, 1, 'root', 'host', 'program', '', '', '', '', NULL, 100, zeroblob(32), NULL, NULL, zeroblob(16))`,
		`INSERT INTO manifest (version_id, state_average, state_chunks) VALUES (?, 1024, zeroblob(12))`,
		`UPDATE key SET last = ?, versions = ?, checksum = randomblob(16) WHERE id = ?`,
		`UPDATE meta SET checksum = randomblob(16) WHERE id = 1`,
	} {
		stmt, err := db.Prepare(text)
		if err != nil {
			return nil, nil, err
		}
		prepared = append(prepared, stmt)
	}
	r := rand.New(rand.NewPCG(uint64(j.N), 1))
	n := 0
	do = func() error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		n++
		var number int64
		if err := tx.Stmt(prepared[0]).QueryRow().Scan(&number); err != nil {
			return err
		}
		if err := tx.Stmt(prepared[1]).QueryRow(name).Scan(&number); err != nil {
			return err
		}
		hash := fmt.Appendf(nil, "%016x%016x", r.Uint64(), r.Uint64())
		if _, err := tx.Stmt(prepared[2]).Exec(hash, 500, []byte(small(j.N, n))); err != nil {
			return err
		}
		res, err := tx.Stmt(prepared[3]).Exec(key, n, hash[:16])
		if err != nil {
			return err
		}
		id, err := res.LastInsertId()
		if err != nil {
			return err
		}
		for i, args := range [][]any{{id}, {n, n, key}, {}} {
			if _, err := tx.Stmt(prepared[4+i]).Exec(args...); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
	return do, db.Close, nil
}

// small is a state of half a kilobyte.
func small(process, n int) string {
	r := rand.New(rand.NewPCG(uint64(process), uint64(n)))
	return fmt.Sprintf(`{"process":%d,"n":%d,"ids":["%x","%x","%x","%x"],"text":%q}`,
		process, n, r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), strings.Repeat("some text ", 30))
}

// large is an index state of 5.5 MB, of which each version changes 60 places.
func large(n int) string {
	const entries = 50_000
	changed := map[int]int{}
	for version := 1; version <= n; version++ {
		r := rand.New(rand.NewPCG(uint64(version), 3))
		for range 60 {
			changed[r.IntN(entries)] = version
		}
	}
	var b strings.Builder
	b.WriteString(`{"blobs":[`)
	for i := range entries {
		r := rand.New(rand.NewPCG(uint64(i), uint64(changed[i])))
		fmt.Fprintf(&b, "\n[\"%016x%016x%016x%016x\",\"src/package%d/file%d.go\"],", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), i/40, i)
	}
	b.WriteString("\n0]}")
	return b.String()
}
