package pgqueue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// drawnSQL returns the last sequence number drawn and then, if that is not
// known to be settled, a transaction number.
const drawnSQL = `
WITH drawn AS MATERIALIZED (SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS seq FROM @message_seq_seq)
SELECT seq, CASE WHEN seq > $1 THEN pg_current_xact_id()::text::int8 ELSE 0 END FROM drawn`

// readSQL answers all spans by probes of the primary key. The row numbered -1
// describes the snapshot that all of them were read by.
const readSQL = `
SELECT -1, pg_snapshot_xmin(s)::text::int8,
	NULL::text, NULL::text, NULL::timestamptz, NULL::bytea, NULL::timestamptz, NULL::int4, NULL::jsonb
FROM pg_current_snapshot() s
UNION ALL
SELECT s.n, m.seq, m.id, m.key, m.enqueued_at, m.payload, m.retry_at, m.attempts, m.history
FROM unnest($1::int2[], $2::int2[], $3::int8[], $4::int8[], $5::text[], $6::int4[], $7::int4[])
	s(shard, priority, after, upto, key, most, n)
CROSS JOIN LATERAL (
	SELECT * FROM @message m
	WHERE m.shard = s.shard AND m.priority = s.priority AND m.seq > s.after AND m.seq <= s.upto
		AND (s.key = '' OR m.key = s.key)
	ORDER BY m.seq LIMIT s.most + 1) m`

// holdersSQL lists the transactions that hold what an insert locks.
const holdersSQL = `
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND relation = '@message'::regclass
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// Read implements [queue.Log].
func (l *Log) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := l.pace.wait(ctx); err != nil {
		return nil, pgerror.Wrap("pgqueue: read", err)
	}
	r, stuck := l.settled.begin()
	if stuck {
		if err := l.askLocks(ctx); err != nil {
			return nil, pgerror.Wrap("pgqueue: read", err)
		}
		r, _ = l.settled.begin()
	}
	f := fetch{reading: r, spans: spans, pages: make([]queue.Page, len(spans))}
	began := time.Now()
	err := l.guarded(ctx, func(b *pgx.Batch) {
		b.Queue(l.sql.Replace(drawnSQL), f.floor).QueryRow(func(row pgx.Row) error { return row.Scan(&f.drawn, &f.xid) })
		b.Queue(l.sql.Replace(readSQL), f.args()...).Query(f.scan)
	})
	if err == nil && len(f.corrupt) > 0 {
		err = l.remove(ctx, f.corrupt)
	}
	if err != nil {
		return nil, pgerror.Wrap("pgqueue: read", err)
	}
	l.pace.read(len(spans), f.fresh, time.Since(began))
	final := l.settled.end(f.reading)
	for i := range f.pages {
		p := &f.pages[i]
		p.Settled, p.Next = final, max(p.Next, spans[i].After)
	}
	return f.pages, nil
}

// askLocks looks who may still commit messages, unless another read is at it.
func (l *Log) askLocks(ctx context.Context) error {
	if !l.settled.asking.TryLock() {
		return nil
	}
	defer l.settled.asking.Unlock()
	seen := l.settled.ask()
	rows, err := l.pool.Query(ctx, l.sql.Replace(holdersSQL))
	if err != nil {
		return err
	}
	holders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil {
		l.settled.answer(seen, holders)
	}
	return err
}

// A fetch is a read under way.
type fetch struct {
	reading
	spans   []queue.Span
	pages   []queue.Page
	fresh   int // entries that no search for late commits brought
	corrupt []corrupt
}

func (f *fetch) args() []any {
	n := len(f.spans)
	number, shard, priority, most := make([]int32, 0, n), make([]int16, 0, n), make([]int16, 0, n), make([]int32, 0, n)
	after, upto, key := make([]int64, 0, n), make([]int64, 0, n), make([]string, 0, n)
	for i := range f.spans {
		s := &f.spans[i]
		number, shard, priority, key = append(number, int32(i)), append(shard, int16(s.Shard)), append(priority, int16(s.Priority)), append(key, s.Key)
		after = append(after, int64(min(s.After, math.MaxInt64)))
		upto = append(upto, int64(min(cmp.Or(s.Upto, math.MaxInt64), math.MaxInt64)))
		most = append(most, int32(min(s.Limit, math.MaxInt32-1)))
	}
	return []any{shard, priority, after, upto, key, most, number}
}

// row is what readSQL returns of an entry; that of the snapshot has NULL in
// what it lacks.
type row struct {
	span     int32
	seq      int64
	id, key  pgtype.Text
	enqueued pgtype.Timestamptz
	payload  []byte
	retryAt  pgtype.Timestamptz
	attempts pgtype.Int4
	history  []byte
}

func (f *fetch) scan(rows pgx.Rows) error {
	var r row
	into := []any{&r.span, &r.seq, &r.id, &r.key, &r.enqueued, &r.payload, &r.retryAt, &r.attempts, &r.history}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if r.span < 0 {
			f.xmin = r.seq
			continue
		}
		f.add(&r, int(r.span))
	}
	return rows.Err()
}

// add puts a row into the page of its span.
func (f *fetch) add(r *row, i int) {
	s, p := &f.spans[i], &f.pages[i]
	if len(p.Entries) == s.Limit {
		p.More = true
		return
	}
	f.top, p.Next = max(f.top, r.seq), uint64(r.seq)
	e, err := r.entry(s)
	if err != nil {
		f.corrupt = append(f.corrupt, corrupt{s.Shard, queue.Pos{Priority: s.Priority, Seq: uint64(r.seq)}, err})
		return
	}
	if p.Entries == nil {
		p.Entries = make([]queue.Entry, 0, 8)
	}
	p.Entries = append(p.Entries, e)
	if s.Upto == 0 || s.Key != "" {
		f.fresh++
	}
}

// entry decodes the row.
func (r *row) entry(s *queue.Span) (queue.Entry, error) {
	e := queue.Entry{Seq: uint64(r.seq), Message: sync.Message{ID: r.id.String, Key: r.key.String, Priority: s.Priority,
		EnqueuedAt: r.enqueued.Time.UTC(), Payload: r.payload}}
	switch {
	case e.Message.ID == "" || e.Message.Key == "":
		return e, errors.New("it has no ID or no key")
	case queue.ShardOf(e.Message.Key, shards) != s.Shard:
		return e, errors.New("its key is not of its shard")
	case r.history == nil:
		return e, nil
	}
	e.Held = &queue.Held{Attempts: int(r.attempts.Int32)}
	if r.retryAt.Valid {
		e.Held.RetryAt = r.retryAt.Time.UTC()
	}
	if json.Unmarshal(r.history, &e.Held.History) != nil {
		return e, errors.New("its history is no list of failures")
	}
	return e, nil
}

// A corrupt row is one that no dispatcher can work with.
type corrupt struct {
	shard int
	pos   queue.Pos
	why   error
}

// removeSQL moves a row to the dead letters as it is.
const removeSQL = `
WITH gone AS (DELETE FROM @message WHERE shard = $1 AND priority = $2 AND seq = $3 RETURNING *)
INSERT INTO @dead (id, key, shard, priority, enqueued_at, died_at, attempts, history, payload, body)
SELECT CASE WHEN id = '' THEN 'corrupt-' || seq ELSE id END, key, shard, priority, enqueued_at, clock_timestamp(), greatest(attempts, 0),
	$4::jsonb, payload, @json(payload) FROM gone
