package ratelimit_test

import (
	"context"
	"math/rand/v2"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
)

// account is a server that counts calls in a rolling window.
type account struct {
	limit int
	per   time.Duration
	mute  bool // answers tell nothing
	mu    stdsync.Mutex
	hits  []time.Time
	from  time.Time // what came before does not count below
	ok    int
	over  int
}

func (a *account) arrive() (remaining int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	for len(a.hits) > 0 && now.Sub(a.hits[0]) >= a.per {
		a.hits = a.hits[1:]
	}
	counted := !now.Before(a.from)
	if len(a.hits) >= a.limit {
		if counted {
			a.over++
		}
		return 0, false
	}
	a.hits = append(a.hits, now)
	if counted {
		a.ok++
	}
	return a.limit - len(a.hits), true
}

// trip is how long a call takes there and back.
type trip struct{ least, spread time.Duration }

// half is one way's time, drawn anew for each.
func (t trip) half(r *rand.Rand) time.Duration {
	return (t.least + time.Duration(r.Float64()*float64(t.spread))) / 2
}

// call makes one call and tells the window what it learned.
func (a *account) call(ctx context.Context, w *ratelimit.Window, there, back time.Duration) error {
	place, err := w.Wait(ctx)
	if err != nil {
		return err
	}
	defer place.Release()
	time.Sleep(there)
	remaining, ok := a.arrive()
	time.Sleep(back)
	if a.mute {
		return nil
	}
	place.Told(a.limit, remaining, a.per)
	if !ok {
		place.Refused()
		w.Pause(time.Now().Add(a.per / 20))
	}
	return nil
}

// load has n callers make calls through the window until the context ends.
func (a *account) load(ctx context.Context, wg *stdsync.WaitGroup, w *ratelimit.Window, n int, t trip, seed uint64) {
	for i := range n {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i)))
			for a.call(ctx, w, t.half(r), t.half(r)) == nil {
			}
		})
	}
}

// since returns the part of the quota that was used in d, and of the calls
// that were refused.
func (a *account) since(d time.Duration) (used, refused float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return float64(a.ok) / (float64(a.limit) * float64(d) / float64(a.per)), float64(a.over) / float64(a.ok+a.over)
}
