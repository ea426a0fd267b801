package redisstore_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	stdsync "sync"
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
			got, again, err := s.Take(t.Context(), now, "quota", limit, per, n)
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

// TestPermitsNeverExceedTheLimit has processes whose clocks lag take from one
// quota, and counts in every window.
func TestPermitsNeverExceedTheLimit(t *testing.T) {
	const limit, per, processes, calls = 30, 50 * time.Millisecond, 6, 200
	s := open(t, redistest.New(t))
	var mu stdsync.Mutex
	var taken []time.Time
	var all stdsync.WaitGroup
	for i := range processes {
		all.Go(func() {
			for range calls {
				before := time.Now()
				got, _, err := s.Take(t.Context(), before, "quota", limit, per, 1+i)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for range got {
					taken = append(taken, before)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.SortFunc(taken, time.Time.Compare)
	if len(taken) < limit {
		t.Fatalf("only %d permits were given", len(taken))
	}
	for i := limit; i < len(taken); i++ {
		if d := taken[i].Sub(taken[i-limit]); d < per-time.Microsecond {
			t.Fatalf("%d permits within %v; the limit is %d in %v", limit+1, d, limit, per)
		}
	}
}

func TestPermitsAreApartByName(t *testing.T) {
	s := open(t, redistest.New(t))
	for _, name := range []string{"crm 1", "crm 2", "crm{x}", ""} {
		if got, again, err := s.Take(t.Context(), noon, name, 5, time.Second, 9); got != 5 || !again.Equal(noon.Add(time.Second)) || err != nil {
			t.Errorf("%q: got %d, again at %v, %v", name, got, again, err)
		}
	}
	if got, _, err := s.Take(t.Context(), noon.Add(time.Second), "crm 1", 5, time.Second, 2); got != 2 || err != nil {
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
