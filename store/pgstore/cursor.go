package pgstore

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// Cursor implements [sync.Cursors].
func (s *Store) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	var place []byte
	err := s.pool.QueryRow(ctx, s.sql.Replace("SELECT place FROM @cursor WHERE name = $1"), name).Scan(&place)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return sync.Cursor(place), pgerror.Wrap("pgstore: cursor", err)
}

// SetCursor implements [sync.Cursors].
func (s *Store) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	query := "UPDATE @cursor SET place = $3 WHERE name = $1 AND place = $2"
	if from == "" {
		query = "INSERT INTO @cursor AS c (name, place) VALUES ($1, $3) ON CONFLICT (name) DO UPDATE SET place = $3 WHERE c.place = $2"
	}
	tag, err := s.pool.Exec(ctx, s.sql.Replace(query), name, []byte(from), []byte(to))
	if err == nil && tag.RowsAffected() == 0 {
		return sync.ErrStale
	}
	return pgerror.Wrap("pgstore: set cursor", err)
}
