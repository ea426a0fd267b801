package bird_test

import (
	"context"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
)

// permits are the quotas that processes share.
type permits struct {
	mu    stdsync.Mutex
	taken map[string][]time.Time
}

func (p *permits) Take(_ context.Context, now time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	taken := slices.DeleteFunc(p.taken[name], func(at time.Time) bool { return !at.After(now.Add(-per)) })
	got := min(n, limit-len(taken))
	for range got {
		taken = append(taken, now)
	}
	p.taken[name] = taken
	return got, now.Add(per / 10), nil
}

// TestProcessesShareTheQuota has three processes read at once: together they
// stay within what Bird allows.
func TestProcessesShareTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		ids := s.Fill(100)
		shared := &permits{taken: map[string][]time.Time{}}
		var g errgroup.Group
		for range 3 {
			a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Permits: shared})
			if err != nil {
				t.Fatal(err)
			}
			g.Go(func() error {
				_, err := a.Read(t.Context(), bird.Contact, ids)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		equal(t, "refusals", s.Log().Count(func(c birdtest.Call) bool { return c.Status == 429 }), 0)
		equal(t, "quotas", len(shared.taken), 1)
	})
}
