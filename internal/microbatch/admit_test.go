package microbatch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
)

// gate gives leave after a while, or refuses the first.
type gate struct {
	took   time.Duration
	refuse error
	back   int // leaves given back
}

func (g *gate) admit(ctx context.Context) (context.Context, func(), error) {
	err := g.refuse
	g.refuse = nil
	select {
	case <-time.After(g.took):
		return ctx, func() { g.back++ }, err
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func TestWhatComesDuringTheWaitForLeaveJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := &server{}, &gate{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) {
			c.Max, c.Admit, c.Key = 3, g.admit, func(s string) string { return s[:1] }
		})
		go each(t, b, "a1")
		time.Sleep(500 * time.Millisecond)
		go func() { _, _ = b.Do(t.Context(), "a2", "b1", "b2", "c1", "d1") }()
		time.Sleep(time.Minute)
		synctest.Wait()
		// One key never twice, and no batch over-full.
		want := [][]string{{"a1", "b1", "c1"}, {"d1", "a2", "b2"}}
		if !slices.EqualFunc(s.calls, want, slices.Equal) {
			t.Fatalf("batches %v, want %v", s.calls, want)
		}
	})
}

func TestRefusedLeaveFailsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("no leave")
		s, g := &server{}, &gate{took: time.Second, refuse: boom}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Admit = g.admit })
		first := make(chan error)
		go func() { _, err := b.Do(t.Context(), "a"); first <- err }()
		time.Sleep(500 * time.Millisecond)
		go each(t, b, "b")
		if err := <-first; !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.EqualFunc(s.calls, [][]string{{"b"}}, slices.Equal) {
			t.Fatalf("batches %v, want only that of b", s.calls)
		}
	})
}

// Who joins late is cut short by nobody's deadline but its own.
func TestLateJoinersKeepTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := &server{took: time.Second}, &gate{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Admit = g.admit })
		short, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		go func() { _, _ = b.Do(short, "hasty") }()
		time.Sleep(500 * time.Millisecond)
		each(t, b, "patient")
		if !slices.Equal(s.sizes(), []int{2}) {
			t.Fatalf("batches %v", s.calls)
		}
	})
}

// A batch whose callers all left while it waited for leave takes nobody along.
func TestACancelledBatchTakesNobodyAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Millisecond}
		stubborn := func(ctx context.Context) (context.Context, func(), error) {
			time.Sleep(time.Second)
			return ctx, func() {}, nil
		}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Admit = stubborn })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = b.Do(ctx, "leaves") }()
		time.Sleep(500 * time.Millisecond)
		cancel()
		each(t, b, "stays")
	})
}

func TestCloseWaitsForLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, g := &server{}, &gate{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Admit = g.admit })
		go each(t, b, "a")
		time.Sleep(500 * time.Millisecond)
		go each(t, b, "b")
		synctest.Wait()
		if err := b.Close(t.Context()); err != nil || !slices.Equal(s.sizes(), []int{2}) {
			t.Fatalf("got %v, %v", err, s.calls)
		}
	})
}

// What is due is decided once: an item that was not yet due when batches were
// looked for, but is when the timer is set, would wait for ever.
func TestAMomentPassesNoItemBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		later := false
		b := batcher(s, func(c *microbatch.Config[string, string]) {
			c.Pace = func() time.Duration { // as if time went by between two looks
				later = !later
				if later {
					return time.Second
				}
				return 0
			}
			c.Linger = 0
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for _, item := range []string{"a", "b", "c", "d"} {
			if _, err := b.Do(ctx, item); err != nil {
				t.Errorf("%s: %v", item, err)
			}
		}
	})
}

func TestPaceSpacesBatchesThatAreNotFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, pace := &server{}, 400*time.Millisecond
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Pace = func() time.Duration { return pace } })
		each(t, b, "a")
		start := time.Now()
		each(t, b, "b")
		if took := time.Since(start); took != 400*time.Millisecond {
			t.Fatalf("the second batch after %v", took)
		}
		start = time.Now()
		each(t, b, numbered(10)...)
		if took := time.Since(start); took != 0 {
			t.Fatalf("a full batch waited %v", took)
		}
		pace = 0 // the pressure is gone
		start = time.Now()
		each(t, b, "c")
		if took := time.Since(start); took != 20*time.Millisecond {
			t.Fatalf("without pace: %v", took)
		}
	})
}
