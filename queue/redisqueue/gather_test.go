package redisqueue

import (
	"context"
	"errors"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"
)

// A counter takes a second for each go and notes what was in it.
type counter struct {
	mu   stdsync.Mutex
	goes [][]int
	fail error
}

func (c *counter) run(ctx context.Context, items []int) error {
	c.mu.Lock()
	c.goes = append(c.goes, slices.Sorted(slices.Values(items)))
	err := c.fail
	c.mu.Unlock()
	select {
	case <-time.After(time.Second):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		g := gather[int]{run: c.run}
		var all stdsync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if err := g.do(t.Context(), i); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		all.Wait()
		if err := g.do(t.Context(), 9); err != nil {
			t.Error(err)
		}
		if want := [][]int{{0}, {1, 2, 3, 4}, {9}}; !slices.EqualFunc(c.goes, want, slices.Equal) {
			t.Errorf("goes %v, want %v", c.goes, want)
		}
	})
}

func TestGatherTellsAllOfAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{fail: errors.New("down")}
		g := gather[int]{run: c.run}
		var all stdsync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				if err := g.do(t.Context(), i); !errors.Is(err, c.fail) {
					t.Errorf("got error %v", err)
				}
			})
		}
		all.Wait()
	})
}

// A caller whose context ends takes nobody along, whether it leads, waits or
// was about to lead.
func TestGatherOutlivesItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		g := gather[int]{run: c.run}
		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		var all stdsync.WaitGroup
		call := func(ctx context.Context, item int, want error) {
			all.Go(func() {
				if err := g.do(ctx, item); !errors.Is(err, want) {
					t.Errorf("item %d: got error %v, want %v", item, err, want)
				}
			})
			synctest.Wait()
		}
		call(short, 0, context.DeadlineExceeded) // leads
		call(short, 1, context.DeadlineExceeded) // would lead next
		call(t.Context(), 2, nil)
		call(short, 3, context.DeadlineExceeded)
		all.Wait()
		if last := c.goes[len(c.goes)-1]; !slices.Contains(last, 2) {
			t.Errorf("goes %v", c.goes)
		}
		if err := g.do(t.Context(), 4); err != nil {
			t.Error(err)
		}
		ended, stop := context.WithCancel(t.Context())
		stop()
		if err := g.do(ended, 5); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v", err)
		}
	})
}
