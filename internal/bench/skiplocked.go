package main

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// skipLocked is the queue one writes by hand: a table, and workers that delete
// the oldest rows that no other has locked, work them and commit. It has no
// keys and forgets nothing that was pushed twice.
type skipLocked struct{ db *database }

func openSkipLocked(ctx context.Context, m *machine) (engine, error) {
	db, err := m.database(ctx)
	if err != nil {
		return nil, err
	}
	_, err = db.Exec(ctx, `CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload bytea NOT NULL)
		WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)`)
	if err != nil {
		return nil, errors.Join(err, db.drop())
	}
	return &skipLocked{db}, nil
}

func (s *skipLocked) push(ctx context.Context, msgs []message) error {
	payloads := make([][]byte, len(msgs))
	for i := range msgs {
		payloads[i] = msgs[i].payload
	}
	_, err := s.db.Exec(ctx, "INSERT INTO job (payload) SELECT unnest($1::bytea[])", payloads)
	return err
}

func (s *skipLocked) work(ctx context.Context, l *ledger) error {
	const claimers = 8
	var all errgroup.Group
	for range claimers {
		all.Go(func() error {
			for ctx.Err() == nil {
				n, err := s.claim(context.WithoutCancel(ctx), l)
				if err != nil {
					return err
				}
				if n == 0 {
					pause(ctx, 5*time.Millisecond)
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// claim works up to 500 rows in one transaction.
func (s *skipLocked) claim(ctx context.Context, l *ledger) (n int, err error) {
	err = pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM job WHERE id = ANY(ARRAY(
			SELECT id FROM job ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED)) RETURNING payload`)
		if err != nil {
			return err
		}
		payloads, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
		for _, p := range payloads {
			l.work(p)
		}
		n = len(payloads)
		return err
	})
	l.done(n)
	return n, err
}

func (s *skipLocked) bytes(ctx context.Context) (int64, error) { return s.db.bytes(ctx) }

func (s *skipLocked) close() error { return s.db.drop() }

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
