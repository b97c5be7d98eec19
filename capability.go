package idxdb

import (
	"context"
	"iter"
	"time"
)

// As finds an optional capability of a store: it returns s itself if it has
// type T, else what a wrapper's Unwrap method leads to.
//
//	if h, ok := idxdb.As[idxdb.Historian](store); ok { … }
func As[T any](s Store) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		w, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = w.Unwrap()
	}
	var none T
	return none, false
}

// A Historian keeps every version of a key, not only the newest.
type Historian interface {
	// Log yields the versions of key, newest first. The sequence may end with
	// one error: [ErrNotFound], [ErrCorrupt].
	Log(ctx context.Context, key string) iter.Seq2[Version, error]
}

// A Renamer gives a key another name.
type Renamer interface {
	// Rename moves all versions of from to to. It fails with [ErrNotFound] if
	// from does not exist and with [ErrConflict] if to does. Ids stay; numbers
	// stay unless to had versions before, then they go on from those.
	Rename(ctx context.Context, from, to string) error
}

// A Cloner copies a key within the store without copying its content.
type Cloner interface {
	// Clone makes to a copy of from: all versions or the newest only. It fails
	// with [ErrNotFound] if from does not exist and with [ErrConflict] if to
	// does.
	Clone(ctx context.Context, from, to string, allVersions bool) (versions int, err error)
}

// A BatchItem is one save of a batch.
type BatchItem struct {
	Key  string
	Open func() (docs Documents, done func(), err error) // called once, in order; done ends the use of docs
	Opts SaveOptions
}

// A BatchSaver saves many keys in one commit.
type BatchSaver interface {
	// SaveBatch saves all items, in one atomic step, or none. The errors are
	// those of Save, for the first item that failed. No key may occur twice.
	SaveBatch(ctx context.Context, items []BatchItem) ([]Saved, error)
}

// An Importer stores a version that another store made, as it is.
type Importer interface {
	// Import stores docs under v.Key with v's id, time, author and message. The
	// number is v.Number where that is above all numbers given out for the key,
	// or free, below the newest and above all deleted versions (an older version
	// filled into the history); else the next one. It fails with [ErrConflict] if
	// cond does not hold, and with [ErrUsage] as [CheckImport] says. If the key
	// has a live version with v's id, that one is returned as unchanged.
	Import(ctx context.Context, v Version, docs Documents, cond Condition) (Saved, error)
}

// Progress is told how far a long operation is. Total is 0 where it is not
// known. It is called from one goroutine at a time, and must be quick.
type Progress func(stage string, done, total int64)

// Damage is one thing that is not as it was saved.
type Damage struct {
	Key     string `json:"key,omitempty"`
	Version int64  `json:"version,omitempty"`
	Doc     Doc    `json:"doc,omitempty"`
	Detail  string `json:"detail"`
}

// VerifyReport is the result of a Verifier.
type VerifyReport struct {
	Keys      int64    `json:"keys"`
	Versions  int64    `json:"versions"`
	Documents int64    `json:"documents"`
	Chunks    int64    `json:"chunks"`
	Bytes     int64    `json:"bytes"` // of content whose hash was computed
	Damage    []Damage `json:"damage"`
}

// A Verifier checks a whole store.
type Verifier interface {
	// Verify reads everything and reports what is damaged. The error says that
	// it could not look, not that it found damage.
	Verify(ctx context.Context, progress Progress) (VerifyReport, error)
}

// VacuumReport is the result of a Vacuumer. Sizes are in bytes.
type VacuumReport struct {
	SizeBefore      int64 `json:"sizeBefore"`
	SizeAfter       int64 `json:"sizeAfter"`
	ChunksRemoved   int64 `json:"chunksRemoved"`
	ChunksPending   int64 `json:"chunksPending"`   // garbage that a running save or load still holds
	ChunksPacked    int64 `json:"chunksPacked"`    // that only older versions use, compressed together
	BytesPacked     int64 `json:"bytesPacked"`     // of their content
	VersionsRemoved int64 `json:"versionsRemoved"` // of deleted keys
	VersionsPruned  int64 `json:"versionsPruned"`
}

// A Vacuumer frees what no version needs any more.
type Vacuumer interface {
	// Vacuum collects garbage and gives free space back. It runs beside saves
	// and loads, and can be stopped and repeated at any time.
	Vacuum(ctx context.Context, progress Progress) (VacuumReport, error)
}

// Inspection describes a store. Sizes are in bytes; what a store does not know
// is zero.
type Inspection struct {
	Location    string    `json:"location"`
	Kind        string    `json:"kind"`
	Format      int       `json:"format"`
	Lineage     string    `json:"lineage"`
	CreatedAt   time.Time `json:"createdAt"`
	Keys        int64     `json:"keys"`
	Versions    int64     `json:"versions"`
	RawSize     int64     `json:"rawSize"`     // of all documents of all versions
	ContentSize int64     `json:"contentSize"` // of all chunks, each counted once, uncompressed
	StoredSize  int64     `json:"storedSize"`  // of all chunks, compressed
	FileSize    int64     `json:"fileSize"`    // of the file or files
	FreeSize    int64     `json:"freeSize"`    // free pages in the file
	LogSize     int64     `json:"logSize"`     // of the write-ahead log
	LogPending  int64     `json:"logPending"`  // of the log, not copied into the file yet; see LockReporter
	GarbageSize int64     `json:"garbageSize"` // compressed chunks that no version uses
	Chunks      int64     `json:"chunks"`

	PackedChunks int64        `json:"packedChunks"` // of these, those that are compressed together
	PackedSize   int64        `json:"packedSize"`   // of StoredSize, what they take
	KeyDetails   []KeyDetails `json:"keyDetails"`
}

// KeyDetails describes one key in an Inspection.
type KeyDetails struct {
	Newest   Version `json:"-"`
	Versions int64   `json:"versions"`
	RawSize  int64   `json:"rawSize"` // of all its documents
}

// An Inspector describes a store as a whole.
type Inspector interface {
	Inspect(ctx context.Context) (Inspection, error)
}

// An Upgrader brings a store to the newest format. Programs that know only the
// old one are locked out by it, so it never happens by itself. Until then a store
// of an older format is read where that is possible, and every change to it fails
// with [ErrReadOnly].
type Upgrader interface {
	// Upgrade returns the format before and after. It happens whole or not at
	// all. It fails with [ErrNewerFormat] if the store's format is one that the
	// program may not write.
	Upgrade(ctx context.Context) (from, to int, err error)
}

// An UpgradePlan says what an upgrade would do.
type UpgradePlan struct {
	From        int // the present format
	To          int // the format afterwards; equal to From if there is nothing to do
	ReadFormat  int // programs that do not know this format cannot read the store afterwards
	WriteFormat int // programs that do not know this format cannot change it afterwards
}

// An UpgradePlanner says beforehand what its Upgrade would do.
type UpgradePlanner interface {
	Upgrader
	PlanUpgrade(ctx context.Context) (UpgradePlan, error)
}
