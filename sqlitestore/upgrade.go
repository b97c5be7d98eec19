package sqlitestore

import (
	"context"
	"fmt"

	"github.com/idxdb/idxdb"
)

// Upgrade implements idxdb.Upgrader. It runs the migrations that the file has
// not had yet, in one transaction. A file of a newer format stays as it is.
func (s *Store) Upgrade(ctx context.Context) (from, to int, err error) {
	err = s.updateIf(ctx, "upgrade", (*fileFormat).mayUpgrade, func(cn *conn) (bool, error) {
		from, to = int(cn.format.number), int(cn.format.number)
		if !cn.format.access.Older {
			return false, nil
		}
		to = int(cn.format.known.Newest())
		return true, cn.upgrade()
	})
	if err != nil {
		return from, from, fmt.Errorf("upgrade: %w", err)
	}
	return from, to, nil
}

func (cn *conn) upgrade() error {
	known := cn.format.known
	meta, err := cn.meta()
	if err != nil {
		return err
	}
	for _, m := range known[cn.format.number:] {
		if _, err := cn.c.ExecContext(background, m.SQL); err != nil {
			return fmt.Errorf("to format %d: %w", m.To, translate(err))
		}
		meta.Format, meta.ReadFormat, meta.WriteFormat = int64(m.To), int64(m.ReadFormat), int64(m.WriteFormat)
	}
	// Rather stay with the old format than have a file that nobody opens.
	have, err := cn.schemaTexts()
	if err != nil {
		return err
	}
	if err := known.CheckTables(meta.Format, have); err != nil {
		return &idxdb.CorruptError{Detail: "after the upgrade " + err.Error()}
	}
	if _, err := cn.c.ExecContext(background, fmt.Sprintf("PRAGMA user_version = %d", meta.Format)); err != nil {
		return translate(err)
	}
	return cn.setMeta(&meta)
}

// PlanUpgrade implements idxdb.UpgradePlanner.
func (s *Store) PlanUpgrade(ctx context.Context) (plan idxdb.UpgradePlan, err error) {
	err = s.viewAny(ctx, func(cn *conn) error {
		meta, err := cn.meta()
		if err != nil {
			return err
		}
		plan = idxdb.UpgradePlan{From: int(meta.Format), To: int(meta.Format),
			ReadFormat: int(meta.ReadFormat), WriteFormat: int(meta.WriteFormat)}
		if cn.format.access.Older {
			newest := cn.format.known[len(cn.format.known)-1]
			plan.To, plan.ReadFormat, plan.WriteFormat = newest.To, newest.ReadFormat, newest.WriteFormat
		}
		return nil
	})
	if err != nil {
		return idxdb.UpgradePlan{}, fmt.Errorf("plan an upgrade: %w", err)
	}
	return plan, nil
}