ON CONFLICT (id) DO UPDATE SET key = excluded.key, shard = excluded.shard, priority = excluded.priority,
	enqueued_at = excluded.enqueued_at, died_at = excluded.died_at, attempts = excluded.attempts,
	history = excluded.history, payload = excluded.payload, body = excluded.body`

// remove moves corrupt rows to the dead letters, so that their neighbours go
// on. It needs no fence: no process could do anything else with them.
func (l *Log) remove(ctx context.Context, rows []corrupt) error {
	now := time.Now()
	err := l.guarded(ctx, func(b *pgx.Batch) {
		for _, r := range rows {
			history, _ := encode([]sync.Failure{{At: now, Action: sync.Fatal.String(), Rule: "queue.row", Free: true,
				Error: "the row is corrupt: " + r.why.Error()}})
			b.Queue(l.sql.Replace(removeSQL), r.shard, r.pos.Priority, int64(r.pos.Seq), history)
		}
	})
	if err != nil {
		return fmt.Errorf("moving corrupt rows to the dead letters: %w", err)
	}
	l.corrupt.Add(int64(len(rows)))
	for _, r := range rows {
		l.opts.Logger.LogAttrs(ctx, slog.LevelError, "a corrupt row was moved to the dead letters",
			slog.Int("shard", r.shard), slog.Uint64("seq", r.pos.Seq), slog.Any("why", r.why))
	}
	return nil
}
