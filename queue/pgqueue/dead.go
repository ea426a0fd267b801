package pgqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

const burySQL = heldSQL + `
gone AS (
	DELETE FROM @message WHERE ctid = ANY (ARRAY(
		SELECT m.ctid FROM unnest($3::int2[], $4::int8[]) d(priority, seq)
		CROSS JOIN LATERAL (SELECT m.ctid FROM @message m
			WHERE m.shard = $1 AND m.priority = d.priority AND m.seq = d.seq LIMIT 1) m
		WHERE EXISTS (SELECT FROM held)))
	RETURNING seq
), dead AS (
	INSERT INTO @dead (id, key, shard, priority, enqueued_at, died_at, attempts, history, payload, body)
	SELECT DISTINCT ON (d.id) d.id, d.key, $1, d.priority, d.enqueued_at, d.died_at, d.attempts, d.history::jsonb, d.payload, @json(d.payload)
	FROM unnest($3::int2[], $4::int8[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::int4[], $10::text[], $11::bytea[])
		d(priority, seq, id, key, enqueued_at, died_at, attempts, history, payload)
	WHERE (d.seq IN (SELECT g.seq FROM gone g)) IS TRUE
	ORDER BY d.id, d.seq DESC
	ON CONFLICT (id) DO UPDATE SET key = excluded.key, shard = excluded.shard, priority = excluded.priority,
		enqueued_at = excluded.enqueued_at, died_at = excluded.died_at, attempts = excluded.attempts,
		history = excluded.history, payload = excluded.payload, body = excluded.body
)
SELECT count(*) FROM held`

// Bury implements [queue.Log].
func (l *Log) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	n := len(burials)
	priority, seq, attempts := make([]int16, n), make([]int64, n), make([]int32, n)
	id, key, history := make([]string, n), make([]string, n), make([]string, n)
	enqueued, died, payload := make([]time.Time, n), make([]time.Time, n), make([][]byte, n)
	for i, b := range burials {
		m := &b.Letter.Message
		priority[i], seq[i], attempts[i] = int16(b.Pos.Priority), int64(b.Pos.Seq), int32(b.Letter.Attempts)
		id[i], key[i], enqueued[i], died[i], payload[i] = m.ID, m.Key, m.EnqueuedAt, b.Letter.DiedAt, m.Payload
		if payload[i] == nil {
			payload[i] = []byte{}
		}
		var err error
		if history[i], err = encode(b.Letter.History); err != nil {
			return err
		}
	}
	return l.fenced(ctx, "bury", fence, burySQL, priority, seq, id, key, enqueued, died, attempts, history, payload)
}

const deadSQL = `
SELECT id, key, priority, enqueued_at, died_at, attempts, history, payload FROM @dead
WHERE ($1 = '' OR key = $1) AND ($2 = '' OR (died_at, id) > (SELECT a.died_at, a.id FROM @dead a WHERE a.id = $2))
ORDER BY died_at, id LIMIT $3`

// Dead implements [queue.Log].
func (l *Log) Dead(ctx context.Context, f sync.DeadFilter) ([]sync.DeadLetter, error) {
	rows, err := l.pool.Query(ctx, l.sql.Replace(deadSQL), f.Key, f.After, int64(cmp.Or(f.Limit, math.MaxInt32)))
	if err != nil {
		return nil, pgerror.Wrap("pgqueue: dead", err)
	}
	letters, err := pgx.CollectRows(rows, letter)
	return letters, pgerror.Wrap("pgqueue: dead", err)
}

// letter decodes a dead letter. A history that cannot be read is told so: the
// letter is still worth having.
func letter(row pgx.CollectableRow) (sync.DeadLetter, error) {
	var d sync.DeadLetter
	var history []byte
	m := &d.Message
	err := row.Scan(&m.ID, &m.Key, &m.Priority, &m.EnqueuedAt, &d.DiedAt, &d.Attempts, &history, &m.Payload)
	if err == nil && json.Unmarshal(history, &d.History) != nil {
		d.History = []sync.Failure{{At: d.DiedAt, Action: sync.Fatal.String(), Rule: "queue.row", Free: true, Error: "the history is corrupt"}}
	}
	m.EnqueuedAt, d.DiedAt = m.EnqueuedAt.UTC(), d.DiedAt.UTC()
	return d, err
}

// replaySQL draws sequence numbers after the delete has given the transaction
// its number, as appendSQL does.
const replaySQL = `
WITH gone AS (DELETE FROM @dead WHERE id = ANY ($1::text[]) RETURNING *)
INSERT INTO @message (shard, priority, id, key, enqueued_at, payload, history)
SELECT shard, priority, id, key, enqueued_at, payload, history FROM gone ORDER BY array_position($1::text[], id)`

// Replay implements [queue.Log].
func (l *Log) Replay(ctx context.Context, _ time.Time, ids []string) (int, error) {
	n, err := l.exhume(ctx, "replay", replaySQL, ids)
	if n > 0 {
		l.Wake()
	}
	return n, err
}

// Discard implements [queue.Log].
func (l *Log) Discard(ctx context.Context, _ time.Time, ids []string) (int, error) {
	return l.exhume(ctx, "discard", `DELETE FROM @dead WHERE id = ANY ($1::text[])`, ids)
}

func (l *Log) exhume(ctx context.Context, op, sql string, ids []string) (int, error) {
	if len(ids) == 0 {
		return 0, nil
	}
	tag, err := l.pool.Exec(ctx, l.sql.Replace(sql), ids)
	if err != nil {
		return 0, pgerror.Wrap("pgqueue: "+op, err)
	}
	return int(tag.RowsAffected()), nil
}
