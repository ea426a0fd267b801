package microbatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a batch call that takes a while and remembers what it was given.
type server struct {
	mu    stdsync.Mutex
	took  time.Duration
	calls [][]string
	fail  error
}

func (s *server) run(ctx context.Context, items []string) ([]string, error) {
	s.mu.Lock()
	s.calls = append(s.calls, slices.Clone(items))
	fail := s.fail
	s.mu.Unlock()
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	outs := make([]string, len(items))
	for i, it := range items {
		outs[i] = "<" + it + ">"
	}
	return outs, fail
}

func (s *server) sizes() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n []int
	for _, c := range s.calls {
		n = append(n, len(c))
	}
	return n
}

func batcher(s *server, change func(*microbatch.Config[string, string])) *microbatch.Batcher[string, string] {
	cfg := microbatch.Config[string, string]{Max: 10, Linger: 20 * time.Millisecond, Run: s.run}
	if change != nil {
		change(&cfg)
	}
	return microbatch.New(cfg)
}

func self(s string) string { return s }

// each calls Do once per item, all at the same time.
func each(t *testing.T, b *microbatch.Batcher[string, string], items ...string) {
	t.Helper()
	var wg stdsync.WaitGroup
	for _, it := range items {
		wg.Go(func() {
			if out, err := b.Do(t.Context(), it); err != nil || out[0] != "<"+it+">" {
				t.Errorf("%s: got %v, %v", it, out, err)
			}
		})
	}
	wg.Wait()
}

func numbered(n int) []string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprint(i)
	}
	return items
}

func TestConcurrentCallersShareABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: 50 * time.Millisecond}
		start := time.Now()
		each(t, batcher(s, nil), numbered(7)...)
		if !slices.Equal(s.sizes(), []int{7}) || time.Since(start) != 70*time.Millisecond {
			t.Fatalf("batches %v in %v", s.sizes(), time.Since(start))
		}
	})
}

func TestAFullBatchFiresAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: 50 * time.Millisecond}
		start := time.Now()
		each(t, batcher(s, nil), numbered(20)...)
		if !slices.Equal(s.sizes(), []int{10, 10}) || time.Since(start) != 50*time.Millisecond {
			t.Fatalf("batches %v in %v", s.sizes(), time.Since(start))
		}
	})
}

func TestUnderLoadBatchesAreFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: 100 * time.Millisecond}
		b := batcher(s, nil)
		var wg stdsync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 5 * time.Millisecond)
				_, _ = b.Do(t.Context(), fmt.Sprint(i))
			})
		}
		wg.Wait()
		if n := len(s.sizes()); n > 24 {
			t.Fatalf("200 items took %d batches: %v", n, s.sizes())
		}
	})
}

func TestManyItemsOfOneCallKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		out, err := batcher(s, nil).Do(t.Context(), numbered(25)...)
		if err != nil || len(out) != 25 || out[0] != "<0>" || out[24] != "<24>" {
			t.Fatalf("got %v, %v", out, err)
		}
	})
}

func TestFoldSharesOnePlaceButNeverABatchInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Key, c.Fold = self, true })
		go func() { _, _ = b.Do(t.Context(), "a", "b", "a") }()
		time.Sleep(500 * time.Millisecond) // the first batch is in flight
		each(t, b, "a", "a")
		if !slices.Equal(s.sizes(), []int{2, 1}) {
			t.Fatalf("batches %v", s.calls)
		}
	})
}

func TestOneKeyIsNeverInFlightTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Key = func(s string) string { return s[:1] } })
		start := time.Now()
		if _, err := b.Do(t.Context(), "a1", "b1", "a2", "a3", "b2"); err != nil {
			t.Fatal(err)
		}
		want := [][]string{{"a1", "b1"}, {"a2", "b2"}, {"a3"}}
		if !slices.EqualFunc(s.calls, want, slices.Equal) || time.Since(start) < 3*time.Second {
			t.Fatalf("batches %v in %v", s.calls, time.Since(start))
		}
	})
}

func TestACallerThatLeavesSpoilsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		go each(t, b, "stays")
		if _, err := b.Do(ctx, "leaves"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestABatchNobodyWantsIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Hour}
		b := batcher(s, nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		start := time.Now()
		_, _ = b.Do(ctx, "a")
		_ = b.Close(t.Context())
		if time.Since(start) != 100*time.Millisecond {
			t.Fatalf("the batch went on until %v", time.Since(start))
		}
	})
}

