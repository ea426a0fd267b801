package bird_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// slowly lets each call take a few milliseconds.
type slowly struct{ http.RoundTripper }

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(5 * time.Millisecond)
	return s.RoundTripper.RoundTrip(r)
}

// bubble returns a simulated workspace with n contacts and an adapter with the
// default pace, inside a bubble.
func bubble(t *testing.T, n int, share float64) (*birdtest.Server, *bird.Adapter, []string) {
	t.Helper()
	s := birdtest.NewPipeServer(nil)
	t.Cleanup(s.Close)
	a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, Fields: names, WalkShare: share,
		HTTPClient: &http.Client{Transport: slowly{s.Client().Transport}}})
	if err != nil {
		t.Fatal(err)
	}
	return s, a, s.Fill(n)
}

// pull asks for changes as an engine does, until the context ends: page after
// page while there are more, and then a minute later.
func pull(ctx context.Context, t *testing.T, a *bird.Adapter, take func(sync.ChangePage)) {
	var since sync.Cursor
	for {
		p, err := a.Changes(sync.WithPriority(ctx, sync.Sweep), since)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Error(err)
		default:
			since = p.Next
			take(p)
		}
		if !p.More {
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
		}
	}
}

// live reads perSecond contacts a second at uneven times until the context
// ends, and returns how long each read took.
func live(ctx context.Context, t *testing.T, a *bird.Adapter, ids []string, perSecond int) []time.Duration {
	var wg stdsync.WaitGroup
	var mu stdsync.Mutex
	var took []time.Duration
	random := rand.New(rand.NewPCG(1, 1))
	for ctx.Err() == nil {
		time.Sleep(time.Duration(random.Float64() * 2 * float64(time.Second) / float64(perSecond)))
		id := ids[random.IntN(len(ids))]
		wg.Go(func() {
			start := time.Now()
			if _, err := a.Read(context.Background(), bird.Contact, []string{id}); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(start))
		})
	}
	wg.Wait()
	return took
}

// quantile returns the duration that the part q of all does not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// edits are hidden edits, and what became of them.
type edits struct {
	mu      stdsync.Mutex
	open    map[string]hidden
	found   int
	late    int
	slowest time.Duration
}

// A hidden edit was made at a moment and must be found within the bound.
type hidden struct {
	claim string // the digest of the new name
	at    time.Time
	bound time.Duration
}

// make edits contacts one after the other within the span.
func (e *edits) make(t *testing.T, s *birdtest.Server, a *bird.Adapter, ids []string, span time.Duration) {
	for i, id := range ids {
		time.Sleep(span / time.Duration(len(ids)))
		name := fmt.Sprint("Edited ", i)
		bound, _ := a.DetectionDelay(bird.Contact)
		e.mu.Lock()
		e.open[id] = hidden{sync.Text(name).Digest(), time.Now(), bound}
		edit(t, s, id, name)
		e.mu.Unlock()
	}
}

// take notes which edits a page reports, and whether none is left.
func (e *edits) take(p sync.ChangePage) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range p.Changes {
		h, made := e.open[c.Ref.ID]
		if !made || c.Witness["name"] != h.claim {
			continue
		}
		delete(e.open, c.Ref.ID)
		took := time.Since(h.at)
		e.found++
		e.slowest = max(e.slowest, took)
		if took > h.bound {
			e.late++
		}
	}
	return e.found > 0 && len(e.open) == 0
}

// await returns when a walk has come to its end.
func await(t *testing.T, a *bird.Adapter) bird.WalkStats {
	for range 3600 {
		if _, ok := a.DetectionDelay(bird.Contact); ok {
			return a.Walk(bird.Contact)
		}
		time.Sleep(time.Second)
	}
	t.Fatal("no walk comes to its end within an hour")
	return bird.WalkStats{}
}

