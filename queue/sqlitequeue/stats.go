package sqlitequeue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Stats implements [queue.Log]. It counts pack by pack, and looks at
// the messages of a shard while a key of it sleeps.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	var st sync.QueueStats
	err := l.db.Snapshot(ctx, "sqlitequeue: stats", func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, "SELECT count(*) FROM dead")
		if err != nil {
			return err
		}
		st.Dead = int(row.Int(0))
		for s := range l.tails {
			if err := countStream(ctx, c, &st, s); err != nil {
				return err
			}
		}
		return countSleepers(ctx, c, &st, now)
	})
	return st, err
}

// countStream adds up a stream.
func countStream(ctx context.Context, c *sqlitedb.Conn, st *sync.QueueStats, stream int) error {
	from, to := span(stream, 0), span(stream, maxSeq)
	row, err := c.One(ctx, "SELECT sum(waiting) FROM pack WHERE pos >= ? AND pos <= ?", from, to)
	if err != nil || row.Int(0) == 0 {
		return err
	}
	st.Waiting += int(row.Int(0))
	st.ByPriority[stream&(1<<priorityBits-1)] += int(row.Int(0))
	first, err := c.One(ctx, "SELECT done, body FROM pack JOIN body USING (pos) WHERE pos >= ? AND pos <= ? ORDER BY pos LIMIT 1", from, to)
	if err != nil || first == nil {
		return err
	}
	frames(first.Bytes(1), func(f frame) bool { // Read puts a damaged rest aside
		waits := bitmap(first.Bytes(0)).waits(f.place)
		if waits {
			st.OldestAt = earlier(st.OldestAt, f.message(0).EnqueuedAt)
		}
		return !waits
	})
	return nil
}

// countSleepers counts the messages of the keys that sleep.
func countSleepers(ctx context.Context, c *sqlitedb.Conn, st *sync.QueueStats, now time.Time) error {
	keys, asleep := map[string]bool{}, map[int]bool{} // by shard
	err := c.Query(ctx, func(r sqlitedb.Row) error {
		keys[r.Text(0)], asleep[queue.ShardOf(r.Text(0), shards)] = true, true
		st.NextAt = earlier(st.NextAt, fromMicros(r.Int(1)))
		return nil
	}, "SELECT key, retry_at FROM held WHERE retry_at > ?", micros(now))
	for shard := range asleep {
		if err == nil {
			err = c.Query(ctx, func(r sqlitedb.Row) error {
				frames(r.Bytes(1), func(f frame) bool {
					if bitmap(r.Bytes(0)).waits(f.place) && keys[string(f.key())] {
						st.Sleeping++
					}
					return true
				})
				return nil
			}, "SELECT done, body FROM pack JOIN body USING (pos) WHERE pos >= ? AND pos <= ?", span(stream(shard, 0), 0), span(stream(shard, sync.Priorities-1), maxSeq))
		}
	}
	return err
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
