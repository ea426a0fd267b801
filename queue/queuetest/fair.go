package queuetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func testPriorities(b *bench) {
	var all []sync.Message
	for p := range sync.Priority(sync.Priorities) {
		for i := range 300 {
			all = append(all, msg(fmt.Sprintf("%v%d", p, i), fmt.Sprintf("%v%d", p, i), p))
		}
	}
	slices.Reverse(all)
	b.push(all...)
	b.share("all four wait", 100, map[sync.Priority]int{sync.Live: 60, sync.Facts: 20, sync.Sweep: 10, sync.Backfill: 10})
	for b.stats().ByPriority[sync.Live] > 0 {
		b.share("draining", 20, nil)
	}
	b.share("no live", 50, map[sync.Priority]int{sync.Facts: 40, sync.Sweep: 5, sync.Backfill: 5})
}

// share takes n lanes in small steps and compares how many there are of each
// priority, up to 2 that the steps may shift.
func (b *bench) share(what string, n int, want map[sync.Priority]int) {
	b.Helper()
	got := map[sync.Priority]int{}
	for range n / 5 {
		for _, l := range b.take(5) {
			got[l.Priority]++
			b.done(l)
		}
	}
	for p, w := range want {
		if d := got[p] - w; d < -2 || d > 2 {
			b.Errorf("%s: of %d lanes %v are %v, want %v", what, n, got[p], p, want)
		}
	}
}

func testRaise(b *bench) {
	var all []sync.Message
	for i := range 50 {
		all = append(all, msg(fmt.Sprint("b", i), fmt.Sprint("k", i), sync.Backfill))
	}
	b.push(all...)
	b.none0()
	b.push(msg("now", "k40", sync.Live))
	l := b.take(1)[0]
	b.wantIDs(ids(l.Messages), "b40", "now")
	if l.Priority != sync.Live {
		b.Errorf("the lane has priority %v, want live", l.Priority)
	}
}

// testUrgentOnly takes no bulk work while it waits for better times.
func testUrgentOnly(b *bench) {
	b.push(msg("s", "sweep", sync.Sweep), msg("b", "load", sync.Backfill), msg("f", "fact", sync.Facts), msg("l", "live", sync.Live),
		msg("s2", "both", sync.Sweep), msg("l2", "both", sync.Live))
	lanes, err := b.q.Take(sync.UrgentOnly(context.Background()), b.now, 10, lease)
	b.must(err)
	got := keys(lanes)
	slices.Sort(got)
	if !slices.Equal(got, []string{"both", "fact", "live"}) {
		b.Errorf("urgent lanes %v", got)
	}
	got = keys(b.take(10))
	slices.Sort(got)
	if !slices.Equal(got, []string{"load", "sweep"}) {
		b.Errorf("the others %v", got)
	}
}

// none0 has the queue look at what was pushed without taking anything away.
func (b *bench) none0() {
	b.Helper()
	l := b.take(1)[0]
	b.done(l)
}

func testHot(b *bench) {
	const hot, others = 3000, 300
	b.push(msgs("hot", hot)...)
	var rest []sync.Message
	for i := range others {
		rest = append(rest, msg(fmt.Sprint("o", i), fmt.Sprint("o", i), sync.Live))
	}
	b.push(rest...)
	var got []string
	cold, hotBefore := 0, 0
	for lanes := b.take(10); len(lanes) > 0; lanes = b.take(10) {
		for _, l := range lanes {
			if l.Key == "hot" {
				got = append(got, ids(l.Messages)...)
			} else if cold++; cold == others {
				hotBefore = len(got)
			}
			b.done(l)
		}
	}
	b.wantIDs(got, ids(msgs("hot", hot))...)
	if cold != others || hotBefore == 0 || hotBefore == hot {
		b.Fatalf("of %d other keys %d came, the last after %d of %d hot messages", others, cold, hotBefore, hot)
	}
}

