package queuetest

import (
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// testBacklog lets backfill messages wait and counts what taking costs: it
// must not depend on how many there are, and live work must come at once.
func testBacklog(t *testing.T, log queue.Log, backlog int) {
	t.Logf("backlog of %d messages", backlog)
	count := &counting{Log: log}
	b := on(t, count, "a", start)
	const keyCount, batch = 10_000, 5000
	names := make([]string, keyCount)
	for i := range names {
		names[i] = fmt.Sprint("k", i)
	}
	in := make([]sync.Message, 0, batch)
	for i := 0; i < backlog; i += batch {
		in = in[:0]
		for j := i; j < min(i+batch, backlog); j++ {
			in = append(in, sync.Message{ID: fmt.Sprint(j), Key: names[j%keyCount], Priority: sync.Backfill, EnqueuedAt: start})
		}
		b.push(in...)
	}
	const steps = 50
	worst, taken := int64(0), int64(0)
	for i := range steps {
		before := count.rows.Load()
		b.push(msg(fmt.Sprint("live", i), fmt.Sprint("live", i), sync.Live))
		lanes := b.take(20)
		if lanes[0].Key != fmt.Sprint("live", i) && lanes[1].Key != fmt.Sprint("live", i) && lanes[2].Key != fmt.Sprint("live", i) {
			t.Fatalf("step %d: the live message did not come first: %v", i, keys(lanes))
		}
		for _, l := range lanes {
			taken += int64(len(l.Messages))
			b.done(l)
		}
		worst = max(worst, count.rows.Load()-before)
	}
	perStream, windows := int64(64), int64(256*log.Shards())
	if limit := perStream*int64(log.Shards()) + 100; worst > limit {
		t.Errorf("one take read %d rows, want at most %d", worst, limit)
	}
	if rows := count.rows.Load(); rows > windows+taken+steps {
		t.Errorf("taking %d messages read %d rows, want at most the windows (%d) beyond", taken, rows, windows)
	}
	if count.holds.Load() != 0 {
		t.Errorf("%d updates on the normal path", count.holds.Load())
	}
}
