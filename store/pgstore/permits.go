package pgstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
)

const (
	quotaSQL = `INSERT INTO @quota (name) VALUES ($1) ON CONFLICT DO NOTHING`
	// Permits of one hundredth of the window are kept together and count until
	// the window after its end: a little longer than they must, never shorter.
	// The clock is read after the row is locked.
	permitSQL = `UPDATE @quota q SET (at, n, got, wait) = (
		SELECT next.at, next.n, grant_.got, live.first + $3::interval - clock.now
		FROM (SELECT coalesce($5::timestamptz, clock_timestamp()) AS now) clock
		CROSS JOIN LATERAL (
			SELECT coalesce(array_agg(u.at), '{}') AS at, coalesce(array_agg(u.n), '{}') AS n, coalesce(sum(u.n), 0) AS used, min(u.at) AS first
			FROM unnest(q.at, q.n) u(at, n) WHERE u.at > clock.now - $3::interval
		) live
		CROSS JOIN LATERAL (SELECT greatest(least($4::int4, $2::int4 - live.used), 0)::int4 AS got) grant_
		CROSS JOIN LATERAL (
			SELECT coalesce(array_agg(s.at), '{}') AS at, coalesce(array_agg(s.n), '{}') AS n FROM (
				SELECT u.at, sum(u.n)::int4 AS n FROM (
					SELECT * FROM unnest(live.at, live.n) UNION ALL
					SELECT date_bin($3::interval / 100, clock.now, 'epoch') + $3::interval / 100, grant_.got WHERE grant_.got > 0
				) u(at, n) GROUP BY u.at) s
		) next
	) WHERE name = $1 RETURNING got, wait`
)

// Take implements [sync.Permits], in one round trip. The window is measured
// by the server's clock, so that processes whose clocks differ share it; now
// is only what again is reckoned from. An answer that is lost on its way has
// used up its permits.
func (s *Store) Take(ctx context.Context, now time.Time, name string, limit int, per time.Duration, n int) (got int, again time.Time, err error) {
	return s.take(ctx, now, nil, name, limit, per, n)
}

// take is Take by a clock that a test may set.
func (s *Store) take(ctx context.Context, now time.Time, clock *time.Time, name string, limit int, per time.Duration, n int) (got int, again time.Time, err error) {
	var wait *time.Duration
	var b pgx.Batch
	b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	b.Queue(s.sql.Replace(quotaSQL), name)
	b.Queue(s.sql.Replace(permitSQL), name, limit, per, n, clock).QueryRow(func(row pgx.Row) error { return row.Scan(&got, &wait) })
	b.Queue("COMMIT")
	if err := s.pool.SendBatch(ctx, &b).Close(); err != nil {
		return 0, time.Time{}, pgerror.Wrap("pgstore: permits", err)
	}
	if got >= n {
		return got, time.Time{}, nil
	}
	if wait == nil { // the limit is zero
		wait = &per
	}
	return got, now.Add(*wait), nil
}
