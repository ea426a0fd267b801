package microbatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// send has items carried out with a priority, in the background.
func send(t *testing.T, b *microbatch.Batcher[string, string], p sync.Priority, items ...string) {
	t.Helper()
	go func() { _, _ = b.Do(sync.WithPriority(t.Context(), p), items...) }()
	synctest.Wait()
}

func TestTheMostUrgentGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Millisecond}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Max, c.InFlight = 4, 2 })
		send(t, b, sync.Backfill, numbered(6)...)
		send(t, b, sync.Sweep, "sweep")
		send(t, b, sync.Live, "live")
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"0", "1", "2", "3"}, {"live", "sweep", "4", "5"}}
		if !slices.EqualFunc(s.calls, want, slices.Equal) {
			t.Fatalf("batches %v, want %v", s.calls, want)
		}
	})
}

// What is live waits neither for bulk work in flight, nor for its leave.
func TestLiveWaitsOnlyForItsLinger(t *testing.T) {
	for name, change := range map[string]func(*microbatch.Config[string, string]){
		"in flight": func(*microbatch.Config[string, string]) {},
		"paced": func(c *microbatch.Config[string, string]) {
			c.Pace = func() time.Duration { return 5 * time.Second }
		},
		"waiting for leave": func(c *microbatch.Config[string, string]) {
			c.Admit = func(ctx context.Context) (context.Context, func(), error) {
				if sync.PriorityOf(ctx) != sync.Live {
					time.Sleep(time.Minute)
				}
				return ctx, func() {}, nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{took: time.Second}
				b := batcher(s, func(c *microbatch.Config[string, string]) { c.Patience = 10 * time.Second; change(c) })
				for i := range 8 {
					send(t, b, sync.Backfill, numbered(10 * (i + 1))[10*i:]...)
				}
				start := time.Now()
				each(t, b, "live")
				if took := time.Since(start); took > 1020*time.Millisecond {
					t.Errorf("a live call of 1 s took %v", took)
				}
				_ = b.Close(t.Context())
			})
		})
	}
}

// Bulk work that has waited long goes along although live work never ends.
func TestNothingStarves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Max, c.InFlight = 2, 1 })
		ctx, cancel := context.WithCancel(t.Context())
		for i := range 6 {
			go func() {
				for ctx.Err() == nil {
					_, _ = b.Do(ctx, fmt.Sprint("live", i))
				}
			}()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := b.Do(sync.WithPriority(ctx, sync.Backfill), "bulk"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("bulk work waited %v", took)
		}
		cancel()
		_ = b.Close(t.Context())
	})
}

// An urgent item of a key makes those ahead of it urgent: they go first.
func TestAKeyKeepsItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Millisecond}
		b := batcher(s, func(c *microbatch.Config[string, string]) {
			c.Max, c.InFlight, c.Key = 2, 1, func(s string) string { return s[:1] }
		})
		send(t, b, sync.Live, "w1", "x1") // in flight
		send(t, b, sync.Backfill, "a1", "b1", "c1")
		send(t, b, sync.Live, "c2")
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"w1", "x1"}, {"c1", "a1"}, {"c2", "b1"}}
		if !slices.EqualFunc(s.calls, want, slices.Equal) {
			t.Fatalf("batches %v, want %v", s.calls, want)
		}
	})
}

func TestTheBatchHasTheMostUrgentPriority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, ran sync.Priority
		b := microbatch.New(microbatch.Config[string, string]{Max: 10, Linger: 600 * time.Millisecond,
			Admit: func(ctx context.Context) (context.Context, func(), error) {
				asked = sync.PriorityOf(ctx)
				time.Sleep(time.Second)
				return ctx, func() {}, nil
			},
			Run: func(ctx context.Context, in []string) ([]string, error) {
				ran = sync.PriorityOf(ctx)
				return in, nil
			}})
		send(t, b, sync.Backfill, "a")
		send(t, b, sync.Sweep, "b")
		time.Sleep(1500 * time.Millisecond)
		send(t, b, sync.Facts, "c") // meets the leave for the first two
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked != sync.Sweep || ran != sync.Facts {
			t.Errorf("asked for leave as %v, ran as %v", asked, ran)
		}
	})
}

func TestAPanicIsTheBatchsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{took: time.Millisecond}
		var none map[string]string
		for what, run := range map[string]func(){
			"string":  func() { panic("ada@example.com") },
			"nil map": func() { none["a"] = "b" },
		} {
			b := microbatch.New(microbatch.Config[string, string]{Max: 2, Admit: g.admit,
				Run: func(context.Context, []string) ([]string, error) { run(); return nil, nil }})
			_, err := b.Do(t.Context(), "a", "b")
			p, ok := errors.AsType[*microbatch.PanicError](err)
			if !ok || !strings.Contains(err.Error(), what) || strings.Contains(err.Error(), "ada") || len(p.Stack) == 0 {
				t.Errorf("%s: got %v", what, err)
			}
			if err := b.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if g.back != 2 {
			t.Errorf("leave was given back %d times", g.back)
		}
	})
}
