package pgqueue_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	stdsync "sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/sync"
)

// The benchmarks count messages: -benchtime=200000x is good for all.

// source makes messages with new IDs over 10,000 keys.
type source struct {
	next    atomic.Int64
	payload []byte
}

func newSource() *source { return &source{payload: make([]byte, 200)} }

func (s *source) make(n int, priority sync.Priority) []sync.Message {
	msgs, now := make([]sync.Message, n), time.Now()
	for i := range msgs {
		id := s.next.Add(1)
		msgs[i] = sync.Message{ID: strconv.FormatInt(id, 10), Key: "crm/contact/" + strconv.FormatInt(id*7919%10_000, 10),
			Priority: priority, EnqueuedAt: now, Payload: s.payload}
	}
	return msgs
}

// A rig is a queue at work.
type rig struct {
	*testing.B
	pool *pgxpool.Pool
	q    *pgqueue.Queue
	in   *source
	done atomic.Int64
	lag  func(time.Duration) // hears how long each message waited
}

func newRig(b *testing.B) *rig {
	pool := database(b)
	q, err := pgqueue.New(pool, nil)
	if err != nil {
		b.Fatal(err)
	}
	return &rig{B: b, pool: pool, q: q, in: newSource(), lag: func(time.Duration) {}}
}

func (r *rig) push(n, batch int) {
	for n > 0 {
		if err := r.q.Push(context.Background(), time.Now(), r.in.make(min(n, batch), sync.Live)...); err != nil {
			r.Error(err)
			return
		}
		n -= batch
	}
}

// work takes and finishes, as an engine does, until total messages are done.
func (r *rig) work(total int) {
	const workers = 1000
	lanes := make(chan sync.Lane, workers)
	var all stdsync.WaitGroup
	for range workers {
		all.Go(func() {
			for l := range lanes {
				for _, m := range l.Messages {
					r.lag(time.Since(m.EnqueuedAt))
				}
				if err := r.q.Done(context.Background(), time.Now(), l); err != nil {
					r.Error(err)
				}
				r.done.Add(int64(len(l.Messages)))
			}
		})
	}
	for r.done.Load() < int64(total) && !r.Failed() {
		took, err := r.q.Take(context.Background(), time.Now(), workers, time.Minute)
		if err != nil {
			r.Error(err)
		}
		for _, l := range took {
			lanes <- l
		}
		if len(took) == 0 {
			select {
			case <-r.q.Ready():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	close(lanes)
	all.Wait()
}

// measure runs the step and reports rates of n messages.
func (r *rig) measure(n int, step func()) {
	r.ResetTimer()
	before := r.cpu()
	step()
	r.StopTimer()
	r.ReportMetric(float64(n)/r.Elapsed().Seconds(), "msg/s")
	r.ReportMetric(float64((r.cpu()-before).Microseconds())/float64(n), "cpu-µs/msg")
}

// cpu is the time used by this process and, if it runs here, by the server.
func (r *rig) cpu() time.Duration {
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		r.Fatal(err)
	}
	total := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	rows, err := r.pool.Query(context.Background(), "SELECT pid FROM pg_stat_activity")
	if err != nil {
		r.Fatal(err)
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		r.Fatal(err)
	}
	parents := map[int]bool{}
	for _, pid := range pids {
		spent, _, parent := times(pid)
		total += spent
		if parent != 0 && !parents[parent] {
			parents[parent] = true
			spent, gone, _ := times(parent)
			total += spent + gone
		}
	}
	return total
}

// times reads what a process used, its children that ended used, and its
// parent.
func times(pid int) (spent, gone time.Duration, parent int) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, 0
	}
	f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	number := func(i int) int { n, _ := strconv.Atoi(string(f[i])); return n }
	const tick = 10 * time.Millisecond
	return time.Duration(number(11)+number(12)) * tick, time.Duration(number(13)+number(14)) * tick, number(1)
}

func BenchmarkPush(b *testing.B) {
	r := newRig(b)
	r.measure(b.N, func() { r.push(b.N, 500) })
}

