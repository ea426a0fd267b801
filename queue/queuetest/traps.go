package queuetest

import (
	"context"
	"fmt"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// trapTombstone finishes messages while a read that has seen them is still
// under way. It reads backwards as well, because of a late commit.
func trapTombstone(t *testing.T, log queue.Log) {
	late := &lateLog{Log: log, hidden: map[string]bool{"k-0": true}}
	s := &slow{Log: late, seen: make(chan struct{})}
	b := on(t, s, "a", start)
	b.push(msgs("k", 3)...)
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-1", "k-2")
	resume := s.stop()
	var again []sync.Lane
	var reading stdsync.WaitGroup
	reading.Go(func() { again = b.take(5) })
	<-s.seen
	b.done(l)
	resume()
	reading.Wait()
	if len(again) != 0 {
		t.Fatalf("done messages came again: %v", ids(again[0].Messages))
	}
	b.none()
	late.show("k-0")
	b.wantIDs(b.drain(5), "k-0")
}

// trapEmptyLane races takers: a lane without messages would stall its key.
func trapEmptyLane(t *testing.T, log queue.Log) {
	q := process(t, log, "a", nil)
	var all stdsync.WaitGroup
	ctx := context.Background()
	for w := range 4 {
		all.Go(func() {
			for i := range 50 {
				if err := q.Push(ctx, start, msg(fmt.Sprint(w, "-", i), fmt.Sprint("k", i%5), sync.Live)); err != nil {
					t.Error(err)
				}
				lanes, err := q.Take(ctx, start, 2, lease)
				if err != nil {
					t.Error(err)
				}
				for _, l := range lanes {
					if len(l.Messages) == 0 {
						t.Error("a lane without messages")
					}
					if err := q.Done(ctx, start, l); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	b := &bench{t, q, start}
	b.drain(10)
	if st := b.stats(); st.Waiting+st.Leased != 0 {
		t.Errorf("left over: %+v", st)
	}
}

// trapSettleCost: settling must not look anything up by reading.
func trapSettleCost(t *testing.T, log queue.Log) {
	count := &counting{Log: log}
	b := on(t, count, "a", start)
	var all []sync.Message
	for i := range 500 {
		all = append(all, msg(fmt.Sprint(i), fmt.Sprint("k", i%100), sync.Live))
	}
	b.push(all...)
	lanes := b.take(100)
	reads := count.reads.Load()
	for _, l := range lanes {
		b.done(l)
	}
	if d := count.deletes.Load(); d != int64(len(lanes)) || count.reads.Load() != reads || count.holds.Load() != 0 {
		t.Errorf("%d lanes cost %d deletes, %d reads, %d updates", len(lanes), d, count.reads.Load()-reads, count.holds.Load())
	}
}

// trapPushCost: a push is one append and nothing else, however many messages.
func trapPushCost(t *testing.T, log queue.Log) {
	count := &counting{Log: log}
	b := on(t, count, "a", start)
	b.push(msgs("k", 1000)...)
	if count.appends.Load() != 1 || count.reads.Load() != 0 || count.leases.Load() != 0 {
		t.Errorf("%d appends, %d reads, %d leases", count.appends.Load(), count.reads.Load(), count.leases.Load())
	}
}

// trapDeadlock renews all shards from many processes at once.
func trapDeadlock(t *testing.T, log queue.Log) {
	// The renewals wait for one another, so on a slow machine all of them take long.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var all stdsync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for step := range 20 {
				now := start.Add(time.Duration(step) * time.Second)
				l, err := log.Lease(ctx, now, queue.LeaseParams{Owner: fmt.Sprint("p", i), For: time.Duration(1+i%2) * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				if step%5 != i%5 {
					continue
				}
				r := queue.ReleaseParams{Owner: fmt.Sprint("p", i)}
				for j := len(l.Grants) - 1; j >= 0; j-- {
					r.Clean = append(r.Clean, l.Grants[j].Fence)
				}
				if err := log.Release(ctx, r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// trapBusyLoop: a worker that waits for Ready must not be woken for nothing.
func trapBusyLoop(t *testing.T, log queue.Log) {
	b := on(t, log, "a", start)
	var all []sync.Message
	for i := range 100 {
		all = append(all, msg(fmt.Sprint(i), fmt.Sprint("k", i), sync.Live))
	}
	b.push(all...)
	wakes := 0
	for quiet := false; !quiet; {
		select {
		case <-b.q.Ready():
			wakes++
			for _, l := range b.take(10) {
				b.done(l)
			}
		default:
			quiet = true
		}
	}
	if st := b.stats(); st.Waiting != 0 {
		t.Errorf("%d messages left though nothing is signalled", st.Waiting)
	}
	if wakes < 10 || wakes > 13 {
		t.Errorf("%d wake-ups for 10 takes", wakes)
	}
	for range 5 {
		b.now = b.now.Add(time.Second)
		b.none()
		select {
		case <-b.q.Ready():
			t.Fatal("an empty take signalled work")
		default:
		}
	}
}

// trapWalk: what was deleted is not read again.
func trapWalk(t *testing.T, log queue.Log) {
	count := &counting{Log: log}
	b := on(t, count, "a", start)
	const n = 5000
	for i := range n / 50 {
		var batch []sync.Message
		for j := range 50 {
			batch = append(batch, msg(fmt.Sprint(i, "-", j), "k", sync.Live))
		}
		b.push(batch...)
		b.drain(5)
	}
	if rows := count.rows.Load(); rows > n {
		t.Errorf("%d rows read for %d messages", rows, n)
	}
}

// trapPushDone pushes to a key while its lane is being finished.
func trapPushDone(t *testing.T, log queue.Log) {
	b := on(t, log, "a", start)
	ctx := context.Background()
	for i := range 100 {
		b.push(msg(fmt.Sprint("first", i), "k", sync.Live))
		l := b.one()
		var both stdsync.WaitGroup
		both.Go(func() {
			if err := b.q.Push(ctx, start, msg(fmt.Sprint("second", i), "k", sync.Live)); err != nil {
				t.Error(err)
			}
		})
		both.Go(func() {
			if err := b.q.Done(ctx, start, l); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		b.wantIDs(b.drain(5), fmt.Sprint("second", i))
	}
}

// trapRescan has a message that stays invisible for long: looking for it must
// not reset how far the rest was read.
func trapRescan(t *testing.T, log queue.Log) {
	late := &lateLog{Log: log, hidden: map[string]bool{"k-0": true}}
	count := &counting{Log: late}
	b := on(t, count, "a", start)
	b.push(msgs("k", 1)...)
	const n, inWork = 300, 5
	b.push(msgs(neighbour(log, "k"), inWork)...)
	b.one()
	var got []string
	for i := range n {
		b.push(msg(fmt.Sprintf("m%03d", i), "k", sync.Live))
		got = append(got, b.drain(5)...)
	}
	if len(got) != n {
		t.Fatalf("%d messages came, want %d", len(got), n)
	}
	// Two reads per message, each of which sees again what is in work.
	if rows := count.rows.Load(); rows > 2*n*(inWork+1)+n {
		t.Errorf("%d rows read for %d messages", rows, n)
	}
	late.show("k-0")
	b.wantIDs(b.drain(5), "k-0")
	b.none()
}

// trapTime runs decades ahead of any clock: leases must follow the time passed.
func trapTime(t *testing.T, log queue.Log) {
	for _, now := range []time.Time{start.AddDate(40, 0, 0), start.AddDate(80, 0, 0)} {
		a := on(t, log, "a"+now.String(), now)
		a.push(msg(now.String(), "k", sync.Live))
		a.retry(a.one(), time.Minute)
		a.none()
		a.now = now.Add(time.Minute)
		l := a.one()
		b := on(t, log, "b"+now.String(), a.now.Add(lease))
		b.none()
		a.done(l)
		a.close()
		b.now = b.now.Add(time.Minute)
		b.push(msg("b"+now.String(), "k", sync.Live))
		b.wantIDs(b.drain(5), "b"+now.String())
		b.close()
	}
}
