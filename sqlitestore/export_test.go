package sqlitestore

import (
	"context"
	"testing"

	"github.com/idxdb/idxdb"
)

// SetStageLimit makes saves store their chunks in more turns.
func SetStageLimit(t testing.TB, bytes int) {
	before := stageLimit
	stageLimit = bytes
	t.Cleanup(func() { stageLimit = before })
}

// SetFastAbove sets from which size in bytes a first save is compressed for
// speed.
func SetFastAbove(t testing.TB, bytes int64) {
	before := fastAbove
	fastAbove = bytes
	t.Cleanup(func() { fastAbove = before })
}

// The steps of a vacuum, one by one.

func (s *Store) Purge(ctx context.Context) error {
	_, err := s.purgeDeleted(ctx, func(string, int64, int64) {})
	return err
}

func (s *Store) Mark(ctx context.Context) error {
	return s.markGarbage(ctx, func(string, int64, int64) {})
}

func (s *Store) Sweep(ctx context.Context) (int64, error) {
	return s.sweep(ctx, func(string, int64, int64) {})
}

// Statements returns all SQL text that runs on an open file.
func Statements() []string { return append(readSQL[:], writeSQL[:]...) }

// SetLogLimits sets from how many bytes of commits on a checkpoint runs, and how
// large the log may become before a turn begins it anew.
func SetLogLimits(t testing.TB, checkpoint, restart int64) {
	beforeCheckpoint, beforeRestart := checkpointAbove, restartAbove
	checkpointAbove, restartAbove = checkpoint, restart
	t.Cleanup(func() { checkpointAbove, restartAbove = beforeCheckpoint, beforeRestart })
}

// LogSize returns how large the log is.
func (s *Store) LogSize() (idxdb.LogSize, error) { return s.readLogSize() }
