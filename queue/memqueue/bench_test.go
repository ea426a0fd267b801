package memqueue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// batches makes messages with new IDs, 500 at a time, over 10,000 keys.
type batches struct {
	keys    []string
	payload []byte
	next    int
	msgs    []sync.Message
}

func newBatches() *batches {
	b := &batches{payload: make([]byte, 200), msgs: make([]sync.Message, 500)}
	for i := range 10_000 {
		b.keys = append(b.keys, fmt.Sprintf("crm/contact/%d", i))
	}
	return b
}

func (b *batches) make() []sync.Message {
	ids := make([]byte, 0, 16*len(b.msgs))
	for i := range b.msgs {
		start := len(ids)
		ids = fmt.Appendf(ids, "%d", b.next)
		b.msgs[i] = sync.Message{ID: string(ids[start:]), Key: b.keys[b.next*7919%len(b.keys)],
			Priority: sync.Priority(b.next % 2), EnqueuedAt: t0, Payload: b.payload}
		b.next++
	}
	return b.msgs
}

func BenchmarkPushTakeDone(b *testing.B) {
	ctx, q, in := context.Background(), memqueue.New(nil), newBatches()
	b.ResetTimer()
	done := 0
	for pushed := 0; pushed < b.N; pushed += 500 {
		b.StopTimer()
		msgs := in.make()
		b.StartTimer()
		if err := q.Push(ctx, t0, msgs...); err != nil {
			b.Fatal(err)
		}
		done += drain(b, q, 500)
	}
	b.ReportMetric(float64(done)/b.Elapsed().Seconds(), "msg/s")
}

// drain takes and finishes until n messages are done or none is left.
func drain(b *testing.B, q sync.Queue, n int) int {
	done := 0
	for done < n {
		lanes, err := q.Take(context.Background(), t0, 256, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if len(lanes) == 0 {
			break
		}
		for _, l := range lanes {
			done += len(l.Messages)
			if err := q.Done(context.Background(), t0, l); err != nil {
				b.Fatal(err)
			}
		}
	}
	return done
}
