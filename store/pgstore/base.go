package pgstore

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/sync"
)

// Base implements [sync.Bases].
func (s *Store) Base(ctx context.Context, linkID string) (sync.Base, error) {
	const op = "pgstore: base"
	var base sync.Base
	data, err := s.bases.do(ctx, op, linkID)
	if err != nil || data == nil {
		return base, err
	}
	if json.Unmarshal(data, &base) != nil {
		return sync.Base{}, damaged(op, sync.Ref{}, "the base of link "+linkID)
	}
	return base, nil
}

// readBases reads the bases of links, nil where there is none.
func (s *Store) readBases(ctx context.Context, ids []string) ([]outcome[[]byte], error) {
	rows, err := s.pool.Query(ctx, s.sql.Replace(`SELECT u.n, b.data FROM unnest($1::text[]) WITH ORDINALITY u(id, n)
		CROSS JOIN LATERAL (SELECT * FROM @base b WHERE b.link = u.id LIMIT 1) b`), ids)
	if err != nil {
		return nil, err
	}
	outs := make([]outcome[[]byte], len(ids))
	var n int
	var data []byte
	_, err = pgx.ForEachRow(rows, []any{&n, &data}, func() error {
		outs[n-1].value = data // a copy of its own
		return nil
	})
	return outs, err
}
