package memqueue

import (
	"context"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Options tune a memory log.
type Options struct {
	// Shards is the number of shards; 0 or less means 64. More than the
	// dispatchers over the log is enough.
	Shards int
}

// A Log is a [queue.Log] in memory. It is safe for concurrent use, and it
// tells all dispatchers over it at once when messages arrive.
type Log struct {
	mu      stdsync.Mutex
	shards  [][sync.Priorities]stream
	leases  []lease
	members map[string]time.Time // owner to the time until it counts as alive
	seq     uint64
	seen    seen
	held    map[place]holding
	dead    map[string]sync.DeadLetter
	wakes   []func()

	lastRead int // how many entries the last read returned
}

var (
	_ queue.Log   = (*Log)(nil)
	_ queue.Waker = (*Log)(nil)
)

// New returns an empty queue in memory with the default options of package
// queue.
func New(opts *Options) *queue.Queue {
	// The log tells of every message, so there is no need to look for more.
	q, err := queue.New(NewLog(opts), &queue.Options{Pause: time.Second})
	if err != nil {
		panic("memqueue: " + err.Error()) // the options above are valid
	}
	return q
}

// NewLog returns an empty log.
func NewLog(opts *Options) *Log {
	shards := 64
	if opts != nil && opts.Shards > 0 {
		shards = opts.Shards
	}
	return &Log{
		shards:  make([][sync.Priorities]stream, shards),
		leases:  make([]lease, shards),
		members: map[string]time.Time{},
		held:    map[place]holding{},
		dead:    map[string]sync.DeadLetter{},
		seen:    newSeen(),
	}
}

// Shards implements [queue.Log].
func (l *Log) Shards() int { return len(l.shards) }

// Append implements [queue.Log].
func (l *Log) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	for i := range msgs {
		if l.seen.add(now, msgs[i].ID) {
			l.append(queue.Entry{Message: msgs[i]})
		}
	}
	wakes := l.wakes
	l.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
	return nil
}

// append gives the entry the next sequence number and stores it.
func (l *Log) append(e queue.Entry) {
	l.seq++
	e.Seq = l.seq
	shard := queue.ShardOf(e.Message.Key, len(l.shards))
	l.shards[shard][e.Message.Priority].append(e)
}

// OnAppend implements [queue.Waker].
func (l *Log) OnAppend(wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes = append(l.wakes[:len(l.wakes):len(l.wakes)], wake)
}

// Read implements [queue.Log].
func (l *Log) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pages := make([]queue.Page, len(spans))
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := make([]queue.Entry, 0, l.lastRead) // the pages share it
	for i := range spans {
		s := &spans[i]
		entries = l.shards[s.Shard][s.Priority].read(s, &pages[i], entries)
	}
	l.lastRead = len(entries)
	return pages, nil
}

// Delete implements [queue.Log].
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	return l.fenced(ctx, fence, func() {
		for _, pos := range entries {
			l.remove(fence.Shard, pos)
		}
	})
}

// remove deletes an entry, if it is there, and reports whether it was.
func (l *Log) remove(shard int, pos queue.Pos) bool {
	had, ok := l.shards[shard][pos.Priority].remove(pos.Seq)
	if had != nil {
		delete(l.held, place{shard, pos})
	}
	return ok
}

// fenced runs the step if the fence holds.
func (l *Log) fenced(ctx context.Context, fence queue.Fence, step func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leases[fence.Shard].owner == "" || l.leases[fence.Shard].token != fence.Token {
		return queue.ErrFenced
	}
	step()
	return nil
}
