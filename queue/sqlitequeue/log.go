package sqlitequeue

import (
	"context"
	"errors"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// shards is how many there are. One process has them all, so there need only
// be enough for many keys to be in memory at once. The file depends on it.
const shards = 8

// A Log is a [queue.Log] in a SQLite file. It is safe for concurrent use, and
// tells all dispatchers over it at once when messages arrive.
type Log struct {
	db    *sqlitedb.DB
	tails [shards << priorityBits]atomic.Uint64 // what was last appended to each stream

	mu    stdsync.Mutex
	wakes []func()

	state // belongs to the goroutine that writes
}

// A state is what the writer keeps in memory beside the file, or of it.
type state struct {
	seq     uint64
	seen    seen
	leases  [shards]lease
	members map[string]time.Time // owner to the time until it counts as alive
	now     time.Time            // the latest that a caller gave
}

var (
	_ queue.Log   = (*Log)(nil)
	_ queue.Waker = (*Log)(nil)
)

// Open returns the queue in the store's file, with the default options of
// package queue. A file has one queue.
func Open(ctx context.Context, store *sqlitestore.Store) (*queue.Queue, error) {
	log, err := OpenLog(ctx, store)
	if err != nil {
		return nil, err
	}
	// The log tells of every message, so there is no need to look for more.
	return queue.New(log, &queue.Options{Pause: time.Second})
}

// OpenLog returns the log in the store's file, to give a queue other options:
// see [queue.New]. A file has one log.
func OpenLog(ctx context.Context, store *sqlitestore.Store) (*Log, error) {
	const op = "sqlitequeue: open"
	l := &Log{db: store.DB(), state: state{seen: seen{}, members: map[string]time.Time{}}}
	if !l.db.Claim("queue") {
		return nil, &sync.Error{Op: op, Action: sync.Fatal, Rule: "sqlitequeue.once", Hint: "open the queue once and share it",
			Err: errors.New("the queue of this file is open")}
	}
	return l, l.db.Update(ctx, op, l.load)
}

// load reads what is kept in memory. Leases in the file are those of a process
// that died: nobody else can have it open.
func (l *Log) load(tx *sqlitedb.Tx) error {
	for stream := range l.tails {
		row, err := tx.One("SELECT max(pos) FROM message WHERE pos > ? AND pos <= ?", span(stream, 0), span(stream, maxSeq))
		if err != nil {
			return err
		}
		tail := uint64(row.Int(0)) & maxSeq
		l.tails[stream].Store(tail)
		l.seq = max(l.seq, tail)
	}
	if err := l.seen.load(tx); err != nil {
		return err
	}
	return l.loadLeases(tx)
}

// A position in the file is the stream and the sequence number, so that a
// stream lies together.
const (
	priorityBits = 3
	seqBits      = 56
	maxSeq       = 1<<seqBits - 1
)

// stream numbers the streams over all shards.
func stream(shard int, p sync.Priority) int { return shard<<priorityBits | int(p) }

// span returns the position of a sequence number, however large, in a stream.
func span(stream int, seq uint64) int64 {
	return int64(stream)<<seqBits | int64(min(seq, maxSeq))
}

func position(shard int, p queue.Pos) int64 { return span(stream(shard, p.Priority), p.Seq) }

// micros is how times are kept in the file.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }

// Shards implements [queue.Log].
func (l *Log) Shards() int { return shards }

// OnAppend implements [queue.Waker].
func (l *Log) OnAppend(wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes = append(l.wakes[:len(l.wakes):len(l.wakes)], wake)
}

// wake tells the dispatchers.
func (l *Log) wake() {
	l.mu.Lock()
	wakes := l.wakes
	l.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// Append implements [queue.Log].
func (l *Log) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	hashes := hashAll(msgs)
	err := l.db.Update(ctx, "sqlitequeue: append", func(tx *sqlitedb.Tx) error {
		l.clock(now)
		fresh, err := l.seen.add(tx, now, hashes)
		if err != nil {
			return err
		}
		for _, i := range fresh {
			if err := l.insert(tx, &msgs[i], nil, nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.wake()
	return nil
}

// clock notes the time of a call.
func (l *Log) clock(now time.Time) {
	if now.After(l.now) {
		l.now = now
	}
}

// insert stores a message at the end of its stream. Its retry time and what
// is held may be nil.
func (l *Log) insert(tx *sqlitedb.Tx, m *sync.Message, retryAt, held any) error {
	s := stream(queue.ShardOf(m.Key, shards), m.Priority)
	l.seq++
	l.tails[s].Store(l.seq) // before it can be seen: too high does no harm
	payload := m.Payload
	if payload == nil {
		payload = []byte{}
	}
	_, err := tx.Exec("INSERT INTO message (pos, key, id, at, retry_at, held, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
		span(s, l.seq), m.Key, m.ID, micros(m.EnqueuedAt), retryAt, held, payload)
	return err
}

// Delete implements [queue.Log].
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	return l.fenced(ctx, "sqlitequeue: delete", fence, func(tx *sqlitedb.Tx) error {
		for _, p := range entries {
			if _, err := l.remove(tx, position(fence.Shard, p)); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove deletes a row and reports whether it was there.
func (l *Log) remove(tx *sqlitedb.Tx, pos int64) (bool, error) {
	n, err := tx.Exec("DELETE FROM message WHERE pos = ?", pos)
	return n > 0, err
}

// fenced runs the step if the fence holds.
func (l *Log) fenced(ctx context.Context, op string, fence queue.Fence, do func(*sqlitedb.Tx) error) error {
	return l.db.Update(ctx, op, func(tx *sqlitedb.Tx) error {
		if le := &l.leases[fence.Shard]; le.owner == "" || le.token != fence.Token {
			return queue.ErrFenced
		}
		return do(tx)
	})
}
