package pgstore

import (
	"fmt"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/internal/pgtest"
)

func newStore(t testing.TB) *Store {
	t.Helper()
	pool := pgtest.Open(t)
	if err := Migrate(t.Context(), pool, ""); err != nil {
		t.Fatal(err)
	}
	return New(pool, nil)
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

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

// No window has more permits than its limit, and what a window leaves free is
// given out, but for a hundredth.
func TestPermitsKeepTheWindow(t *testing.T) {
	s, names := newStore(t), 0
	rapid.Check(t, func(t *rapid.T) {
		names++
		per := time.Duration(rapid.Int64Range(int64(100*time.Millisecond), int64(24*time.Hour)).Draw(t, "per")).Round(time.Microsecond)
		kept := per + (per / 100).Round(time.Microsecond) // how long a permit counts: intervals of PostgreSQL are whole microseconds
		limit, clock := rapid.IntRange(0, 200).Draw(t, "limit"), noon
		var grants []grant
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			clock = clock.Add(time.Duration(rapid.Int64Range(0, int64(per/2)).Draw(t, "pause"))).Truncate(time.Microsecond)
			n := rapid.IntRange(1, 100).Draw(t, "n")
			used := 0
			for _, g := range grants {
				if clock.Sub(g.begin) <= kept {
					used += g.n
				}
			}
			got, again, err := s.take(t.Context(), noon, &clock, fmt.Sprint(names), limit, per, n)
			if err != nil {
				t.Fatal(err)
			}
			if least := min(n, limit-used); got < least || got > n {
				t.Fatalf("got %d of %d, with %d of %d used", got, n, used, limit)
			}
			if wait := again.Sub(noon); got < n && (wait <= 0 || wait > kept) {
				t.Fatalf("is to wait %v for a window of %v", wait, per)
			}
			grants = append(grants, grant{clock, clock, got})
		}
		if m := most(grants, per); m > limit {
			t.Fatalf("%d of %d in a window of %v: %v", m, limit, per, grants)
		}
	})
}

// Who waits as long as it is told gets something, or is told again.
func TestPermitsComeBack(t *testing.T) {
	s, clock := newStore(t), noon
	take := func(n, want int) time.Duration {
		t.Helper()
		got, again, err := s.take(t.Context(), noon, &clock, "quota", 10, 10*time.Second, n)
		if err != nil || got != want {
			t.Fatalf("got %d, %v; want %d", got, err, want)
		}
		return again.Sub(noon)
	}
	take(4, 4)
	clock = clock.Add(time.Second)
	if wait := take(8, 6); wait < 9*time.Second || wait > 9100*time.Millisecond {
		t.Errorf("the first permits come back after %v", wait)
	}
	clock = clock.Add(9100 * time.Millisecond)
	take(9, 4)
	if got, _, err := s.Take(t.Context(), noon, "other quota", 10, 10*time.Second, 10); err != nil || got != 10 {
		t.Errorf("one quota used up another: got %d, %v", got, err)
	}
	if got, again, err := s.Take(t.Context(), noon, "no quota", 0, time.Second, 1); err != nil || got != 0 || !again.After(noon) {
		t.Errorf("a quota of nothing gave %d until %v, %v", got, again, err)
	}
}

// Processes that ask at once share a quota by the server's clock.
func TestPermitsOfManyProcesses(t *testing.T) {
	const limit, per = 50, 300 * time.Millisecond
	first := newStore(t)
	stores := []*Store{first, New(first.pool, nil)}
	var mu stdsync.Mutex
	var grants []grant
	var long atomic.Int64
	group, ctx := errgroup.WithContext(t.Context())
	for i := range 8 {
		group.Go(func() error {
			for range 20 {
				begin := time.Now()
				got, _, err := stores[i%2].Take(ctx, begin.Add(time.Duration(i)*time.Hour), "short", limit, per, 7)
				mu.Lock()
				grants = append(grants, grant{begin, time.Now(), got})
				mu.Unlock()
				if err != nil {
					return err
				}
				got, _, err = stores[i%2].Take(ctx, begin, "long", 100, 24*time.Hour, 1)
				long.Add(int64(got))
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if m := most(grants, per); m > limit {
		t.Errorf("%d permits of %d in one window", m, limit)
	}
	if long.Load() != 100 {
		t.Errorf("160 asked for one of 100 permits, and got %d", long.Load())
	}
}
