package sqlitestore_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idxdb/idxdb"
	"github.com/idxdb/idxdb/internal/codec"
	"github.com/idxdb/idxdb/internal/schema"
	"github.com/idxdb/idxdb/sqlitestore"
)

// FuzzOpenAndLoad changes a file as somebody hostile could and does everything
// with it that users do. What comes out is an error or exactly the right bytes,
// soon and in little memory; and no SQL of the file's own ever runs.
//
// The input is a program of instructions of 8 bytes: what to do (see damages),
// and three numbers.
func FuzzOpenAndLoad(f *testing.F) {
	file, err := os.ReadFile(golden)
	if err != nil {
		f.Fatal(err)
	}
	for i := range damages {
		f.Add(instruction(i, 1, 2, 3))
		f.Add(append(instruction(i, 0, 70_000, 200), instruction(i, 5, 0xffffff, 255)...))
	}
	for i := range schemaAttacks {
		f.Add(instruction(attackSchema, i, 0, 0))
	}
	right := map[string]string{} // by key, number and document
	for _, v := range goldenVersions() {
		state, search := goldenDocs(v)
		right[content(v, idxdb.StateDoc)] = state
		right[content(v, idxdb.SearchDoc)] = search
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		h := &hostile{file: slices.Clone(file), path: filepath.Join(t.TempDir(), "hostile.idx")}
		for steps := 0; len(program) >= 8 && steps < 20; steps++ {
			a := int(program[1])<<16 | int(program[2])<<8 | int(program[3])
			b := int(program[4])<<16 | int(program[5])<<8 | int(program[6])
			damages[int(program[0])%len(damages)](h, a, b, int(program[7]))
			program = program[8:]
		}
		if err := os.WriteFile(h.path, h.file, 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begin := time.Now()
		exercise(t, h, right)
		runtime.ReadMemStats(&after)
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 400<<20 {
			t.Errorf("it allocated %d MB", used>>20)
		}
	})
}

func instruction(what, a, b, c int) []byte {
	return []byte{byte(what), byte(a >> 16), byte(a >> 8), byte(a), byte(b >> 16), byte(b >> 8), byte(b), byte(c)}
}

func content(v idxdb.Version, doc idxdb.Doc) string {
	return v.Key + "\n" + string(rune(v.Number)) + "\n" + string(doc)
}

// exercise does everything with the file once.
func exercise(t *testing.T, h *hostile, right map[string]string) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	s, err := sqlitestore.Open(ctx, h.path, sqlitestore.Options{Readers: 1})
	if err != nil {
		inTime(t, ctx, "open", err)
		return
	}
	defer s.Close() // of a file that may be damaged
	if h.schemaChanged {
		t.Error("a file with other tables was opened")
	}
	for head, err := range s.List(ctx, idxdb.ListOptions{}) {
		if err != nil {
			inTime(t, ctx, "list", err)
			break
		}
		loadAll(t, ctx, s, h, head.Key, right)
	}
	for _, v := range goldenVersions() {
		loadAll(t, ctx, s, h, v.Key, right)
	}
	_, err = s.Inspect(ctx)
	inTime(t, ctx, "inspect", err)
	_, err = s.Verify(ctx, nil)
	inTime(t, ctx, "verify", err)
	state := `{"after":true}`
	_, err = s.Save(ctx, "owner/repo@main", idxdb.Documents{State: strings.NewReader(state)}, idxdb.SaveOptions{})
	inTime(t, ctx, "save", err)
	if err == nil {
		if doc, err := s.Load(ctx, "owner/repo@main", idxdb.LoadOptions{}); err == nil {
			got, err := io.ReadAll(doc.Body)
			doc.Body.Close()
			if err == nil && string(got) != state {
				t.Errorf("what was saved comes back as %.100q", got)
			}
		}
	}
	_, err = s.Clone(ctx, "owner/repo@main", "copy", true)
	inTime(t, ctx, "clone", err)
	err = s.Delete(ctx, "fast", idxdb.DeleteOptions{})
	inTime(t, ctx, "delete", err)
	_, err = s.Vacuum(ctx, nil)
	inTime(t, ctx, "vacuum", err)
}

