package queuetest

import (
	"context"
	"fmt"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func testLane(b *bench) {
	b.push(msgs("k", 10)...)
	b.push(msg("other", "o", sync.Live))
	lanes := b.take(5)
	if len(lanes) != 2 {
		b.Fatalf("got lanes %v, want k and o", keys(lanes))
	}
	l := lanes[0]
	if l.Key != "k" { // no order is promised between keys
		l = lanes[1]
	}
	b.wantIDs(ids(l.Messages), "k-0", "k-1", "k-2", "k-3", "k-4", "k-5", "k-6", "k-7", "k-8", "k-9")
	if l.Key != "k" || l.Attempts != 0 || len(l.History) != 0 || !l.Expires.Equal(b.now.Add(lease)) || l.Token == "" {
		b.Fatalf("the lane is %+v", l)
	}
	b.push(msg("late", "k", sync.Live))
	b.none() // both are in work
	b.done(l)
	b.wantIDs(ids(b.one().Messages), "late")
}

// testConcurrent has workers hand keys round and counts what must not be.
func testConcurrent(b *bench) {
	const workers, keyCount, perKey = 4, 20, 50
	w := &watch{inWork: make([]atomic.Int32, keyCount), next: make([]atomic.Int64, keyCount)}
	var all stdsync.WaitGroup
	for range workers {
		all.Go(func() { w.work(b.T, b.q, keyCount*perKey) })
	}
	for i := range perKey {
		var batch []sync.Message
		for k := range keyCount {
			batch = append(batch, sync.Message{ID: fmt.Sprintf("%d-%d", k, i), Key: fmt.Sprint(k), Payload: []byte{byte(k), byte(i)}})
		}
		b.push(batch...)
	}
	all.Wait()
	if n := w.shared.Load(); n != 0 {
		b.Errorf("%d times two workers held one key", n)
	}
	if n := w.disorder.Load(); n != 0 {
		b.Errorf("%d messages came out of order or twice", n)
	}
	if n := w.done.Load(); n != keyCount*perKey {
		b.Errorf("%d messages came, want %d", n, keyCount*perKey)
	}
}

// A watch counts violations of exclusivity and order.
type watch struct {
	inWork                 []atomic.Int32
	next                   []atomic.Int64
	shared, disorder, done atomic.Int64
}

func (w *watch) work(t *testing.T, q sync.Queue, total int64) {
	ctx, now := context.Background(), start
	for w.done.Load() < total && !t.Failed() {
		lanes, err := q.Take(ctx, now, 3, time.Hour)
		if err != nil {
			t.Error(err)
			return
		}
		for _, l := range lanes {
			w.check(l)
			if err := q.Done(ctx, now, l); err != nil {
				t.Error(err)
			}
			w.done.Add(int64(len(l.Messages)))
		}
		if len(lanes) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

func (w *watch) check(l sync.Lane) {
	k := l.Messages[0].Payload[0]
	if w.inWork[k].Add(1) != 1 {
		w.shared.Add(1)
	}
	for _, m := range l.Messages {
		if w.next[k].Load() != int64(m.Payload[1]) {
			w.disorder.Add(1)
		}
		w.next[k].Store(int64(m.Payload[1]) + 1)
	}
	w.inWork[k].Add(-1)
}

func testDedupe(b *bench) {
	b.push(msg("a", "k", sync.Live), msg("a", "k", sync.Live))
	b.push(msg("a", "other", sync.Facts))
	b.now = start.Add(7*24*time.Hour - time.Minute)
	b.push(msg("a", "k", sync.Live))
	b.wantIDs(b.drain(5), "a")
	b.now = start.Add(9 * 24 * time.Hour)
	b.push(msg("a", "k", sync.Live))
	b.wantIDs(b.drain(5), "a")
}

func testDedupeSettled(b *bench) {
	b.push(msg("done", "k", sync.Live), msg("dead", "l", sync.Live))
	for _, l := range b.take(2) {
		if l.Key == "l" {
			b.bury(l)
		} else {
			b.done(l)
		}
	}
	b.now = b.now.Add(24 * time.Hour)
	b.push(msg("done", "k", sync.Live), msg("dead", "l", sync.Live))
	b.none()
	if n := len(b.dead(sync.DeadFilter{})); n != 1 {
		b.Fatalf("%d dead letters, want 1", n)
	}
}

func testIncomplete(b *bench) {
	for _, m := range []sync.Message{{Key: "k"}, {ID: "a"}, {ID: "a", Key: "k", Priority: sync.Priorities}} {
		err := b.q.Push(context.Background(), b.now, msg("fine", "k", sync.Live), m)
		if sync.ActionOf(err) != sync.Invalid {
			b.Errorf("pushing %+v: got error %v, want an Invalid one", m, err)
		}
	}
	b.none()
}
