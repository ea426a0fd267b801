package queuetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// on drives a dispatcher of the given owner over the log at the given time.
func on(t *testing.T, log queue.Log, owner string, now time.Time) *bench {
	return &bench{t, process(t, log, owner, nil), now}
}

func (b *bench) close() {
	b.Helper()
	b.must(b.q.(*queue.Queue).Close(context.Background()))
}

func procMove(t *testing.T, log queue.Log) {
	a := on(t, log, "a", start)
	a.push(msgs("k", 2)...)
	old := a.one()
	b := on(t, log, "b", start.Add(lease))
	b.none() // the shard outlasts the lane
	b.now = start.Add(lease + 20*time.Second)
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-0") // with care, see procCareful
	a.stale(a.q.Done(context.Background(), start.Add(time.Second), old))
	a.now = b.now
	a.none()
	b.done(l)
	b.wantIDs(b.drain(5), "k-1")
	b.close()
	a.push(msg("next", "k", sync.Live))
	a.now = a.now.Add(5 * time.Second)
	a.wantIDs(a.drain(5), "next")
}

func procShare(t *testing.T, log queue.Log) {
	const keyCount = 200
	a, b := on(t, log, "a", start), on(t, log, "b", start)
	a.none()
	b.none()
	var all []sync.Message
	for i := range keyCount {
		all = append(all, msg(fmt.Sprint(i), fmt.Sprint("k", i), sync.Live))
	}
	a.push(all...)
	held := a.take(keyCount) // everything is in work at a
	if len(held) != keyCount {
		t.Fatalf("a got %d keys, want %d", len(held), keyCount)
	}
	a.now, b.now = start.Add(5*time.Second), start.Add(5*time.Second)
	a.none() // a sees b, but may not let go yet
	b.none()
	for _, l := range held {
		a.done(l)
	}
	a.now, b.now = start.Add(10*time.Second), start.Add(10*time.Second)
	a.none() // a gives back half
	b.none() // b takes it
	for i := range all {
		all[i].ID = "again" + all[i].ID
	}
	a.push(all...)
	ka, kb := keys(a.take(keyCount)), keys(b.take(keyCount))
	if len(ka)+len(kb) != keyCount || len(ka) < keyCount/4 || len(kb) < keyCount/4 {
		t.Fatalf("a got %d and b %d of %d keys", len(ka), len(kb), keyCount)
	}
	if slices.ContainsFunc(ka, func(k string) bool { return slices.Contains(kb, k) }) {
		t.Fatal("a key went to both")
	}
}

// procExclusive has two processes come and go while a third watches that no
// key has two holders.
func procExclusive(t *testing.T, log queue.Log) {
	type holder struct {
		lane  sync.Lane
		bench *bench
	}
	holders := map[string]holder{}
	procs := []*bench{on(t, log, "p0", start), on(t, log, "p1", start)}
	var got []string
	for step := range 120 {
		now := start.Add(time.Duration(step) * 4 * time.Second)
		i := step % 2
		if step%17 == 16 {
			procs[i] = on(t, log, fmt.Sprint("p", step), now) // the old one crashed
		}
		p := procs[i]
		p.now = now
		if step < 60 {
			p.push(msg(fmt.Sprint("m", step), fmt.Sprint("k", step%7), sync.Live))
		}
		for _, l := range p.take(2) {
			if h, ok := holders[l.Key]; ok && h.lane.Expires.After(now) {
				t.Fatalf("step %d: %s is leased until %v and was given again", step, l.Key, h.lane.Expires)
			}
			holders[l.Key] = holder{l, p}
		}
		for k, h := range holders {
			if h.bench == p && step%3 == 0 && h.lane.Expires.After(now) {
				p.done(h.lane)
				got = append(got, ids(h.lane.Messages)...)
				delete(holders, k)
			}
		}
	}
	p := on(t, log, "last", start.Add(time.Hour))
	got = append(got, p.drain(10)...)
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 60 {
		t.Fatalf("%d of 60 messages were done", n)
	}
}

func procRetry(t *testing.T, log queue.Log) {
	a := on(t, log, "a", start)
	a.push(msgs("k", 2)...)
	a.retry(a.one(), time.Hour)
	a.close()
	b := on(t, log, "b", start.Add(time.Minute))
	b.push(msg("more", "k", sync.Live))
	b.none()
	b.now = start.Add(time.Hour)
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-0", "k-1", "more")
	if l.Attempts != 1 || len(l.History) != 1 || l.History[0].Error != "try again" {
		t.Fatalf("%d attempts, history %v", l.Attempts, l.History)
	}
}

