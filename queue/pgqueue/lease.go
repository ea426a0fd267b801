package pgqueue

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// The steps of a lease are sent at once, so that no client that stops half-way
// keeps the rows locked. Who has locked the shards, in order, is alone: the
// further steps need no order.
const (
	lockSQL   = `SELECT count(*) FROM (SELECT FROM @shard ORDER BY shard FOR UPDATE) s`
	joinSQL   = `INSERT INTO @member AS m VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET alive = greatest(m.alive, excluded.alive)`
	forgetSQL = `DELETE FROM @member WHERE alive <= $1`
	renewSQL  = `UPDATE @shard SET expires = $2 WHERE owner = $1 AND expires < $2`
	takeSQL   = `
UPDATE @shard SET owner = $1, token = token + 1, expires = $3, unclean = unclean + (owner IS NOT NULL)::int4
WHERE shard IN (
	SELECT shard FROM @shard WHERE owner IS NULL OR owner <> $1 AND expires <= $2 ORDER BY shard
	LIMIT greatest(0, (SELECT ($4 + count(*) - 1) / count(*) FROM @member) - (SELECT count(*) FROM @shard WHERE owner = $1)))`
	grantsSQL  = `SELECT shard, token, expires, unclean FROM @shard WHERE owner = $1 ORDER BY shard`
	membersSQL = `SELECT count(*), (SELECT count(*) FROM @shard) FROM @member`
)

// Lease implements [queue.Log].
func (l *Log) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	var got queue.Leases
	var rows int
	until := now.Add(p.For)
	err := l.guarded(ctx, func(b *pgx.Batch) {
		b.Queue(l.sql.Replace(lockSQL))
		b.Queue(l.sql.Replace(joinSQL), p.Owner, until)
		b.Queue(l.sql.Replace(forgetSQL), now)
		b.Queue(l.sql.Replace(renewSQL), p.Owner, until)
		b.Queue(l.sql.Replace(takeSQL), p.Owner, now, until, shards)
		b.Queue(l.sql.Replace(grantsSQL), p.Owner).Query(func(rows pgx.Rows) (err error) {
			got.Grants, err = pgx.CollectRows(rows, grant)
			return err
		})
		b.Queue(l.sql.Replace(membersSQL)).QueryRow(func(row pgx.Row) error { return row.Scan(&got.Members, &rows) })
	})
	switch {
	case err != nil:
		return queue.Leases{}, pgerror.Wrap("pgqueue: lease", err)
	case rows != shards:
		return queue.Leases{}, &sync.Error{Op: "pgqueue: lease", Action: sync.Fatal, Rule: "schema.shards",
			Hint: "the table queue_shard must hold the shards 0 to 63, as the migration made them", Err: errors.New("shards are missing")}
	}
	return got, nil
}

func grant(row pgx.CollectableRow) (queue.Grant, error) {
	var g queue.Grant
	var token int64
	err := row.Scan(&g.Shard, &token, &g.Expires, &g.Unclean)
	g.Token, g.Expires = uint64(token), g.Expires.UTC()
	return g, err
}

// releaseSQL locks, in order, and frees.
const (
	lockSomeSQL = `SELECT count(*) FROM (SELECT FROM @shard WHERE shard = ANY ($1::int2[]) ORDER BY shard FOR UPDATE) s`
	releaseSQL  = `
UPDATE @shard s SET owner = NULL, expires = '-infinity', token = s.token + 1, unclean = CASE WHEN r.clean THEN 0 ELSE s.unclean END
FROM unnest($1::int2[], $2::int8[], $3::bool[]) r(shard, token, clean) WHERE s.shard = r.shard AND s.token = r.token`
	leaveSQL = `DELETE FROM @member WHERE owner = $1`
)

// Release implements [queue.Log].
func (l *Log) Release(ctx context.Context, p queue.ReleaseParams) error {
	var shard []int16
	var token []int64
	var clean []bool
	add := func(fences []queue.Fence, isClean bool) {
		for _, f := range fences {
			shard, token, clean = append(shard, int16(f.Shard)), append(token, int64(f.Token)), append(clean, isClean)
		}
	}
	add(p.Clean, true)
	add(p.Unclean, false)
	return pgerror.Wrap("pgqueue: release", l.guarded(ctx, func(b *pgx.Batch) {
		b.Queue(l.sql.Replace(lockSomeSQL), shard)
		b.Queue(l.sql.Replace(releaseSQL), shard, token, clean)
		if p.Leave {
			b.Queue(l.sql.Replace(leaveSQL), p.Owner)
		}
	}))
}
