package sqlitequeue_test

import (
	"context"
	"fmt"
	stdsync "sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A source makes messages with new IDs over 10,000 keys, of two priorities.
type source struct {
	keys    []string
	payload []byte
	next    atomic.Int64
}

func newSource() *source {
	s := &source{payload: make([]byte, 200)}
	for i := range 10_000 {
		s.keys = append(s.keys, fmt.Sprintf("crm/contact/%d", i))
	}
	return s
}

func (s *source) make(n int) []sync.Message {
	msgs := make([]sync.Message, n)
	for i := range msgs {
		k := s.next.Add(1)
		msgs[i] = sync.Message{ID: fmt.Sprint("event-", k), Key: s.keys[k*7919%int64(len(s.keys))],
			Priority: sync.Priority(k % 2), EnqueuedAt: t0, Payload: s.payload}
	}
	return msgs
}

// measure runs the work and reports what a message took.
func measure(b *testing.B, work func()) {
	b.Helper()
	before := cpu(b)
	b.ResetTimer()
	work()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/msg")
}

// cpu is what the process has used so far.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPushTakeDone pushes by 500 and, beside it, works every message.
func BenchmarkPushTakeDone(b *testing.B) {
	q, in := openQueue(b, openStore(b, file(b), nil)), newSource()
	const batch = 500
	measure(b, func() {
		var all stdsync.WaitGroup
		room := make(chan struct{}, 20) // bounds what waits
		all.Go(func() {
			for left := b.N; left > 0; left -= batch {
				room <- struct{}{}
				if err := q.Push(b.Context(), t0, in.make(min(batch, left))...); err != nil {
					b.Error(err)
				}
			}
		})
		work(b, q, func(done int) {
			for range done / batch {
				<-room
			}
		})
		all.Wait()
	})
}

// work takes and finishes b.N messages. It reports every 500 of them.
func work(b *testing.B, q sync.Queue, report func(done int)) {
	b.Helper()
	const batch, workers = 500, 256
	lanes := make(chan sync.Lane)
	var all stdsync.WaitGroup
	defer all.Wait()
	defer close(lanes)
	for range workers {
		all.Go(func() {
			for l := range lanes {
				if err := q.Done(context.Background(), t0, l); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for done, told := 0, 0; done < b.N; {
		taken, err := q.Take(b.Context(), t0, 256, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if len(taken) == 0 { // Ready is a hint
			select {
			case <-q.Ready():
			case <-time.After(time.Millisecond):
			}
		}
		for _, l := range taken {
			done += len(l.Messages)
			lanes <- l
		}
		if n := (done - told) / batch * batch; n > 0 {
			report(n)
			told += n
		}
	}
}

// BenchmarkPushOne has 32 callers push one message at a time.
func BenchmarkPushOne(b *testing.B) {
	q, in := openQueue(b, openStore(b, file(b), nil)), newSource()
	b.SetParallelism(16)
	measure(b, func() {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := q.Push(b.Context(), t0, in.make(1)...); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkPush pushes 500 messages at a time.
func BenchmarkPush(b *testing.B) {
	q, in := openQueue(b, openStore(b, file(b), nil)), newSource()
	measure(b, func() {
		for left := b.N; left > 0; left -= 500 {
			if err := q.Push(b.Context(), t0, in.make(min(500, left))...); err != nil {
				b.Fatal(err)
			}
		}
	})
}
