package queuetest

import (
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// testBacklog lets backfill messages wait and counts what taking costs: it
// must not depend on how many there are, and live work must come at once. Of a
// log with late commits, what one could precede is read again. How often
// depends on what else goes on in its server, but never is it more than the
// windows at a time.
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
	worst, again, taken := int64(0), int64(0), int64(0)
	for i := range steps {
		before, beforeAgain := count.fresh(), count.again.Load()
		b.push(msg(fmt.Sprint("live", i), fmt.Sprint("live", i), sync.Live))
		lanes := b.take(20)
		if lanes[0].Key != fmt.Sprint("live", i) && lanes[1].Key != fmt.Sprint("live", i) && lanes[2].Key != fmt.Sprint("live", i) {
			t.Fatalf("step %d: the live message did not come first: %v", i, keys(lanes))
		}
		for _, l := range lanes {
			taken += int64(len(l.Messages))
			b.done(l)
		}
		worst, again = max(worst, count.fresh()-before), max(again, count.again.Load()-beforeAgain)
	}
	perStream, windows := int64(64), int64(256*log.Shards())
	if limit := perStream*int64(log.Shards()) + 100; worst > limit {
		t.Errorf("one take read %d rows, want at most %d", worst, limit)
	}
	if again > windows+steps {
		t.Errorf("one take read %d rows again, want at most the windows (%d)", again, windows)
	}
	if again > 0 && count.late.Load() == 0 {
		t.Errorf("one take read %d rows again, though no late commit could precede them", again)
	}
	if rows := count.fresh(); rows > windows+taken+steps {
		t.Errorf("taking %d messages read %d rows, want at most the windows (%d) beyond", taken, rows, windows)
	}
	if count.holds.Load() != 0 {
		t.Errorf("%d updates on the normal path", count.holds.Load())
	}
}