// procCareful lets a process die and checks how the next one goes on.
func procCareful(t *testing.T, log queue.Log) {
	count := &counting{Log: log}
	one := neighbour(log, "k")
	a := on(t, count, "a", start)
	a.push(msgs("k", 3)...)
	a.push(msg("n", one, sync.Live))
	a.take(5)
	if count.holds.Load() != 0 {
		t.Fatal("attempts were written without need")
	}
	b := on(t, count, "b", start.Add(time.Hour))
	l := b.one() // one key of the shard at a time, one message
	b.wantIDs(ids(l.Messages), "k-0")
	if count.holds.Load() != 1 || l.Attempts != 0 {
		t.Fatalf("%d attempts written, %d shown; want 1 and 0", count.holds.Load(), l.Attempts)
	}
	b.done(l)
	l = b.one()
	b.wantIDs(ids(l.Messages), "n")
	b.done(l)
	l = b.one()
	b.wantIDs(ids(l.Messages), "k-1")
	b.retry(l, 0)
	l = b.one() // survived, and so no longer under suspicion
	b.wantIDs(ids(l.Messages), "k-1")
	if l.Attempts != 1 || len(l.History) != 1 {
		t.Fatalf("a retry after a careful delivery: %d attempts, history %v; want one", l.Attempts, l.History)
	}
	b.done(l)
	b.wantIDs(b.drain(5), "k-2")
	before := count.holds.Load()
	b.push(msg("new", "k", sync.Live), msg("new2", "k", sync.Live))
	b.wantIDs(ids(b.one().Messages), "new", "new2") // back to normal
	if count.holds.Load() != before {
		t.Fatal("careful beyond what the dead process had")
	}
}

// procKiller has a message that kills each process that works on it.
func procKiller(t *testing.T, log queue.Log) {
	first := on(t, log, "p", start)
	first.push(msg("killer", "k", sync.Live))
	first.push(msgs("good", 3)...)
	first.take(5) // and dies
	now := start
	var done []string
	for i := range 10 {
		now = now.Add(time.Hour)
		p := on(t, log, fmt.Sprint("p", i), now)
		died := false
		for range 10 {
			for _, l := range p.take(5) {
				if died = died || l.Key == "k"; !died {
					done = append(done, ids(l.Messages)...)
					p.done(l)
				}
			}
			if died {
				break
			}
		}
		if died {
			continue
		}
		dead := p.dead(sync.DeadFilter{})
		if len(dead) != 1 || dead[0].Message.ID != "killer" || dead[0].Attempts < 3 || len(dead[0].History) < 3 {
			t.Fatalf("dead letters: %+v", dead)
		}
		slices.Sort(done)
		p.wantIDs(done, "good-0", "good-1", "good-2")
		return
	}
	t.Fatal("the killer was never buried")
}

func procLate(t *testing.T, log queue.Log) {
	late := &lateLog{Log: log, hidden: map[string]bool{"k-1": true, "l-0": true}}
	b := on(t, late, "a", start)
	b.push(msgs("k", 4)...)
	b.push(msgs("l", 2)...)
	lanes := b.take(5)
	slices.SortFunc(lanes, func(x, y sync.Lane) int { return strings.Compare(x.Key, y.Key) })
	k, l := lanes[0], lanes[1]
	b.wantIDs(ids(k.Messages), "k-0", "k-2", "k-3")
	b.wantIDs(ids(l.Messages), "l-1")
	b.done(l)
	late.show("k-1", "l-0")
	l = b.one()
	b.wantIDs(ids(l.Messages), "l-0")
	b.done(l)
	k.Messages = k.Messages[:1]
	b.done(k)
	b.now = b.now.Add(lease)
	b.wantIDs(b.drain(5), "k-1", "k-2", "k-3")
}

// procLateHot shows a message late of which the key is parked already.
func procLateHot(t *testing.T, log queue.Log) {
	late := &lateLog{Log: log, hidden: map[string]bool{"k-3": true, "k-150": true}}
	b := on(t, late, "a", start)
	b.push(msgs("k", 200)...)
	l := b.one()
	for range 5 {
		b.none() // reads on
	}
	late.show("k-3", "k-150")
	b.none()
	b.done(l)
	got := append(ids(l.Messages), b.drain(1)...)
	slices.Sort(got)
	want := ids(msgs("k", 200))
	slices.Sort(want)
	b.wantIDs(got, want...)
}

// procLateBehind shows a message late behind more others than one search
// reads, and the key's next message right after.
func procLateBehind(t *testing.T, log queue.Log) {
	n := neighbour(log, "k")
	late := &lateLog{Log: log, hidden: map[string]bool{"k-0": true, n + "-0": true}}
	b := on(t, late, "a", start)
	const many = 2300
	b.push(msgs("k", many)...)
	b.push(msgs(n, 1)...)
	hot := b.one()
	for range many/64 + 1 {
		b.none() // reads on
	}
	late.show(n + "-0")
	b.push(msgs(n, 2)[1:]...)
	got := b.drain(5)
	b.done(hot)
	got = slices.DeleteFunc(append(got, b.drain(5)...), func(id string) bool { return strings.HasPrefix(id, "k-") })
	b.wantIDs(got, n+"-0", n+"-1")
	late.show("k-0")
	b.wantIDs(b.drain(5), "k-0")
}

