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

// BenchmarkClaim takes and finishes while 1,000 and 1,000,000 messages wait
// and prints how much slower the second is, per message.
func BenchmarkClaim(b *testing.B) {
	few, many := waiting(b, 1000), waiting(b, 1_000_000)
	b.ResetTimer()
	var cost [2]time.Duration
	var msgs [2]int
	for range b.N {
		for side, s := range []*steady{few, many} {
			begin := time.Now()
			msgs[side] += s.step(b)
			cost[side] += time.Since(begin)
		}
	}
	each := func(side int) float64 { return float64(cost[side].Nanoseconds()) / float64(msgs[side]) }
	b.ReportMetric(each(1)/each(0), "many/few")
	b.ReportMetric(each(1), "ns/msg")
}

// A steady queue gets a message for each that is taken, so that as many wait.
type steady struct {
	q  sync.Queue
	in *batches
}

func waiting(b *testing.B, n int) *steady {
	s := &steady{memqueue.New(nil), newBatches()}
	for i := 0; i < n; i += 500 {
		if err := s.q.Push(context.Background(), t0, s.in.make()...); err != nil {
			b.Fatal(err)
		}
	}
	for range 300 { // fills the windows
		s.step(b)
	}
	return s
}

func (s *steady) step(b *testing.B) int {
	ctx := context.Background()
	lanes, err := s.q.Take(ctx, t0, 64, time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, l := range lanes {
		n += len(l.Messages)
		if err := s.q.Done(ctx, t0, l); err != nil {
			b.Fatal(err)
		}
	}
	for left := n; left > 0; left -= 500 {
		if err := s.q.Push(ctx, t0, s.in.make()[:min(left, 500)]...); err != nil {
			b.Fatal(err)
		}
	}
	return n
}
