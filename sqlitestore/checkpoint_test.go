package sqlitestore_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/sqlitestore"
)

// noise is a JSON document of about n bytes that does not compress.
func noise(n int) string {
	b := make([]byte, n/2)
	rand.Read(b) // never fails
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
	var s strings.Builder
	for _, c := range []byte(hex.EncodeToString(b)) {
		s.WriteByte(digits[(int(c)+s.Len()*7)%64])
	}
	return `"` + s.String() + `"`
}

func logFile(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	must2(t, err)
	return info.Size()
}

// TestLogStaysSmall has eight writers and two readers on one file. Much more goes
// through the log than it may hold.
func TestLogStaysSmall(t *testing.T) {
	const limit = 512 << 10
	sqlitestore.SetLogLimits(t, limit/8, limit)
	path := newFile(t)
	var highest, written atomic.Int64
	var writers, readers sync.WaitGroup
	done := make(chan struct{})
	for i := range 2 {
		s := open(t, path)
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					load(t, s, "key", 0)
					if i == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			}
		})
	}
	for i := range 8 {
		s := open(t, path)
		writers.Go(func() {
			for range 12 {
				doc := noise(50_000)
				if _, err := saveWith(s, fmt.Sprint(i), doc, idxdb.SaveOptions{}); err != nil {
					t.Error(err)
					return
				}
				written.Add(int64(len(doc)))
				for size := logFile(t, path); ; {
					before := highest.Load()
					if size <= before || highest.CompareAndSwap(before, size) {
						break
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	if written.Load() < 8*limit {
		t.Fatalf("only %d bytes were written", written.Load())
	}
	t.Logf("%d bytes were written, the log had at most %d", written.Load(), highest.Load())
	if highest.Load() > 2*limit {
		t.Errorf("the log had %d bytes, at most %d are wanted", highest.Load(), 2*limit)
	}
	s := open(t, path)
	clean(t, s)
}

// TestPinnedLog has a reader of another program hold the log for long. It grows,
// everybody goes on, and afterwards it becomes small again.
func TestPinnedLog(t *testing.T) {
	const limit = 256 << 10
	sqlitestore.SetLogLimits(t, limit/4, limit)
	path := newFile(t)
	s := open(t, path)
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	must(t, err)
	defer db.Close()
	tx, err := db.Begin()
	must(t, err)
	var n int
	must(t, tx.QueryRow("SELECT count(*) FROM key").Scan(&n))

	for range 20 {
		save(t, s, "key", noise(100_000))
	}
	log, err := s.LogSize()
	must(t, err)
	if log.Size < 4*limit || log.Pending < 4*limit {
		t.Errorf("with a reader that holds it, the log is %+v", log)
	}
	must(t, tx.Rollback())
	must(t, db.Close())
	// The log begins anew with one of the next saves, as soon as the checkpoint in
	// the background has caught up.
	for tries := 0; ; tries++ {
		save(t, s, "key", noise(100_000))
		log, err = s.LogSize()
		must(t, err)
		if log.Size <= 2*limit && log.Pending <= limit {
			break
		}
		if tries == 300 {
			t.Errorf("after the reader has gone, the log is %+v", log)
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	clean(t, s)
}

// TestCheckpointInBackground: a large save leaves little in the log behind once
// the store is closed or some time has passed.
func TestCheckpointInBackground(t *testing.T) {
	sqlitestore.SetLogLimits(t, 64<<10, 1<<30)
	path := newFile(t)
	other, s := open(t, path), open(t, path) // other keeps the file open
	for range 3 {
		save(t, s, "key", noise(200_000))
	}
	must(t, s.Close())
	log, err := other.LogSize()
	must(t, err)
	if log.Pending > 300_000 {
		t.Errorf("after three saves and Close, the log is %+v", log)
	}
	must(t, other.Close())
	if size := logFile(t, path); size != 0 {
		t.Errorf("after the last Close, the log has %d bytes", size)
	}
}