// inTime makes sure that an operation ended by itself, whatever its error.
func inTime(t *testing.T, ctx context.Context, operation string, err error) {
	t.Helper()
	if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("%s: it would have taken longer: %v", operation, err)
	}
}

// loadAll loads all versions that a key is said to have, at most 20.
func loadAll(t *testing.T, ctx context.Context, s *sqlitestore.Store, h *hostile, key string, right map[string]string) {
	n := 0
	for v, err := range s.Log(ctx, key) {
		if err != nil {
			inTime(t, ctx, "log", err)
			return
		}
		if n++; n > 20 {
			return
		}
		for _, doc := range []idxdb.Doc{idxdb.StateDoc, idxdb.SearchDoc} {
			d, err := s.Load(ctx, key, idxdb.LoadOptions{Version: v.Number, Doc: doc})
			if err != nil {
				inTime(t, ctx, "load", err)
				continue
			}
			const most = 32 << 20 // a forged document may be larger
			got, err := io.ReadAll(io.LimitReader(d.Body, most))
			d.Body.Close()
			inTime(t, ctx, "load", err)
			if want, ok := right[content(v, doc)]; err == nil && !h.forged && (!ok || string(got) != want) {
				t.Errorf("%q version %d %s: %.100q came back", key, v.Number, doc, got)
			}
		}
	}
}

// A hostile is a file in the making.
type hostile struct {
	file          []byte
	path          string
	forged        bool // its content is what the attacker says it is
	schemaChanged bool
}

// What can be done to a file. Each gets three numbers, a and b of 24 bits, c of 8.
var damages = []func(h *hostile, a, b, c int){
	0: func(h *hostile, a, b, c int) { h.put(a, h.get(a)^byte(c|1)) },
	1: func(h *hostile, a, b, c int) { clear(h.page(a)) },
	2: func(h *hostile, a, b, c int) {
		p, q := h.page(a), h.page(b)
		saved := slices.Clone(p)
		copy(p, q)
		copy(q, saved)
	},
	3: func(h *hostile, a, b, c int) { copy(h.page(a), h.page(b)) },
	4: func(h *hostile, a, b, c int) { h.file = h.file[:a%(len(h.file)+1)] },
	5: func(h *hostile, a, b, c int) {
		for i := range 4 {
			h.put(a+i, byte(b>>(8*i)))
		}
	},
	6: func(h *hostile, a, b, c int) {
		for i := range 9 { // the longest varint
			h.put(a+i, 0xff)
		}
	},
	7: func(h *hostile, a, b, c int) { h.file = append(h.file, make([]byte, a%100_000)...) },
	attackSchema: func(h *hostile, a, b, c int) {
		before := h.schema()
		h.exec(schemaAttacks[a%len(schemaAttacks)])
		if after := h.schema(); before != nil && after != nil && !slices.Equal(before, after) {
			h.schemaChanged = true
		}
	},
	9: func(h *hostile, a, b, c int) {
		h.forge("UPDATE version SET state_size = ? WHERE id = ?", b<<(c%40), a%6)
	},
	10: func(h *hostile, a, b, c int) { h.forge("UPDATE version SET number = ? WHERE id = ?", b<<(c%40), a%6) },
	11: func(h *hostile, a, b, c int) {
		runs := []codec.Run{{First: int64(a%64 + 1), N: int64(b)<<(c%3) + 1}}
		h.forge("UPDATE manifest SET state_chunks = ? WHERE version_id = ?", codec.AppendRuns(nil, runs), c%6)
	},
	12: func(h *hostile, a, b, c int) { // one chunk many times
		var runs []codec.Run
		for range b % 200_000 {
			runs = append(runs, codec.Run{First: int64(a%64 + 1), N: 1})
		}
		h.forge("UPDATE manifest SET state_chunks = ? WHERE version_id = ?", codec.AppendRuns(nil, runs), c%6)
	},
	13: func(h *hostile, a, b, c int) {
		h.forge("UPDATE chunk SET size = ?, codec = ? WHERE id % 5 = ?", b, c%8, a%5)
	},
	14: func(h *hostile, a, b, c int) {
		h.forge("UPDATE chunk SET data = zeroblob(?) WHERE id % 5 = ?", b%2_000_000, a%5)
	},
	15: func(h *hostile, a, b, c int) {
		h.forge("UPDATE key SET first = ?, last = ?, versions = ?, live = 1", c, a<<(c%30), b)
	},
	16: func(h *hostile, a, b, c int) { h.forge("UPDATE meta SET keys = ?, epoch = ?", c, b<<(c%40)) },
	17: func(h *hostile, a, b, c int) {
		tables := []string{"meta", "key", "version", "manifest", "chunk", "frame", "packed", "garbage", "lease"}
		h.forge("DELETE FROM "+tables[c%len(tables)]+" WHERE rowid % 7 = ?", a%7)
	},
	18: func(h *hostile, a, b, c int) {
		h.forge("INSERT OR REPLACE INTO garbage VALUES (?, ?)", a%100, b<<(c%40))
	},
	19: func(h *hostile, a, b, c int) {
		h.forge("UPDATE key SET name = ? WHERE id = ?", strings.Repeat("x", b%100_000), a%4)
	},
	20: func(h *hostile, a, b, c int) { h.forge("UPDATE frame SET data = zeroblob(?)", b%16_000_000) },
	21: func(h *hostile, a, b, c int) { h.forge("UPDATE packed SET frame_id = frame_id + ?", a%5-2) },
	22: func(h *hostile, a, b, c int) { h.forge("UPDATE sqlite_sequence SET seq = ?", int64(b)<<(c%40)) },
	23: func(h *hostile, a, b, c int) {
		h.forge("UPDATE version SET message = ?, user = ?", strings.Repeat("m", b%3_000_000), strings.Repeat("u", a%1_000_000))
	},
}

