package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// during is a log that does something else between a read and its answer.
type during struct {
	reads
	next func()
}

func (d *during) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	pages, err := d.reads.Read(ctx, spans)
	if next := d.next; next != nil {
		d.next = nil
		next()
	}
	return pages, err
}

// A key that runs low while its refill is read waits for another one, which
// need not be: the read brings all. It must not wait for ever.
func TestRefilledWhileItRanLow(t *testing.T) {
	t.Parallel()
	ctx, now := context.Background(), time.Unix(1e9, 0)
	log := &during{reads: reads{Log: memqueue.NewLog(&memqueue.Options{Shards: 1})}}
	q, err := queue.New(log, &queue.Options{Pause: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var msgs []sync.Message
	for i := range 100 {
		msgs = append(msgs, sync.Message{ID: fmt.Sprint(i), Key: "k"})
	}
	if err := q.Push(ctx, now, msgs...); err != nil {
		t.Fatal(err)
	}
	done := 0
	take := func() (lanes []sync.Lane) {
		t.Helper()
		lanes, err := q.Take(ctx, now, 5, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return lanes
	}
	finish := func(lanes []sync.Lane) {
		t.Helper()
		for _, l := range lanes {
			if err := q.Done(ctx, now, l); err != nil {
				t.Fatal(err)
			}
			done += len(l.Messages)
		}
	}
	first := take()
	log.next = func() { finish(first) }
	for range 5 {
		finish(take())
	}
	if n, ok := queue.Lanes(q); done != len(msgs) || n != 0 || !ok {
		t.Errorf("%d of %d messages done, %d keys left in memory, accounts consistent: %v", done, len(msgs), n, ok)
	}
	before := log.n
	if take(); log.n != before {
		t.Errorf("%d reads though nothing is new", log.n-before)
	}
}
