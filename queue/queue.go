package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Options tune a [Queue]. The zero value is good for all engines.
type Options struct {
	// Owner names the process in the log's leases. It must be new for each
	// process and each start. Default: random.
	Owner string
	// Lease is how much longer than the longest lane lease a shard is leased,
	// and so the pause a crash causes beyond that. Default: 10 s.
	Lease time.Duration
	// Renew is how often the process shows that it is alive and takes or gives
	// back shards. Default: 3 s.
	Renew time.Duration
	// Pause is the least time between two reads of the log when nothing points
	// to new messages: no Push here, no [Waker], nothing left unread. Default:
	// 0, which reads with every Take.
	Pause time.Duration
	// Share reserves parts of what Take hands out. Default: [DefaultShare].
	Share Share
	// Window is how many waiting messages per shard and priority are kept in
	// memory; a quarter of it is read at once. What is worked off fast needs a
	// large one: 2048 has a log of few shards drained twice as fast. But as many
	// messages are delivered with care after a crash. Default, and least: four
	// times PerKey.
	Window int
	// PerKey is how many of them one key may have; the rest stay in the log
	// until these are done. It bounds what a lane delivers, per priority.
	// Default: 64.
	PerKey int
	// Crashes is how often a message may have been in work when a process
	// died before it is buried. Default: 3.
	Crashes int
}

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Owner == "" {
		c.Owner = rand.Text()
	}
	if c.Share == (Share{}) {
		c.Share = DefaultShare
	}
	setDefault(&c.Lease, 10*time.Second)
	setDefault(&c.Renew, 3*time.Second)
	setDefault(&c.PerKey, 64)
	if c.Window >= 0 {
		c.Window = max(c.Window, 4*c.PerKey)
	}
	setDefault(&c.Crashes, 3)
	return c, c.validate()
}

func setDefault[T int | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

func (o *Options) validate() error {
	sum := 0
	for _, s := range o.Share {
		if s < 0 {
			return optionError("Share", "no share may be negative")
		}
		sum += s
	}
	switch {
	case sum > 100:
		return optionError("Share", fmt.Sprintf("the shares add up to %d; 100 is the most", sum))
	case o.Window < 0 || o.PerKey < 0 || o.Crashes < 0:
		return optionError("Window, PerKey, Crashes", "use positive numbers, or 0 for the default")
	case o.Lease < 0 || o.Renew < 0 || o.Pause < 0:
		return optionError("Lease, Renew, Pause", "use positive durations, or 0 for the default")
	case o.Renew > o.Lease:
		return optionError("Renew", "renew more often than leases last")
	}
	return nil
}

func optionError(field, hint string) error {
	return &sync.Error{Op: "queue: new", Action: sync.Fatal, Field: field, Rule: "options.valid", Hint: hint,
		Err: errors.New("the option is not usable")}
}

// A Queue is a [sync.Queue] over a [Log]. It is safe for concurrent use.
type Queue struct {
	log    Log
	opts   Options
	wakeup chan struct{}
	dirty  atomic.Bool   // the log may hold something that was not read
	pump   chan struct{} // held by the one caller that leases shards and reads

	mu       stdsync.Mutex // guards what follows; never held during I/O
	shards   []*shard      // by number; nil when not owned
	owned    int
	ready    [sync.Priorities]list // idle lanes with messages
	schedule scheduler
	timers   timers        // leased and sleeping lanes
	ties     map[int][]tie // by shard, from when it was here before
	refills  []*lane
	spare    []*lane
	prime    dock                 // for messages that were in work at a death before
	leases   uint64               // leases given so far
	leased   [sync.Priorities]int // messages in leased lanes

	nextRenew  time.Time
	leaseUntil time.Time // when the first shard lease ends
	lastFetch  time.Time
	fetches    uint64
	fetching   bool
	reading    plan
	unread     bool             // the last read left something
	gone       map[deleted]bool // removed while a read was under way
}

var _ sync.Queue = (*Queue)(nil)

// New returns a queue over the log. It starts nothing and does no I/O.
func New(log Log, opts *Options) (*Queue, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	q := &Queue{
		log: log, opts: o,
		wakeup:   make(chan struct{}, 1),
		pump:     make(chan struct{}, 1),
		shards:   make([]*shard, log.Shards()),
		schedule: scheduler{share: o.Share},
		gone:     map[deleted]bool{},
		ties:     map[int][]tie{},
	}
	if w, ok := log.(Waker); ok {
		w.OnAppend(q.signalNew)
	}
	return q, nil
}

// Push implements [sync.Queue]. A message needs an ID, a Key and a known
// Priority; EnqueuedAt is set to now when it is zero.
func (q *Queue) Push(ctx context.Context, now time.Time, msgs ...sync.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	msgs, err := complete(now, msgs)
	if err != nil {
		return err
	}
	if err := q.log.Append(ctx, now, msgs); err != nil {
		return fail("push", err)
	}
	q.signalNew()
	return nil
}

// complete checks the messages and fills in EnqueuedAt, on a copy if it must.
func complete(now time.Time, msgs []sync.Message) ([]sync.Message, error) {
	copied := false
	for i := range msgs {
		m := &msgs[i]
		if m.ID == "" || m.Key == "" || m.Priority >= sync.Priorities {
			return nil, &sync.Error{Op: "queue: push", Action: sync.Invalid, Rule: "message.complete",
				Hint: "give every message an ID, a Key and a known Priority", Err: fmt.Errorf("message %d of %d is incomplete", i+1, len(msgs))}
		}
		if m.EnqueuedAt.IsZero() {
			if !copied {
				msgs, copied = append([]sync.Message(nil), msgs...), true
			}
			msgs[i].EnqueuedAt = now
		}
	}
	return msgs, nil
}

// Ready implements [sync.Queue].
func (q *Queue) Ready() <-chan struct{} { return q.wakeup }

func (q *Queue) signal() {
	select {
	case q.wakeup <- struct{}{}:
	default:
	}
}

func (q *Queue) signalNew() {
	q.dirty.Store(true)
	q.signal()
}

// Stats implements [sync.Queue]. The lanes that other processes hold are not
// known here: their messages count as waiting.
func (q *Queue) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	st, err := q.log.Stats(ctx, now)
	if err != nil {
		return sync.QueueStats{}, fail("stats", err)
	}
	q.mu.Lock()
	q.expire(now)
	leased := q.leased
	q.mu.Unlock()
	for p, n := range leased {
		n = min(n, st.ByPriority[p])
		st.ByPriority[p] -= n
		st.Leased += n
		st.InWork[p] = n
		st.Waiting -= n
	}
	if st.Waiting == 0 {
		st.OldestAt = time.Time{}
	}
	return st, nil
}

// fail turns an error of the log into one of the queue: a lost shard means a
// stale lane.
func fail(op string, err error) error {
	if errors.Is(err, ErrFenced) {
		return fmt.Errorf("queue: %s: %w: %w", op, sync.ErrStale, err)
	}
	return fmt.Errorf("queue: %s: %w", op, err)
}
