package sqlitequeue

import (
	"context"
	"errors"
	"slices"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
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
	holds atomic.Bool                           // something may be held; set before that can be seen

	deletes *microbatch.Batcher[deletion, bool]

	mu    stdsync.Mutex
	wakes []func()

	state // belongs to the goroutine that writes
}

// A state is what the writer keeps in memory beside the file, or of it.
type state struct {
	seq     uint64 // of the last pack
	seen    seen
	partly  map[int64]bool // packs done in part; true if they were at the last heartbeat
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
	l := &Log{db: store.DB(), state: state{seen: seen{}, partly: map[int64]bool{}, members: map[string]time.Time{}}}
	l.deletes = microbatch.New(microbatch.Config[deletion, bool]{Max: 4096, InFlight: 1, Run: l.deleteAll})
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
		row, err := tx.One("SELECT max(pos) FROM pack WHERE pos >= ? AND pos <= ?", span(stream, 0), span(stream, maxSeq))
		if err != nil {
			return err
		}
		if row[0] != nil {
			tail := uint64(row.Int(0))&maxSeq | (packSize - 1)
			l.tails[stream].Store(tail)
			l.seq = max(l.seq, tail)
		}
	}
	if err := l.packUp(tx); err != nil {
		return err
	}
	if err := l.findHeld(tx); err != nil {
		return err
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
		for part := range slices.Chunk(fresh, packSize) {
			if err := l.insert(tx, msgs, part); err != nil {
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

// insert stores some of the messages at the ends of their streams, as packs.
func (l *Log) insert(tx *sqlitedb.Tx, msgs []sync.Message, which []int) error {
	var packs [shards << priorityBits]pack
	streams := make([]int, len(which))
	for place, i := range which {
		streams[place] = streamOf(&msgs[i])
		packs[streams[place]].expect(&msgs[i])
	}
	for place, i := range which {
		packs[streams[place]].add(place, &msgs[i])
	}
	l.seq = (l.seq | (packSize - 1)) + 1
	for s := range packs {
		if packs[s].waiting == 0 {
			continue
		}
		l.tails[s].Store(l.seq | (packSize - 1)) // before it can be seen: too high does no harm
		if err := packs[s].insert(tx, span(s, l.seq)); err != nil {
			return err
		}
	}
	return nil
}

// positionOf returns the position of a message that was inserted last.
func (l *Log) positionOf(m *sync.Message, place int) int64 {
	return span(streamOf(m), l.seq|uint64(place))
}

func streamOf(m *sync.Message) int { return stream(queue.ShardOf(m.Key, shards), m.Priority) }

// fenced runs the step if the fence holds.
func (l *Log) fenced(ctx context.Context, op string, fence queue.Fence, do func(*sqlitedb.Tx) error) error {
	return l.db.Update(ctx, op, func(tx *sqlitedb.Tx) error {
		if !l.holdsFence(fence) {
			return queue.ErrFenced
		}
		return do(tx)
	})
}

func (l *Log) holdsFence(f queue.Fence) bool {
	le := &l.leases[f.Shard]
	return le.owner != "" && le.token == f.Token
}
