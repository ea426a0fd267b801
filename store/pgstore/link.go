package pgstore

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// Link implements [sync.Links].
func (s *Store) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	const op = "pgstore: link"
	var generation int64
	var data string
	err := s.pool.QueryRow(ctx, s.sql.Replace(`SELECT l.generation, l.data::text FROM @end e JOIN @link l ON l.id = e.link
		WHERE e.flow = $1 AND e.ref = $2`), flow, name(ref)).Scan(&generation, &data)
	if errors.Is(err, pgx.ErrNoRows) {
		return sync.Link{}, sync.ErrNotFound
	}
	if err != nil {
		return sync.Link{}, pgerror.Wrap(op, err)
	}
	var link sync.Link
	if decode(data, &link) != nil {
		return sync.Link{}, damaged(op, ref, "the record's link")
	}
	link.Generation = generation
	return link, nil
}

// Links implements [sync.Links].
func (s *Store) Links(ctx context.Context, flow, after string, limit int) ([]sync.Link, error) {
	return s.list(ctx, "pgstore: links", `SELECT id, generation, data::text FROM @link
		WHERE flow = $1 AND id > $2 ORDER BY id LIMIT $3`, flow, after, limit)
}

// Open implements [sync.Intents].
func (s *Store) Open(ctx context.Context, now time.Time, limit int) ([]sync.Link, error) {
	return s.list(ctx, "pgstore: open", `SELECT id, generation, data::text FROM @link
		WHERE expires <= $1 ORDER BY expires, id LIMIT $2`, now, limit)
}

// list returns links, without those that cannot be read.
func (s *Store) list(ctx context.Context, op, query string, args ...any) ([]sync.Link, error) {
	rows, err := s.pool.Query(ctx, s.sql.Replace(query), args...)
	if err != nil {
		return nil, pgerror.Wrap(op, err)
	}
	var links []sync.Link
	var id, data string
	var generation int64
	_, err = pgx.ForEachRow(rows, []any{&id, &generation, &data}, func() error {
		var link sync.Link
		if decode(data, &link) != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "a stored link cannot be read", slog.String("link", id))
			return nil
		}
		link.Generation = generation
		links = append(links, link)
		return nil
	})
	return links, pgerror.Wrap(op, err)
}

// Base implements [sync.Bases].
func (s *Store) Base(ctx context.Context, linkID string) (sync.Base, error) {
	const op = "pgstore: base"
	var data []byte
	err := s.pool.QueryRow(ctx, s.sql.Replace("SELECT data FROM @base WHERE link = $1"), linkID).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return sync.Base{}, nil
	}
	if err != nil {
		return sync.Base{}, pgerror.Wrap(op, err)
	}
	var base sync.Base
	if json.Unmarshal(data, &base) != nil {
		return sync.Base{}, damaged(op, sync.Ref{}, "the base of link "+linkID)
	}
	return base, nil
}
