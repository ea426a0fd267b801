package sqlitestore

import (
	"context"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

const selectCursor = "SELECT value FROM cursor WHERE name = ?"

// Cursor implements [sync.Cursors].
func (s *Store) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	var cursor sync.Cursor
	err := s.db.View(ctx, "sqlitestore: cursor", func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, selectCursor, name)
		if row != nil {
			cursor = sync.Cursor(row.Text(0))
		}
		return err
	})
	return cursor, err
}

// SetCursor implements [sync.Cursors].
func (s *Store) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	return s.db.Update(ctx, "sqlitestore: set cursor", func(tx *sqlitedb.Tx) error {
		row, err := tx.One(selectCursor, name)
		if err != nil {
			return err
		}
		if row == nil && from != "" || row != nil && row.Text(0) != string(from) {
			return sync.ErrStale
		}
		_, err = tx.Exec("INSERT INTO cursor (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2", name, string(to))
		return err
	})
}
