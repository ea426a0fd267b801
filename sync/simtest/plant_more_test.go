package simtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A stalled queue hands out nothing for a while after something was buried.
type stalledQueue struct {
	sync.Queue
	until *time.Time
}

func (q stalledQueue) Bury(ctx context.Context, now time.Time, lane sync.Lane, cause sync.Failure) error {
	*q.until = now.Add(10 * time.Second)
	return q.Queue.Bury(ctx, now, lane, cause)
}

func (q stalledQueue) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	if now.Before(*q.until) {
		return nil, nil
	}
	return q.Queue.Take(ctx, now, n, lease)
}

func stoppedByPoison() func(*sync.Config) {
	return func(c *sync.Config) { c.Queue = stalledQueue{c.Queue, new(time.Time)} }
}

// A loud lens says which value it refuses.
type loudLens struct{ sync.Lens }

func (l loudLens) Get(f sync.Fields) (sync.Value, error) {
	v, err := l.Lens.Get(f)
	if err != nil {
		return v, &sync.Error{Op: "map", Action: sync.Invalid, Rule: "loud", Err: fmt.Errorf("%q is refused", f[l.Names()[0]].String())}
	}
	return v, nil
}

func loudError() func(*sync.Config) {
	return func(c *sync.Config) {
		flows := slices.Clone(c.Flows)
		for i, f := range flows {
			changed := *f
			changed.Fields = slices.Clone(f.Fields)
			for k := range changed.Fields {
				field := &changed.Fields[k]
				field.Left, field.Right = loudLens{field.Left}, loudLens{field.Right}
			}
			flows[i] = &changed
		}
		c.Flows = flows
	}
}

// A system that dates its records by the engine's clock.
type misdated struct{ sync.Source }

func (m misdated) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := m.Source.Read(ctx, kind, ids)
	for i := range recs {
		recs[i].UpdatedAt = time.Now()
	}
	return recs, err
}

// What the engines' clock decides is found by having it differ.
func TestClockThatDecidesIsFound(t *testing.T) {
	cfg := Config{Wrap: sources(func(name sync.System, s *source) {
		if name == "alpha" {
			s.Source = misdated{s.Source}
		}
	})}
	for seed := uint64(1); seed <= 100; seed++ {
		shifted := cfg
		shifted.Shift = 7 * time.Hour
		if a, b := Simulate(t, seed, cfg), Simulate(t, seed, shifted); a.Final != b.Final {
			t.Logf("found by seed %d", seed)
			return
		}
	}
	t.Error("not found by 100 seeds")
}
