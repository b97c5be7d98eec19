package sqlitestore

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb/internal/schema"
)

// Upgrade implements idxdb.Upgrader. It runs the migrations that the file has
// not had yet, in one transaction.
func (s *Store) Upgrade(ctx context.Context) (from, to int, err error) {
	err = s.update(ctx, "upgrade", func(cn *conn) (bool, error) {
		meta, err := cn.meta()
		if err != nil {
			return false, err
		}
		from, to = int(meta.Format), int(meta.Format)
		for _, m := range schema.Migrations()[meta.Format:] {
			if _, err := cn.c.ExecContext(background, m.SQL); err != nil {
				return false, fmt.Errorf("format %d: %w", m.To, translate(err))
			}
			to = m.To
			meta.Format, meta.ReadFormat, meta.WriteFormat = int64(m.To), int64(m.ReadFormat), int64(m.WriteFormat)
		}
		if to == from {
			return false, nil
		}
		if _, err := cn.c.ExecContext(background, fmt.Sprintf("PRAGMA user_version = %d", to)); err != nil {
			return false, translate(err)
		}
		return true, cn.setMeta(&meta)
	})
	if err != nil {
		return from, from, fmt.Errorf("upgrade: %w", err)
	}
	return from, to, nil
}
