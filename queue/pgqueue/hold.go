package pgqueue

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// heldSQL begins the statements of one fence.
const heldSQL = `WITH held AS MATERIALIZED (SELECT FROM @shard WHERE shard = $1 AND token = $2 FOR SHARE), `

const holdSQL = heldSQL + `
kept AS (
	UPDATE @message SET retry_at = $5, attempts = $6, history = $7::jsonb
	WHERE shard = $1 AND priority = $3 AND seq = $4 AND EXISTS (SELECT FROM held)
)
SELECT count(*) FROM held`

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	history, err := encode(held.History)
	if err != nil {
		return err
	}
	var retryAt *time.Time
	if !held.RetryAt.IsZero() {
		retryAt = &held.RetryAt
	}
	return l.fenced(ctx, "hold", fence, holdSQL, entry.Priority, int64(entry.Seq), retryAt, held.Attempts, history)
}

// fenced runs a statement that begins with heldSQL and returns how many fences
// hold.
func (l *Log) fenced(ctx context.Context, op string, f queue.Fence, sql string, args ...any) error {
	var held int
	err := l.guarded(ctx, func(b *pgx.Batch) {
		b.Queue(l.sql.Replace(sql), append([]any{f.Shard, int64(f.Token)}, args...)...).
			QueryRow(func(row pgx.Row) error { return row.Scan(&held) })
	})
	if err != nil {
		return pgerror.Wrap("pgqueue: "+op, err)
	}
	return fenced(held == 1)
}

// encode returns the history as JSON that PostgreSQL takes: it knows no NUL.
func encode(history []sync.Failure) (string, error) {
	if history == nil {
		return "[]", nil
	}
	text, err := json.Marshal(history)
	return string(bytes.ReplaceAll(text, []byte(`\u0000`), []byte(`\ufffd`))), err
}

// statsSQL counts in one pass over the table.
const statsSQL = `
WITH asleep AS MATERIALIZED (SELECT DISTINCT key FROM @message WHERE retry_at > $1)
SELECT m.priority, count(*), count(*) FILTER (WHERE m.key IN (SELECT key FROM asleep)), min(m.enqueued_at)
FROM @message m GROUP BY m.priority`

const summarySQL = `
SELECT (SELECT count(*) FROM @dead), (SELECT min(retry_at) FROM @message WHERE retry_at > $1)`

// Stats implements [queue.Log]. It reads the whole table: with a million
// messages waiting, that is some tenths of a second.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	var st sync.QueueStats
	var next *time.Time
	var b pgx.Batch
	b.Queue(l.sql.Replace(statsSQL), now).Query(func(rows pgx.Rows) error { return countWaiting(rows, &st) })
	b.Queue(l.sql.Replace(summarySQL), now).QueryRow(func(row pgx.Row) error { return row.Scan(&st.Dead, &next) })
	if err := l.pool.SendBatch(ctx, &b).Close(); err != nil {
		return sync.QueueStats{}, pgerror.Wrap("pgqueue: stats", err)
	}
	if next != nil {
		st.NextAt = next.UTC()
	}
	return st, nil
}

func countWaiting(rows pgx.Rows, st *sync.QueueStats) error {
	for rows.Next() {
		var p sync.Priority
		var n, asleep int
		var oldest time.Time
		if err := rows.Scan(&p, &n, &asleep, &oldest); err != nil {
			return err
		}
		st.Waiting += n
		st.Sleeping += asleep
		if p < sync.Priorities {
			st.ByPriority[p] += n
		}
		if st.OldestAt.IsZero() || oldest.Before(st.OldestAt) {
			st.OldestAt = oldest.UTC()
		}
	}
	return rows.Err()
}
