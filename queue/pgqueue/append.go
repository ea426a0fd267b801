package pgqueue

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// appendSQL remembers IDs and stores the messages whose ID was new, in one
// statement that a host may run in its own transaction: so it sets nothing and
// is written so that no statistics can change its plan. A sequence number is
// drawn only for a message whose ID was inserted before, which is what gives
// the transaction its number: numbers of transactions and of messages are
// drawn in the same order, as [settled] needs. IDs are inserted in order, so
// that two batches never wait for each other.
//
// %[1]d and %[2]d are the parts of this week and the last.
const appendSQL = `
WITH claimed AS (
	INSERT INTO @seen_%[2]d (hash, day)
	SELECT u.before, $9 FROM unnest($8::uuid[]) u(before) WHERE $11 ORDER BY u.before
	ON CONFLICT DO NOTHING RETURNING hash
), fresh AS (
	INSERT INTO @seen_%[1]d (hash, day)
	SELECT u.hash, $9 FROM unnest($7::uuid[], $8::uuid[]) u(hash, before)
	WHERE CASE WHEN $11 THEN u.before IN (SELECT c.hash FROM claimed c)
		ELSE (SELECT true FROM @seen_%[2]d p WHERE p.hash = u.before AND p.day >= $10) IS NULL END
	ORDER BY u.hash
	ON CONFLICT DO NOTHING RETURNING hash
)
INSERT INTO @message (shard, priority, id, key, enqueued_at, payload)
SELECT u.shard, u.priority, u.id, u.key, u.enqueued_at, u.payload
FROM unnest($1::int2[], $2::int2[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::uuid[])
	WITH ORDINALITY u(shard, priority, id, key, enqueued_at, payload, hash, n)
WHERE (u.hash IN (SELECT f.hash FROM fresh f)) IS TRUE
ORDER BY u.n`

// Append implements [queue.Log]. Small calls that come at the same time share
// one transaction.
func (l *Log) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	if err := l.check(msgs); err != nil {
		return err
	}
	const small = 100
	var err error
	if len(msgs) < small {
		_, err = l.appends.Do(ctx, appending{now, msgs})
	} else {
		err = l.insert(ctx, l.pool, now, msgs)
	}
	if err != nil {
		return pgerror.Wrap("pgqueue: append", err)
	}
	l.Wake()
	return nil
}

// EnqueueTx pushes messages within the caller's transaction: they are there if
// and when it commits, and not if it does not. Call [Log.Wake] after the
// commit, or they wait for the next poll. IDs count as pushed from the commit
// on; until then another transaction that pushes one of them waits. Keep such
// transactions short: as long as one is open, what comes after it is read
// again and again in case it commits.
func (l *Log) EnqueueTx(ctx context.Context, tx pgx.Tx, now time.Time, msgs ...sync.Message) error {
	if err := l.check(msgs); err != nil {
		return err
	}
	filled := make([]sync.Message, len(msgs))
	for i, m := range msgs {
		if m.EnqueuedAt.IsZero() {
			m.EnqueuedAt = now
		}
		filled[i] = m
	}
	return pgerror.Wrap("pgqueue: enqueue", l.insert(ctx, tx, now, filled))
}

// appending is a call of Append that waits for company.
type appending struct {
	now  time.Time
	msgs []sync.Message
}

