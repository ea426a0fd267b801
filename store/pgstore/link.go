package pgstore

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// stored is a link as the tables hold it.
type stored struct {
	id, data   string
	generation int64
}

// Link implements [sync.Links].
func (s *Store) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	const op = "pgstore: link"
	row, err := s.links.do(ctx, op, end{flow, name(ref)})
	if err != nil {
		return sync.Link{}, err
	}
	if row == nil {
		return sync.Link{}, sync.ErrNotFound
	}
	link, err := row.link()
	if err != nil {
		return sync.Link{}, damaged(op, ref, "the record's link")
	}
	return link, nil
}

func (r *stored) link() (link sync.Link, err error) {
	err = decode(r.data, &link)
	link.Generation = r.generation
	return link, err
}

// readLinks reads the links of ends, nil where there is none.
func (s *Store) readLinks(ctx context.Context, ends []end) ([]outcome[*stored], error) {
	flows, refs := make([]string, len(ends)), make([]string, len(ends))
	for i, e := range ends {
		flows[i], refs[i] = e.flow, e.ref
	}
	rows, err := s.pool.Query(ctx, s.sql.Replace(`SELECT u.n, l.id, l.data::text, l.generation
		FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u(flow, ref, n)
		CROSS JOIN LATERAL (SELECT e.link FROM @end e WHERE e.flow = u.flow AND e.ref = u.ref LIMIT 1) e
		CROSS JOIN LATERAL (SELECT * FROM @link l WHERE l.id = e.link LIMIT 1) l`), flows, refs)
	if err != nil {
		return nil, err
	}
	outs := make([]outcome[*stored], len(ends))
	var n int
	var row stored
	_, err = pgx.ForEachRow(rows, []any{&n, &row.id, &row.data, &row.generation}, func() error {
		found := row
		outs[n-1].value = &found
		return nil
	})
	return outs, err
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
	var row stored
	_, err = pgx.ForEachRow(rows, []any{&row.id, &row.generation, &row.data}, func() error {
		link, err := row.link()
		if err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "a stored link cannot be read", slog.String("link", row.id))
			return nil
		}
		links = append(links, link)
		return nil
	})
	return links, pgerror.Wrap(op, err)
}