const attackSchema = 8

// schemaAttacks would run when the store writes or reads, if it let them.
var schemaAttacks = []string{
	"CREATE TRIGGER x AFTER INSERT ON version BEGIN DELETE FROM chunk; END",
	"CREATE TRIGGER x BEFORE UPDATE ON key BEGIN SELECT RAISE(IGNORE); END",
	"CREATE VIEW x AS SELECT * FROM version",
	"DROP TABLE garbage; CREATE VIEW garbage AS SELECT 1 AS chunk_id, 1 AS epoch",
	"CREATE INDEX x ON chunk (data)",
	"CREATE INDEX x ON key (name) WHERE abs(id) > randomblob(100000000)",
	"ALTER TABLE chunk ADD COLUMN more INTEGER DEFAULT 1",
	"ALTER TABLE chunk ADD COLUMN more BLOB AS (zeroblob(1000000000))",
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'keys         INTEGER NOT NULL', 'keys INTEGER NOT NULL CHECK (randomblob(1e9) = 1)')",
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET name = 'other' WHERE name = 'garbage'",
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'chunk'",
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET type = 'view' WHERE name = 'garbage'",
	"PRAGMA writable_schema = 1; UPDATE sqlite_schema SET tbl_name = 'key' WHERE name = 'chunk_by_hash'",
	"PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES ('trigger', 'x', 'meta', 0, 'CREATE TRIGGER x AFTER UPDATE ON meta BEGIN DELETE FROM version; END')",
	"CREATE VIRTUAL TABLE x USING dbstat",
	"ANALYZE",
}

func (h *hostile) get(i int) byte {
	if i %= max(1, len(h.file)); i < len(h.file) {
		return h.file[i]
	}
	return 0
}

func (h *hostile) put(i int, v byte) {
	if len(h.file) > 0 {
		h.file[i%len(h.file)] = v
	}
}

// page returns a page, or what there is of it.
func (h *hostile) page(n int) []byte {
	pages := len(h.file) / schema.PageSize
	if pages == 0 {
		return nil
	}
	at := n % pages * schema.PageSize
	return h.file[at : at+schema.PageSize]
}

