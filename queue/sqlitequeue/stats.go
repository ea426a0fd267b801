package sqlitequeue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// Stats implements [queue.Log]. It counts row by row, and once more while a
// key sleeps.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	var st sync.QueueStats
	err := l.db.Snapshot(ctx, "sqlitequeue: stats", func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, "SELECT count(*) FROM dead")
		if err != nil {
			return err
		}
		st.Dead = int(row.Int(0))
		for s := range l.tails {
			if err := countStream(ctx, c, &st, s, now); err != nil {
				return err
			}
		}
		if st.NextAt.IsZero() {
			return nil
		}
		row, err = c.One(ctx, "SELECT count(*) FROM message WHERE key IN (SELECT key FROM message WHERE retry_at > ?)", micros(now))
		if row != nil {
			st.Sleeping = int(row.Int(0))
		}
		return err
	})
	return st, err
}

// countStream adds up a stream.
func countStream(ctx context.Context, c *sqlitedb.Conn, st *sync.QueueStats, stream int, now time.Time) error {
	const of = " FROM message WHERE pos > ?1 AND pos <= ?2"
	from, to := span(stream, 0), span(stream, maxSeq)
	first, err := c.One(ctx, "SELECT at"+of+" ORDER BY pos LIMIT 1", from, to)
	if err != nil || first == nil {
		return err
	}
	st.OldestAt = earlier(st.OldestAt, fromMicros(first.Int(0)))
	row, err := c.One(ctx, "SELECT count(*), min(iif(retry_at > ?3, retry_at, NULL))"+of, from, to, micros(now))
	if err != nil {
		return err
	}
	n := int(row.Int(0))
	st.Waiting += n
	st.ByPriority[stream&(1<<priorityBits-1)] += n
	if row[1] != nil {
		st.NextAt = earlier(st.NextAt, fromMicros(row.Int(1)))
	}
	return nil
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
