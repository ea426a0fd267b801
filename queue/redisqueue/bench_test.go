package redisqueue_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	stdsync "sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// BenchmarkEndToEnd pushes in batches of 500 over 10,000 keys while 64 workers
// take and finish, until all are done.
func BenchmarkEndToEnd(b *testing.B) {
	for _, spread := range []bool{false, true} {
		b.Run(fmt.Sprintf("spread=%v", spread), func(b *testing.B) {
			space := redistest.New(b)
			q, err := queue.New(open(b, space, redisqueue.Options{Spread: spread}), &queue.Options{Pause: time.Millisecond})
			if err != nil {
				b.Fatal(err)
			}
			before := cpu(b, space.Client)
			b.ResetTimer()
			endToEnd(b, q)
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64((cpu(b, space.Client)-before).Microseconds())/float64(b.N), "cpu-µs/msg")
		})
	}
}

func endToEnd(b *testing.B, q *queue.Queue) {
	const size, workers, lanes = 500, 64, 256
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all stdsync.WaitGroup
	all.Go(func() {
		payload := make([]byte, 200)
		msgs := make([]sync.Message, size)
		for next := 0; next < b.N; {
			n := min(size, b.N-next)
			for i := range n {
				msgs[i] = sync.Message{ID: strconv.Itoa(next), Key: "crm/contact/" + strconv.Itoa(next*7919%10_000),
					Priority: sync.Priority(next % 2), Payload: payload}
				next++
			}
			if err := q.Push(ctx, time.Now(), msgs[:n]...); err != nil {
				b.Error(err)
				cancel()
				return
			}
		}
	})
	work := make(chan sync.Lane, lanes)
	done := make(chan int, workers)
	for range workers {
		all.Go(func() {
			for l := range work {
				if err := q.Done(ctx, time.Now(), l); err != nil && ctx.Err() == nil {
					b.Error(err)
				}
				done <- len(l.Messages)
			}
		})
	}
	finished := make(chan struct{})
	all.Go(func() {
		defer close(finished)
		for left := b.N; left > 0 && ctx.Err() == nil; {
			left -= <-done
		}
		cancel()
	})
	for ctx.Err() == nil {
		got, err := q.Take(ctx, time.Now(), lanes, time.Minute)
		if err != nil && ctx.Err() == nil {
			b.Error(err)
			cancel()
		}
		for _, l := range got {
			work <- l
		}
		if len(got) == 0 {
			select {
			case <-q.Ready():
			case <-time.After(5 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
	close(work)
	<-finished
	all.Wait()
}

// cpu is what this process and the server have used.
func cpu(b *testing.B, client *redis.Client) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	total := time.Duration(u.Utime.Nano() + u.Stime.Nano())
	info, err := client.Info(context.Background(), "cpu").Result()
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_user" || name == "used_cpu_sys" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				b.Fatal(err)
			}
			total += time.Duration(seconds * float64(time.Second))
		}
	}
	return total
}