// procLateSleeper finds out that a key sleeps while it has it in work.
func procLateSleeper(t *testing.T, log queue.Log) {
	late := &lateLog{Log: log, hidden: map[string]bool{}}
	a := on(t, late, "a", start)
	a.push(msg("sleeper", "k", sync.Backfill))
	a.retry(a.one(), time.Hour)
	a.close()
	late.hidden["sleeper"] = true
	b := on(t, late, "b", start)
	b.push(msg("now", "k", sync.Live))
	l := b.one()
	b.wantIDs(ids(l.Messages), "now")
	late.show("sleeper")
	b.none()
	b.done(l)
	b.none()
	b.now = start.Add(time.Hour)
	b.wantIDs(b.drain(5), "sleeper")
}

// procRefill puts a hot key to sleep while more of its messages are read.
func procRefill(t *testing.T, log queue.Log) {
	s := &slow{Log: log, seen: make(chan struct{})}
	b := on(t, s, "a", start)
	b.push(msgs("k", 200)...)
	l := b.one()
	for range 5 {
		b.none() // reads on and parks the key
	}
	l.Messages = l.Messages[:50]
	b.done(l)
	b.now = b.now.Add(lease)
	resume := s.stop()
	reading := make(chan []sync.Lane)
	now := b.now
	go func() {
		lanes, err := b.q.Take(context.Background(), now, 1, lease)
		if err != nil {
			t.Error(err)
		}
		reading <- lanes
	}()
	<-s.seen
	b.retry(b.one(), time.Hour)
	resume()
	if lanes := <-reading; len(lanes) != 0 {
		t.Fatalf("a sleeping key was given out with %v", ids(lanes[0].Messages))
	}
	b.now = b.now.Add(time.Hour)
	b.wantIDs(append(ids(msgs("k", 50)), b.drain(5)...), ids(msgs("k", 200))...)
}

// procSlow lets a lease end while the log is still storing its settlement.
func procSlow(t *testing.T, log queue.Log) {
	s := &slow{Log: log, seen: make(chan struct{})}
	b := on(t, s, "a", start)
	b.push(msgs("k", 2)...)
	l := b.one()
	rest := l.Messages[1:]
	l.Messages = l.Messages[:1]
	for i, end := range []time.Duration{lease, 2 * lease} {
		resume := s.stopDelete()
		finished := make(chan error)
		go func() { finished <- b.q.Done(context.Background(), b.now, l) }()
		<-s.seen
		b.stale(b.q.Done(context.Background(), b.now, l)) // one settlement at a time
		b.now = start.Add(end)
		b.none()
		resume()
		b.must(<-finished)
		if i == 0 { // it was stored, but the rest has a new holder
			l = b.one()
			b.wantIDs(ids(l.Messages), ids(rest)...)
		}
	}
	b.none()
}

// procFail has the log fail at everything once: nothing is lost or stuck.
func procFail(t *testing.T, log queue.Log) {
	f := &failing{Log: log}
	b := on(t, f, "a", start)
	ctx := context.Background()
	b.push(msgs("k", 2)...)
	for range 2 { // the lease, then the read
		f.next.Store(true)
		if lanes, err := b.q.Take(ctx, b.now, 1, lease); err == nil {
			t.Fatalf("a take without a log gave %v", keys(lanes))
		}
		b.now = b.now.Add(time.Second)
		f.after.Add(1)
	}
	f.after.Store(0)
	l := b.one()
	one := l
	one.Messages = l.Messages[:1]
	for _, try := range []func() error{
		func() error { return b.q.Done(ctx, b.now, one) },
		func() error { return b.q.Bury(ctx, b.now, one, cause("x")) },
		func() error { return b.q.Retry(ctx, b.now, l, b.now, cause("x")) },
	} {
		f.next.Store(true)
		if err := try(); err == nil {
			t.Fatal("the log failed and nobody heard of it")
		}
	}
	b.done(one)
	l.Messages = l.Messages[1:]
	b.retry(l, 0)
	l = b.one()
	if l.Attempts != 1 {
		t.Fatalf("%d attempts, want 1", l.Attempts)
	}
	b.now = b.now.Add(lease) // a lane whose settlement failed expires as any other
	l = b.one()
	f.next.Store(true)
	if b.q.Done(ctx, b.now, l) == nil {
		t.Fatal("the log failed and nobody heard of it")
	}
	b.now = b.now.Add(lease)
	b.wantIDs(b.drain(5), "k-1")
}
