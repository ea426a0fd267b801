package queuetest

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
)

// procLateBeforeSleeper has messages become visible that come before one which
// failed already. Whoever owns the shard next reads these first, then that the
// key sleeps, and when it wakes it needs all of them.
func procLateBeforeSleeper(t *testing.T, log queue.Log) { lateBefore(t, log, 6, 7) }

// procLateBeforeHotSleeper has so many that the key is parked, and finds out
// that it sleeps while it runs low.
func procLateBeforeHotSleeper(t *testing.T, log queue.Log) { lateBefore(t, log, 150, 200) }

// lateBefore has the one of n messages fail that is visible first.
func lateBefore(t *testing.T, log queue.Log, first, n int) {
	all := ids(msgs("k", n))
	late := &lateLog{Log: log, hidden: map[string]bool{}}
	for i, id := range all {
		late.hidden[id] = i != first
	}
	a := on(t, late, "a", start)
	a.push(msgs("k", n)...)
	for range first / 64 {
		a.none() // reads past those that are hidden
	}
	l := a.one()
	a.wantIDs(ids(l.Messages), all[first])
	a.retry(l, time.Hour)
	a.close()
	late.show(all...)
	b := on(t, late, "b", start)
	var got []string
	lanes := b.take(1)
	for range 5 {
		b.none() // reads on
	}
	for _, l := range lanes {
		got = append(got, ids(l.Messages)...)
		b.done(l)
	}
	got = append(got, b.drain(5)...)
	b.now = start.Add(time.Hour)
	b.wantIDs(append(got, b.drain(5)...), all...)
}