// testSleeping puts more keys to sleep than any window holds, some of them
// with many messages.
func testSleeping(b *bench) {
	const sleepers = 2000
	var all []sync.Message
	for i := range sleepers {
		all = append(all, msg(fmt.Sprint("s", i), fmt.Sprint("s", i), sync.Live))
	}
	b.push(all...)
	b.push(msgs("deep", 500)...)
	asleep := 0
	for lanes := b.take(100); len(lanes) > 0; lanes = b.take(100) {
		for _, l := range lanes {
			b.retry(l, time.Hour)
			asleep++
		}
	}
	if asleep != sleepers+1 {
		b.Fatalf("%d keys came, want %d", asleep, sleepers+1)
	}
	b.push(msgs("awake", 3)...)
	b.push(msg("more", "deep", sync.Live))
	b.wantIDs(b.drain(10), "awake-0", "awake-1", "awake-2")
	b.now = b.now.Add(time.Hour)
	var deep []string
	woken := 0
	for lanes := b.take(100); len(lanes) > 0; lanes = b.take(100) {
		for _, l := range lanes {
			if l.Key == "deep" {
				deep = append(deep, ids(l.Messages)...)
			} else {
				woken++
			}
			b.done(l)
		}
	}
	if woken != sleepers {
		b.Errorf("%d keys woke, want %d", woken, sleepers)
	}
	b.wantIDs(deep, append(ids(msgs("deep", 500)), "more")...)
}

// testSortedBacklog has all messages of one key before those of the next, so
// that key after key is parked.
func testSortedBacklog(b *bench) {
	const keyCount, perKey = 60, 200
	for k := range keyCount {
		b.push(msgs(fmt.Sprintf("k%02d", k), perKey)...)
	}
	next := map[string]int{}
	for lanes := b.take(7); len(lanes) > 0; lanes = b.take(7) {
		for _, l := range lanes {
			for _, m := range l.Messages {
				if want := fmt.Sprintf("%s-%d", l.Key, next[l.Key]); m.ID != want {
					b.Fatalf("got %s, want %s", m.ID, want)
				}
				next[l.Key]++
			}
			b.done(l)
		}
	}
	for k := range keyCount {
		if n := next[fmt.Sprintf("k%02d", k)]; n != perKey {
			b.Errorf("key %d: %d messages, want %d", k, n, perKey)
		}
	}
}

func testStats(b *bench) {
	b.push(msgs("k", 3)...)
	b.now = b.now.Add(time.Minute)
	b.push(msg("s", "sleeper", sync.Sweep), msg("d", "dead", sync.Facts))
	for _, l := range b.take(5) {
		switch l.Key {
		case "sleeper":
			b.retry(l, time.Hour)
		case "dead":
			b.bury(l)
		}
	}
	want := sync.QueueStats{Waiting: 1, Leased: 3, Sleeping: 1, Dead: 1, NextAt: b.now.Add(time.Hour)}
	want.ByPriority[sync.Sweep], want.InWork[sync.Live] = 1, want.Leased
	got := b.stats()
	got.OldestAt = time.Time{} // not exact while messages are leased
	if !got.NextAt.Equal(want.NextAt) {
		b.Errorf("the next key wakes at %v, want %v", got.NextAt, want.NextAt)
	}
	got.NextAt = want.NextAt
	if got != want {
		b.Errorf("got %+v, want %+v", got, want)
	}
	b.now = b.now.Add(lease)
	if got := b.stats(); got.Leased != 0 || got.Waiting != 4 || !got.OldestAt.Equal(start) {
		b.Errorf("after the lease: %+v, want 4 waiting since %v", got, start)
	}
}

func testReady(b *bench) {
	ready := func(when string, want bool) {
		b.Helper()
		got := false
		select {
		case <-b.q.Ready():
			got = true
		default:
		}
		if got != want {
			b.Errorf("%s: ready is %v, want %v", when, got, want)
		}
	}
	ready("at the start", false)
	b.push(msgs("k", 2)...)
	ready("after a push", true)
	l := b.one()
	ready("with nothing more to take", false)
	b.push(msg("more", "k", sync.Live))
	ready("after a push", true)
	b.none()
	b.done(l)
	ready("with a lane free again", true)
	b.drain(1)
	b.push(msgs("hot", 200)...)
	for more := range 3 { // a key comes in portions
		ready("with more of the key", true)
		l = b.one()
		if more < 2 {
			ready("with nothing more to take", false)
		}
		b.done(l)
	}
}