func TestAnItemWithdrawnWhileWaitingIsNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		b := batcher(s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _ = b.Do(ctx, "a")
		_ = b.Close(t.Context())
		if len(s.calls) != 0 {
			t.Fatalf("sent %v", s.calls)
		}
	})
}

func TestTheBatchHasTheLastDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got time.Time
		b := microbatch.New(microbatch.Config[string, string]{Max: 2, Run: func(ctx context.Context, in []string) ([]string, error) {
			got, _ = ctx.Deadline()
			return in, nil
		}})
		want := time.Now().Add(time.Minute)
		ctx, cancel := context.WithDeadline(t.Context(), want)
		defer cancel()
		_, _ = b.Do(ctx, "a")
		if !got.Equal(want) {
			t.Fatalf("deadline %v, want %v", got, want)
		}
	})
}

func TestAnErrorReachesEveryCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		b := batcher(&server{fail: boom}, nil)
		for range 2 {
			if _, err := b.Do(t.Context(), "a"); !errors.Is(err, boom) {
				t.Fatalf("got %v", err)
			}
		}
	})
}

func TestCloseFiresWhatWaitsAndRefusesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Linger = time.Hour })
		go each(t, b, "a")
		synctest.Wait()
		if err := b.Close(t.Context()); err != nil || len(s.sizes()) != 1 {
			t.Fatalf("got %v, %v", err, s.calls)
		}
		if _, err := b.Do(t.Context(), "b"); !errors.Is(err, microbatch.ErrClosed) {
			t.Fatalf("got %v", err)
		}
	})
}

// Whatever comes whenever, every item is answered with its own outcome, no
// batch is over-full, and one key is never in flight twice.
func TestEveryItemIsAnswered(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items := rapid.SliceOfN(rapid.StringMatching(`[a-d][0-9]`), 1, 60).Draw(rt, "items")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 60), len(items), len(items)).Draw(rt, "gaps")
		took := time.Duration(rapid.IntRange(0, 200).Draw(rt, "took")) * time.Millisecond
		synctest.Test(t, func(t *testing.T) {
			var mu stdsync.Mutex
			flying := map[string]bool{}
			b := microbatch.New(microbatch.Config[string, string]{Max: 3, Linger: 20 * time.Millisecond, InFlight: 3,
				Key: func(s string) string { return s[:1] },
				Run: func(_ context.Context, in []string) ([]string, error) {
					mark := func(on bool) {
						mu.Lock()
						defer mu.Unlock()
						for _, s := range in {
							if on && flying[s[:1]] {
								t.Errorf("key %s is in flight twice", s[:1])
							}
							flying[s[:1]] = on
						}
					}
					if len(in) > 3 {
						t.Errorf("a batch of %d", len(in))
					}
					mark(true)
					time.Sleep(took)
					mark(false)
					return in, nil
				}})
			var wg stdsync.WaitGroup
			for i, it := range items {
				time.Sleep(time.Duration(gaps[i]) * time.Millisecond)
				wg.Go(func() {
					if out, err := b.Do(t.Context(), it); err != nil || out[0] != it {
						t.Errorf("%s: got %v, %v", it, out, err)
					}
				})
			}
			wg.Wait()
		})
	})
}

// Who leaves in the middle learns what of his has been carried out.
func TestEachTellsWhatIsDoneAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{took: time.Second}
		b := batcher(s, func(c *microbatch.Config[string, string]) { c.Max, c.InFlight = 2, 1 })
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		outs, errs := b.Each(ctx, "a", "b", "c", "d")
		if !slices.Equal(outs, []string{"<a>", "<b>", "", ""}) || errs[0] != nil || errs[1] != nil ||
			!errors.Is(errs[2], context.DeadlineExceeded) || !errors.Is(errs[3], context.DeadlineExceeded) {
			t.Errorf("got %q, %v", outs, errs)
		}
		if outs, errs := b.Each(ctx, "e"); len(outs) != 1 || len(errs) != 1 || errs[0] == nil {
			t.Errorf("got %q, %v", outs, errs)
		}
		if outs, errs := b.Each(t.Context()); len(outs)+len(errs) != 0 {
			t.Errorf("got %q, %v", outs, errs)
		}
	})
}
