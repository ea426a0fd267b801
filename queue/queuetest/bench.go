package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// neighbour returns another key of the key's shard.
func neighbour(log queue.Log, key string) string {
	other := "n"
	for i := 0; queue.ShardOf(other, log.Shards()) != queue.ShardOf(key, log.Shards()); i++ {
		other = fmt.Sprint("n", i)
	}
	return other
}

// start is the time at which every scenario begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const lease = 30 * time.Second

// A bench drives one queue by one clock.
type bench struct {
	*testing.T
	q   sync.Queue
	now time.Time
}

func newBench(t *testing.T, q sync.Queue) *bench { return &bench{t, q, start} }

// process returns a dispatcher over the log, as one process would have it.
func process(t *testing.T, log queue.Log, owner string, opts *queue.Options) *queue.Queue {
	t.Helper()
	o := queue.Options{}
	if opts != nil {
		o = *opts
	}
	o.Owner = owner
	q, err := queue.New(log, &o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func msg(id, key string, p sync.Priority) sync.Message {
	return sync.Message{ID: id, Key: key, Priority: p, EnqueuedAt: start, Payload: []byte(id)}
}

// msgs returns n live messages of a key: key-0, key-1, …
func msgs(key string, n int) []sync.Message {
	var out []sync.Message
	for i := range n {
		out = append(out, msg(fmt.Sprintf("%s-%d", key, i), key, sync.Live))
	}
	return out
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) stale(err error) {
	b.Helper()
	if !errors.Is(err, sync.ErrStale) {
		b.Fatalf("got error %v, want sync.ErrStale", err)
	}
}

func (b *bench) push(msgs ...sync.Message) {
	b.Helper()
	b.must(b.q.Push(context.Background(), b.now, msgs...))
}

func (b *bench) take(n int) []sync.Lane {
	b.Helper()
	lanes, err := b.q.Take(context.Background(), b.now, n, lease)
	b.must(err)
	return lanes
}

// one takes the only lane there is.
func (b *bench) one() sync.Lane {
	b.Helper()
	lanes := b.take(10)
	if len(lanes) != 1 {
		b.Fatalf("got %d lanes %v, want one", len(lanes), keys(lanes))
	}
	return lanes[0]
}

func (b *bench) none() {
	b.Helper()
	if lanes := b.take(10); len(lanes) != 0 {
		b.Fatalf("got lanes %v, want none", keys(lanes))
	}
}

func (b *bench) done(l sync.Lane) {
	b.Helper()
	b.must(b.q.Done(context.Background(), b.now, l))
}

func (b *bench) retry(l sync.Lane, after time.Duration) {
	b.Helper()
	b.must(b.q.Retry(context.Background(), b.now, l, b.now.Add(after), cause("try again")))
}

func (b *bench) bury(l sync.Lane) {
	b.Helper()
	b.must(b.q.Bury(context.Background(), b.now, l, cause("hopeless")))
}

func (b *bench) dead(f sync.DeadFilter) []sync.DeadLetter {
	b.Helper()
	d, err := b.q.Dead(context.Background(), f)
	b.must(err)
	return d
}

func (b *bench) stats() sync.QueueStats {
	b.Helper()
	st, err := b.q.Stats(context.Background(), b.now)
	b.must(err)
	return st
}

// drain takes and finishes all there is, by lanes of n, and returns the IDs
// in the order delivered.
func (b *bench) drain(n int) []string {
	b.Helper()
	var got []string
	for lanes := b.take(n); len(lanes) > 0; lanes = b.take(n) {
		for _, l := range lanes {
			got = append(got, ids(l.Messages)...)
			b.done(l)
		}
	}
	return got
}

func (b *bench) wantIDs(got []string, want ...string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Fatalf("got messages %v, want %v", got, want)
	}
}

func cause(text string) sync.Failure { return sync.Failure{Action: "retry", Error: text} }

func ids(msgs []sync.Message) []string {
	var out []string
	for _, m := range msgs {
		out = append(out, m.ID)
	}
	return out
}

func keys(lanes []sync.Lane) []string {
	var out []string
	for _, l := range lanes {
		out = append(out, l.Key)
	}
	return out
}