// appendAll inserts the messages of calls that came together, in one statement
// for those that fall on one day.
func (l *Log) appendAll(ctx context.Context, calls []appending) ([]struct{}, error) {
	for rest := calls; len(rest) > 0; {
		first, n := rest[0], 1
		msgs := first.msgs
		for n < len(rest) && pageOf(rest[n].now) == pageOf(first.now) {
			msgs = append(msgs[:len(msgs):len(msgs)], rest[n].msgs...)
			n++
		}
		if err := l.insert(ctx, l.pool, first.now, msgs); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return make([]struct{}, len(calls)), nil
}

// executor is a pool or a transaction.
type executor interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

func (l *Log) insert(ctx context.Context, db executor, now time.Time, msgs []sync.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	page := pageOf(now)
	r := newRows(len(msgs))
	for i := range msgs {
		r.add(&msgs[i], page)
	}
	parts := [2]int{part(page.week), part(page.week - 1)}
	_, err := db.Exec(ctx, l.sql.Replace(fmt.Sprintf(appendSQL, parts[0], parts[1])),
		r.shard, r.priority, r.id, r.key, r.enqueued, r.payload, r.hash, r.before,
		page.day, page.day-memoryDays, page.both)
	return err
}

// A page says where in the memory of IDs a moment belongs.
type page struct {
	week int64
	day  int32
	// both is set in the first hour of a week: IDs are entered in the last
	// week, too, so that two pushes on either side of the boundary meet.
	both bool
}

const memoryDays = int32(queue.Memory / (24 * time.Hour))

func pageOf(now time.Time) page {
	const hour, day, week = 3600, 24 * 3600, 7 * 24 * 3600
	t := now.Unix()
	return page{week: t / week, day: int32(t / day), both: t%week < hour}
}

// part is the table of the week.
func part(week int64) int { return int((week%3 + 3) % 3) }

// hashOf stands for an ID in one week. Weeks have hashes of their own, so that
// what an old one left in its part is never mistaken for this one's.
func hashOf(week int64, id string) pgtype.UUID {
	buf := make([]byte, 8, 128)
	binary.BigEndian.PutUint64(buf, uint64(week))
	sum := sha256.Sum256(append(buf, id...))
	return pgtype.UUID{Bytes: [16]byte(sum[:]), Valid: true}
}

// rows are the columns of messages.
type rows struct {
	shard, priority []int16
	id, key         []string
	enqueued        []time.Time
	payload         [][]byte
	hash, before    []pgtype.UUID
	known           map[pgtype.UUID]bool
}

func newRows(n int) *rows {
	return &rows{make([]int16, 0, n), make([]int16, 0, n), make([]string, 0, n), make([]string, 0, n), make([]time.Time, 0, n),
		make([][]byte, 0, n), make([]pgtype.UUID, 0, n), make([]pgtype.UUID, 0, n), make(map[pgtype.UUID]bool, n)}
}

func (r *rows) add(m *sync.Message, page page) {
	hash := hashOf(page.week, m.ID)
	if r.known[hash] {
		return
	}
	r.known[hash] = true
	r.hash, r.before = append(r.hash, hash), append(r.before, hashOf(page.week-1, m.ID))
	r.shard, r.priority = append(r.shard, int16(queue.ShardOf(m.Key, shards))), append(r.priority, int16(m.Priority))
	r.id, r.key = append(r.id, m.ID), append(r.key, m.Key)
	r.enqueued = append(r.enqueued, m.EnqueuedAt)
	payload := m.Payload
	if payload == nil {
		payload = []byte{}
	}
	r.payload = append(r.payload, payload)
}

// maxName is the most bytes of an ID or a key.
const maxName = 1024

// check refuses messages that PostgreSQL would not take or not keep.
func (l *Log) check(msgs []sync.Message) error {
	for i := range msgs {
		m := &msgs[i]
		switch {
		case len(m.Payload) > l.opts.MaxPayload:
			return invalid(i, "Payload", "payload.size",
				fmt.Sprintf("keep payloads to %d bytes, this one has %d, or raise Options.MaxPayload", l.opts.MaxPayload, len(m.Payload)))
		case !name(m.ID):
			return invalid(i, "ID", "message.id", nameHint)
		case !name(m.Key):
			return invalid(i, "Key", "message.key", nameHint)
		case m.Priority >= sync.Priorities:
			return invalid(i, "Priority", "message.priority", "give every message a known Priority")
		}
	}
	return nil
}

const nameHint = "use 1 to 1024 bytes of UTF-8 without NUL"

func name(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

func invalid(i int, field, rule, hint string) error {
	return &sync.Error{Op: "pgqueue: append", Action: sync.Invalid, Field: field, Rule: rule, Hint: hint,
		Err: fmt.Errorf("message %d of the call cannot be stored", i+1)}
}
