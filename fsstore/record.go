package fsstore

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/idxdb/idxdb"
)

// format is the number of the layout in ownDir. A store with a higher one is
// not touched.
const format = 1

// maxRecent is how many saves of a key are remembered by their ids, to recognise
// a save that is repeated after others have followed it.
const maxRecent = 16

// A formatRecord is the content of formatFile.
type formatRecord struct {
	Format    int       `json:"format"`
	Lineage   string    `json:"lineage"` // random, made with the store
	CreatedAt time.Time `json:"createdAt"`
}

// A record is what is known of a key. It outlives the key's deletion.
type record struct {
	Key    string   `json:"key"`
	Dir    string   `json:"dir"`    // the name of its directory; only with Head
	First  int64    `json:"first"`  // versions with a lower number are deleted
	Last   int64    `json:"last"`   // the highest number given out
	Head   *head    `json:"head"`   // nil if the key was deleted
	Recent []recent `json:"recent"` // since the key was there last without a break
}

// A head is the newest version of a key.
type head struct {
	Number  int64     `json:"number"`
	ID      string    `json:"id"`
	SavedAt time.Time `json:"savedAt"`
	SavedBy author    `json:"savedBy"`
	Message string    `json:"message,omitempty"`
	Source  source    `json:"source"`
	State   document  `json:"state"`
	Search  *document `json:"search"`
}

type author struct {
	User    string `json:"user,omitempty"`
	Host    string `json:"host,omitempty"`
	Program string `json:"program,omitempty"`
}

type source struct {
	Type       string    `json:"type,omitempty"`
	Identifier string    `json:"identifier,omitempty"`
	Ref        string    `json:"ref,omitempty"`
	SyncedAt   time.Time `json:"syncedAt,omitzero"`
}

// A document describes a file as we left it.
type document struct {
	Digest string `json:"digest"` // sha256:hex
	File   fileID `json:"file"`
}

// A recent is a save that may be repeated.
type recent struct {
	Number  int64     `json:"number"`
	ID      string    `json:"id"`
	SavedAt time.Time `json:"savedAt"`
	Content string    `json:"content"`
}

// A fileID tells whether a file is still the one that we wrote.
type fileID struct {
	Inode uint64 `json:"inode"` // 0 where there are none
	Size  int64  `json:"size"`  // in bytes
	MTime int64  `json:"mtime"` // in nanoseconds since 1970
}

func idOf(info fs.FileInfo) fileID {
	return fileID{Inode: inode(info), Size: info.Size(), MTime: info.ModTime().UnixNano()}
}

// statID returns the fileID of what is at path, nil if nothing is. What is not
// a file is an error.
func statID(path string) (*fileID, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", idxdb.ErrNotStore, path)
	}
	id := idOf(info)
	return &id, nil
}

func sameID(a, b *fileID) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// doc returns the description of a document, nil if the version has none.
func (h *head) doc(doc idxdb.Doc) *document {
	if doc == idxdb.SearchDoc {
		return h.Search
	}
	return &h.State
}

// fileID returns what the file of a document is to be, nil if there is to be
// none.
func (h *head) fileID(doc idxdb.Doc) *fileID {
	if d := h.doc(doc); d != nil {
		return &d.File
	}
	return nil
}

// content is a short name for the bytes of both documents.
func (h *head) content() string {
	search := ""
	if h.Search != nil {
		search = h.Search.Digest
	}
	return contentName(h.State.Digest, search)
}

func contentName(state, search string) string {
	sum := sha256.Sum256([]byte(state + " " + search))
	return hex.EncodeToString(sum[:16])
}

func (h *head) version(key string) (idxdb.Version, error) {
	id, err := idxdb.ParseID(h.ID)
	if err != nil {
		return idxdb.Version{}, &idxdb.CorruptError{Key: key, Version: h.Number, Err: err}
	}
	v := idxdb.Version{
		Key: key, Number: h.Number, ID: id, SavedAt: h.SavedAt, SavedBy: idxdb.Author(h.SavedBy),
		Message: h.Message, Source: idxdb.Source(h.Source),
		State: idxdb.DocInfo{Size: h.State.File.Size, Digest: h.State.Digest},
	}
	if h.Search != nil {
		v.Search = &idxdb.DocInfo{Size: h.Search.File.Size, Digest: h.Search.Digest}
	}
	return v, nil
}

// next returns the record that follows r when h is the new head, nil for none.
func (r *record) next(key, dir string, was, h *head) record {
	n := record{Key: key, Dir: dir, Head: h}
	if r != nil {
		n.First, n.Last, n.Recent = r.First, r.Last, r.Recent
	}
	for _, v := range []*head{was, h} {
		if v == nil {
			continue
		}
		n.Last = max(n.Last, v.Number)
		if len(n.Recent) == 0 || n.Recent[len(n.Recent)-1].ID != v.ID {
			n.Recent = append(n.Recent[:len(n.Recent):len(n.Recent)],
				recent{Number: v.Number, ID: v.ID, SavedAt: v.SavedAt, Content: v.content()})
		}
	}
	if over := len(n.Recent) - maxRecent; over > 0 {
		n.Recent = n.Recent[over:]
	}
	if h == nil {
		n.Dir, n.First, n.Recent = "", n.Last+1, nil
	}
	return n
}

// encode returns v as JSON and a line with its sha256.
func encode(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return fmt.Appendf(nil, "%s\n%x\n", text, sum), nil
}

// decode undoes encode. Any other byte is an error.
func decode(path string, b []byte, v any) error {
	text, sum, ok := bytes.Cut(b, []byte("\n"))
	want := sha256.Sum256(text)
	if !ok || string(sum) != hex.EncodeToString(want[:])+"\n" {
		return &idxdb.CorruptError{Detail: path + " was changed or cut: remove it to have its directory read as it is"}
	}
	if err := json.Unmarshal(text, v); err != nil {
		return &idxdb.CorruptError{Detail: path, Err: err}
	}
	return nil
}

// readOptional returns the content of a file, nil if there is none.
func readOptional(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

func decodeRecord(path, key string, b []byte) (*record, error) {
	if b == nil {
		return nil, nil
	}
	var r record
	if err := decode(path, b, &r); err != nil {
		return nil, err
	}
	if key != "" && r.Key != key || !r.valid() {
		return nil, &idxdb.CorruptError{Key: key, Detail: path + " does not belong to this key"}
	}
	return &r, nil
}

// valid reports whether r can be true. The file may have been written by
// anybody; its names must not lead out of the store.
func (r *record) valid() bool {
	if idxdb.CheckKey(r.Key) != nil || r.Last < 0 || r.Last > idxdb.MaxVersion || r.First < 0 || r.First > r.Last+1 {
		return false
	}
	return r.Head == nil || r.Head.Number >= max(r.First, 1) && r.Head.Number <= r.Last && isDirName(r.Dir)
}

func isDirName(dir string) bool { return dir == rootDir || canBeDir(dir) }