func BenchmarkDrain(b *testing.B) {
	r := newRig(b)
	r.push(b.N, 500)
	r.measure(b.N, func() { r.work(b.N) })
}

// BenchmarkMixed pushes, takes and finishes at the same time.
func BenchmarkMixed(b *testing.B) {
	r := newRig(b)
	r.measure(b.N, func() {
		var both stdsync.WaitGroup
		const producers = 4
		for range producers {
			both.Go(func() { r.push(b.N/producers, 500) })
		}
		r.work(b.N / producers * producers)
		both.Wait()
	})
}

// BenchmarkSingles pushes one message per call from 32 callers.
func BenchmarkSingles(b *testing.B) {
	r := newRig(b)
	r.measure(b.N, func() {
		var all stdsync.WaitGroup
		for range 32 {
			all.Go(func() { r.push(b.N/32, 1) })
		}
		all.Wait()
	})
}

// BenchmarkClaim takes and finishes 5,000 messages while few and many wait
// behind them.
func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{1_000, 100_000, 1_000_000} {
		b.Run(strconv.Itoa(waiting), func(b *testing.B) {
			r := newRig(b)
			r.push(waiting, 5000)
			const n = 5000
			r.measure(n*b.N, func() {
				for range b.N {
					r.done.Store(0)
					r.push(n, 500)
					r.work(n)
				}
			})
		})
	}
}

// BenchmarkLongTransaction keeps 3,000 messages a second going for 10 s per
// step, the second and third of which have a transaction open elsewhere, and
// reports how long messages wait.
func BenchmarkLongTransaction(b *testing.B) {
	for _, c := range []struct {
		name string
		hold func(*rig) func()
	}{{"none", (*rig).idle}, {"elsewhere", (*rig).elsewhere}, {"pushing", (*rig).pushing}} {
		b.Run(c.name, func(b *testing.B) {
			r := newRig(b)
			var mu stdsync.Mutex
			var lags []time.Duration
			r.lag = func(d time.Duration) { mu.Lock(); lags = append(lags, d); mu.Unlock() }
			end := c.hold(r)
			defer end()
			const rate, step, seconds = 3000, 15, 10
			total := rate * seconds * b.N
			r.measure(total, func() {
				var both stdsync.WaitGroup
				both.Go(func() { r.work(total) })
				tick := time.NewTicker(time.Second * step / rate)
				defer tick.Stop()
				for range total / step {
					<-tick.C
					both.Go(func() { r.push(step, 1) })
				}
				both.Wait()
			})
			slices.Sort(lags)
			for _, p := range []int{50, 99} {
				b.ReportMetric(float64(lags[len(lags)*p/100].Microseconds())/1000, fmt.Sprintf("p%d-ms", p))
			}
			tail := lags[len(lags)-1]
			b.ReportMetric(float64(tail.Microseconds())/1000, "max-ms")
		})
	}
}

func (r *rig) idle() func() { return func() {} }

// elsewhere holds a snapshot and a transaction number.
func (r *rig) elsewhere() func() {
	tx, err := r.pool.BeginTx(context.Background(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		r.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), "SELECT pg_current_xact_id(), count(*) FROM crmsync.queue_message"); err != nil {
		r.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.Background()) }
}

// pushing holds a message of its own, too.
func (r *rig) pushing() func() {
	tx, err := r.pool.Begin(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	if err := r.q.EnqueueTx(context.Background(), tx, time.Now(), r.in.make(1, sync.Live)...); err != nil {
		r.Fatal(err)
	}
	return func() { _ = tx.Rollback(context.Background()) }
}

// BenchmarkRead reads all streams when nothing is there.
func BenchmarkRead(b *testing.B) {
	r := newRig(b)
	log := pgqueue.NewLog(r.pool, nil)
	var spans []queue.Span
	for shard := range log.Shards() {
		for p := range sync.Priority(sync.Priorities) {
			spans = append(spans, queue.Span{Shard: shard, Priority: p, After: 1, Limit: 64})
		}
	}
	r.measure(b.N, func() {
		for range b.N {
			if _, err := log.Read(b.Context(), spans); err != nil {
				b.Fatal(err)
			}
		}
	})
}