// TestHiddenEditsAmong100000ContactsAreFoundInTime while 99 of 100 live reads
// take no longer than they do without the walk, and none a quarter of a second.
func TestHiddenEditsAmong100000ContactsAreFoundInTime(t *testing.T) {
	const contacts, hiddenEdits, perSecond = workspaceSize, workspaceSize / 100, 25
	synctest.Test(t, func(t *testing.T) {
		s, a, ids := bubble(t, contacts, 0)
		rand.New(rand.NewPCG(2, 2)).Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		alone, stop := context.WithTimeout(t.Context(), 30*time.Second)
		defer stop()
		before := live(alone, t, a, ids, perSecond)

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		e, reported := edits{open: map[string]hidden{}}, 0
		var during []time.Duration
		var wg stdsync.WaitGroup
		wg.Go(func() { during = live(ctx, t, a, ids, perSecond) })
		wg.Go(func() {
			pull(ctx, t, a, func(p sync.ChangePage) {
				reported += len(p.Changes)
				if e.take(p) && e.found == hiddenEdits {
					cancel()
				}
			})
		})
		stats := await(t, a)
		e.make(t, s, a, ids[:hiddenEdits], stats.Took+time.Minute)
		wg.Wait()

		bound, _ := a.DetectionDelay(bird.Contact)
		t.Logf("%d pages in %v; the slowest edit was found after %v, the bound is %v", stats.LastPages, stats.Took, e.slowest, bound)
		t.Logf("a live read takes at the most %v, without the walk %v", quantile(during, 1), quantile(before, 1))
		equal(t, "contacts, edits found, late, reports", []int{stats.LastRecords, e.found, e.late, reported},
			[]int{contacts, hiddenEdits, 0, contacts + hiddenEdits})
		for q, more := range map[float64]time.Duration{.5: time.Millisecond, .99: 10 * time.Millisecond, 1: 250 * time.Millisecond} {
			if with, without := quantile(during, q), quantile(before, q); with > without+more {
				t.Errorf("quantile %v of live reads is %v, without the walk %v", q, with, without)
			}
		}
	})
}

// TestTheWalkKeepsToItsShare beside live reads of every intensity.
func TestTheWalkKeepsToItsShare(t *testing.T) {
	for name, tt := range map[string]struct {
		share       float64
		contacts    int
		perSecond   int           // live reads
		least, most time.Duration // of a walk
		wait        time.Duration // at the most, of 99 of 100 live reads
	}{
		"a quarter":                         {0, 4000, 10, 3900 * time.Millisecond, 4100 * time.Millisecond, 10 * time.Millisecond},
		"a hundredth":                       {0.01, 2000, 10, 47 * time.Second, 51 * time.Second, 10 * time.Millisecond},
		"all that is left, live reads few":  {1, 10_000, 10, 3 * time.Second, 5 * time.Second, 50 * time.Millisecond},
		"all that is left, live reads many": {1, 10_000, 30, 7 * time.Second, 20 * time.Second, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, a, ids := bubble(t, tt.contacts, tt.share)
				ctx, cancel := context.WithCancel(t.Context())
				var took []time.Duration
				var wg stdsync.WaitGroup
				wg.Go(func() { took = live(ctx, t, a, ids, tt.perSecond) })
				wg.Go(func() { pull(ctx, t, a, func(sync.ChangePage) {}) })
				stats := await(t, a)
				cancel()
				wg.Wait()
				t.Logf("a walk takes %v, live reads at the most %v, 99 of 100 %v", stats.Took, quantile(took, 1), quantile(took, .99))
				if stats.Took < tt.least || stats.Took > tt.most {
					t.Errorf("a walk takes %v, want %v to %v", stats.Took, tt.least, tt.most)
				}
				if q := quantile(took, .99) - 5*time.Millisecond; q > tt.wait {
					t.Errorf("99 of 100 live reads wait up to %v, want %v", q, tt.wait)
				}
			})
		})
	}
}