// withDB lets fn change the file through SQLite. The file may be too damaged for
// that; then it stays as it is.
func (h *hostile) withDB(fn func(db *sql.DB) error) {
	if len(h.file) < 100 || os.WriteFile(h.path, h.file, 0o644) != nil {
		return
	}
	db, err := sql.Open("sqlite", "file:"+h.path+"?_pragma=busy_timeout(0)")
	if err != nil {
		return
	}
	db.SetMaxOpenConns(1)
	err = fn(db)
	if err = errors.Join(err, db.Close()); err == nil {
		if changed, err := os.ReadFile(h.path); err == nil {
			h.file = changed
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		os.Remove(h.path + suffix)
	}
}

func (h *hostile) exec(text string) {
	h.withDB(func(db *sql.DB) error {
		_, err := db.Exec(text)
		return err
	})
}

// schema returns all that sqlite_schema says, nil if it cannot be read.
func (h *hostile) schema() (list []string) {
	h.withDB(func(db *sql.DB) error {
		rows, err := db.Query("SELECT type || '|' || name || '|' || tbl_name || '|' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				list = nil
				return err
			}
			list = append(list, text)
		}
		return rows.Err()
	})
	return list
}

// forge changes rows and makes all checksums right again, as anybody can who has
// read FORMAT.md.
func (h *hostile) forge(text string, args ...any) {
	h.forged = true
	h.withDB(func(db *sql.DB) error {
		if _, err := db.Exec(text, args...); err != nil {
			return err
		}
		return errors.Join(forgeMeta(db), forgeKeys(db), forgeVersions(db))
	})
}

func forgeMeta(db *sql.DB) error {
	var m schema.Meta
	err := db.QueryRow("SELECT format, read_format, write_format, lineage, created_at, epoch, keys, key_set FROM meta").
		Scan(&m.Format, &m.ReadFormat, &m.WriteFormat, &m.Lineage, &m.CreatedAt, &m.Epoch, &m.Keys, &m.KeySet)
	if err == nil {
		_, err = db.Exec("UPDATE meta SET checksum = ?", m.Checksum())
	}
	return err
}

func forgeKeys(db *sql.DB) error {
	rows, err := db.Query("SELECT id, name, first, last, versions, fence FROM key")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []schema.Key
	for rows.Next() {
		var k schema.Key
		if err := rows.Scan(&k.ID, &k.Name, &k.First, &k.Last, &k.Versions, &k.Fence); err != nil {
			return err
		}
		all = append(all, k)
	}
	rows.Close()
	var set int64
	for _, k := range all {
		if k.Live() {
			set ^= schema.NameHash(k.Name)
		}
		if _, err := db.Exec("UPDATE key SET checksum = ?, name_hash = ? WHERE id = ?", k.Checksum(), schema.NameHash(k.Name), k.ID); err != nil {
			return err
		}
	}
	if _, err := db.Exec("UPDATE meta SET key_set = ?", set); err != nil {
		return err
	}
	return errors.Join(rows.Err(), forgeMeta(db))
}

func forgeVersions(db *sql.DB) error {
	rows, err := db.Query(`SELECT id, key_id, number, save_id, saved_at, user, host, program, message, source_type, source_identifier,
		source_ref, source_synced_at, state_size, state_digest, search_size, search_digest FROM version`)
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []schema.Version
	for rows.Next() {
		var v schema.Version
		if err := rows.Scan(&v.ID, &v.KeyID, &v.Number, &v.SaveID, &v.SavedAt, &v.User, &v.Host, &v.Program, &v.Message,
			&v.SourceType, &v.SourceIdentifier, &v.SourceRef, &v.SourceSyncedAt, &v.StateSize, &v.StateDigest,
			&v.SearchSize, &v.SearchDigest); err != nil {
			return err
		}
		all = append(all, v)
	}
	rows.Close()
	for _, v := range all {
		if _, err := db.Exec("UPDATE version SET checksum = ? WHERE id = ?", v.Checksum(), v.ID); err != nil {
			return err
		}
	}
	return rows.Err()
}
