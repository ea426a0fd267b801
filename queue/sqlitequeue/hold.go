package sqlitequeue

import (
	"context"
	"encoding/json"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	data, err := json.Marshal(held)
	if err != nil {
		return err
	}
	var retryAt any
	if !held.RetryAt.IsZero() {
		retryAt = micros(held.RetryAt)
	}
	return l.fenced(ctx, "sqlitequeue: hold", fence, func(tx *sqlitedb.Tx) error {
		_, err := tx.Exec("UPDATE message SET retry_at = ?, held = ? WHERE pos = ?", retryAt, string(data), position(fence.Shard, entry))
		return err
	})
}

// Stats implements [queue.Log]. It counts row by row.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	var st sync.QueueStats
	err := l.db.Snapshot(ctx, "sqlitequeue: stats", func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, "SELECT (SELECT count(*) FROM dead), (SELECT min(retry_at) FROM message WHERE retry_at > ?)", micros(now))
		if err != nil {
			return err
		}
		st.Dead = int(row.Int(0))
		query := "SELECT count(*), 0 FROM message WHERE pos > ?1 AND pos <= ?2"
		if row[1] != nil {
			st.NextAt = fromMicros(row.Int(1))
			query = "SELECT count(*), sum(key IN (SELECT key FROM message WHERE retry_at > ?3)) FROM message WHERE pos > ?1 AND pos <= ?2"
		}
		for s := range l.tails {
			if err := count(ctx, c, &st, s, query, now); err != nil {
				return err
			}
		}
		return nil
	})
	return st, err
}

// count adds up a stream.
func count(ctx context.Context, c *sqlitedb.Conn, st *sync.QueueStats, stream int, query string, now time.Time) error {
	first, err := c.One(ctx, "SELECT at FROM message WHERE pos > ? AND pos <= ? ORDER BY pos LIMIT 1", span(stream, 0), span(stream, maxSeq))
	if err != nil || first == nil {
		return err
	}
	if at := fromMicros(first.Int(0)); st.OldestAt.IsZero() || at.Before(st.OldestAt) {
		st.OldestAt = at
	}
	row, err := c.One(ctx, query, span(stream, 0), span(stream, maxSeq), micros(now))
	if err != nil {
		return err
	}
	n := int(row.Int(0))
	st.Waiting += n
	st.ByPriority[stream&(1<<priorityBits-1)] += n
	st.Sleeping += int(row.Int(1))
	return nil
}
