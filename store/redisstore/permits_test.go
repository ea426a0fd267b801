package redisstore_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/store/redisstore"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestPermitsLikeTheModel compares with the permits of one process, for times
// that never run backwards.
func TestPermitsLikeTheModel(t *testing.T) {
	space := redistest.New(t)
	rapid.Check(t, func(r *rapid.T) {
		s, model := open(t, space), &ratelimit.Shared{}
		limit, per := rapid.IntRange(1, 20).Draw(r, "limit"), time.Duration(rapid.IntRange(1, 5000).Draw(r, "per"))*time.Millisecond
		now := noon
		for range rapid.IntRange(1, 30).Draw(r, "calls") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(r, "pause")) * time.Millisecond)
			n := rapid.IntRange(0, 25).Draw(r, "n")
			got, again, err := s.TakeAt(t.Context(), now, now, "quota", limit, per, n)
			if err != nil {
				r.Fatal(err)
			}
			want, wantAgain, _ := model.Take(t.Context(), now, "quota", limit, per, n)
			if got != want || !again.Equal(wantAgain) {
				r.Fatalf("at %v: got %d and %v, want %d and %v", now.Sub(noon), got, again, want, wantAgain)
			}
		}
	})
}

// A grant is what somebody got, at some moment from begin to end.
type grant struct {
	begin, end time.Time
	n          int
}

// most returns the largest number granted in windows that are surely no longer
// than per.
func most(grants []grant, per time.Duration) (most int) {
	for _, first := range grants {
		n := 0
		for _, g := range grants {
			if !g.begin.Before(first.begin) && g.end.Sub(first.begin) < per {
				n += g.n
			}
		}
		most = max(most, n)
	}
	return most
}

// TestPermitsOfManyProcesses has processes whose clocks are hours apart take
// from one quota, and counts in every window. Each of them gets its part.
func TestPermitsOfManyProcesses(t *testing.T) {
	const limit, per, processes, calls = 30, 50 * time.Millisecond, 6, 100
	s := open(t, redistest.New(t))
	var mu stdsync.Mutex
	var grants []grant
	var got [processes]int
	var long atomic.Int64
	var all stdsync.WaitGroup
	for i := range processes {
		all.Go(func() {
			for call := range calls {
				begin := time.Now()
				n, again, err := s.Take(t.Context(), begin.Add(time.Duration(i)*time.Hour), "short", limit, per, 1+i)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				grants = append(grants, grant{begin, time.Now(), n})
				if call >= calls/2 {
					got[i] += n
				}
				mu.Unlock()
				more, _, err := s.Take(t.Context(), begin, "long", processes*calls/2, 24*time.Hour, 1)
				if err != nil {
					t.Error(err)
					return
				}
				long.Add(int64(more))
				if n == 0 {
					time.Sleep(min(again.Sub(begin.Add(time.Duration(i)*time.Hour)), per))
				}
			}
		})
	}
	all.Wait()
	if m := most(grants, per); m > limit {
		t.Errorf("%d permits within %v; the limit is %d", m, per, limit)
	}
	if slices.Contains(got[:], 0) {
		t.Errorf("the processes got %v after a while", got)
	}
	if long.Load() != processes*calls/2 {
		t.Errorf("%d permits of %d were given", long.Load(), processes*calls/2)
	}
}

// A process whose clock is set back, or behind that of others, waits for a
// window and no longer.
func TestPermitsOfAProcessWhoseClockIsSetBack(t *testing.T) {
	const limit, per = 5, 10 * time.Second
	s := open(t, redistest.New(t))
	if got, _, err := s.Take(t.Context(), noon.Add(time.Hour), "quota", limit, per, limit); got != limit || err != nil {
		t.Fatalf("got %d, %v", got, err)
	}
	got, again, err := s.Take(t.Context(), noon, "quota", limit, per, limit)
	if got != 0 || again.Before(noon) || again.After(noon.Add(per)) || err != nil {
		t.Errorf("set back: got %d, again at %v, %v", got, again, err)
	}
}

// When the server's clock is set back, or another server takes over, all wait
// for a window and no longer, and get no more than the limit.
func TestPermitsOfAServerWhoseClockIsSetBack(t *testing.T) {
	const limit, per = 5, 10 * time.Second
	for _, taken := range []int{1, limit} {
		s := open(t, redistest.New(t))
		take := func(at time.Time, n, want int) time.Time {
			t.Helper()
			got, again, err := s.TakeAt(t.Context(), at, at, "quota", limit, per, n)
			if got != want || err != nil {
				t.Errorf("%d taken before: got %d of %d, %v; want %d", taken, got, n, err, want)
			}
			return again
		}
		take(noon.Add(30*time.Minute), 2, 2) // long out of the window
		take(noon.Add(time.Hour), taken, taken)
		if again := take(noon, limit, limit-taken); !again.Equal(noon.Add(per)) {
			t.Errorf("%d taken before: again at %v", taken, again)
		}
		take(noon.Add(per-time.Second), limit, 0)
		take(noon.Add(per), limit, limit)
	}
}

func TestPermitsAreApartByName(t *testing.T) {
	s := open(t, redistest.New(t))
	for _, name := range []string{"crm 1", "crm 2", "crm{x}", ""} {
		if got, again, err := s.TakeAt(t.Context(), noon, noon, name, 5, time.Second, 9); got != 5 || !again.Equal(noon.Add(time.Second)) || err != nil {
			t.Errorf("%q: got %d, again at %v, %v", name, got, again, err)
		}
	}
	if got, _, err := s.TakeAt(t.Context(), noon, noon.Add(time.Second), "crm 1", 5, time.Second, 2); got != 2 || err != nil {
		t.Errorf("a window later: got %d, %v", got, err)
	}
	if got, again, err := s.Take(t.Context(), noon, "none", 0, time.Second, 1); got != 0 || !again.After(noon) || err != nil {
		t.Errorf("of an empty quota: got %d, again at %v, %v", got, again, err)
	}
}

// TestWindowGoesOnWithoutRedis has a limiter whose permits come from a server
// that is killed: it goes on with its own share, and asks again when the
// server is back.
func TestWindowGoesOnWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = client.Close() }()
	s, err := redisstore.New(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	var log lines
	w := ratelimit.New(ratelimit.Config{Limit: 1000, Per: time.Second, Permits: s, Name: "quota", Logger: slog.New(slog.NewTextHandler(&log, nil))})
	until := func(what string, over func() bool) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); !over(); {
			place, err := w.Wait(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			place.Release()
			if time.Now().After(end) {
				t.Fatalf("%s: %s", what, &log)
			}
		}
	}
	taken := func() int64 { return client.Exists(t.Context(), "{crmsync}:store:permits:quota").Val() }
	until("with the server", func() bool { return taken() == 1 })
	server.Kill()
	until("without the server", func() bool { return strings.Contains(log.String(), "cannot be reached") })
	server.Restart()
	until("with the server again", func() bool { return strings.Contains(log.String(), "is back") })
}

// lines is a text that may be written and read at once.
type lines struct {
	mu   stdsync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func BenchmarkTake(b *testing.B) {
	for _, n := range []int{1, 25} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b, redistest.New(b))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, _, err := s.Take(b.Context(), time.Now(), "quota", 1_000_000, time.Second, n); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "permits/s")
		})
	}
}
