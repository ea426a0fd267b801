package sync_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A drifting fake tells its times by a clock that is off, by less than it says.
type drifting struct {
	*fake
	off time.Duration
}

func (drifting) Skew() time.Duration { return 90 * time.Second }

func (d drifting) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := d.fake.Read(ctx, kind, ids)
	for i := range recs {
		recs[i].UpdatedAt = d.told(recs[i].UpdatedAt)
	}
	return recs, err
}

func (d drifting) Match(ctx context.Context, kind sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	out, err := d.fake.Match(ctx, kind, probes)
	for i := range out {
		for k := range out[i].Candidates {
			out[i].Candidates[k].UpdatedAt = d.told(out[i].Candidates[k].UpdatedAt)
		}
	}
	return out, err
}

func (d drifting) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	out, err := d.fake.Apply(ctx, writes)
	for i := range out {
		out[i].Record.UpdatedAt = d.told(out[i].Record.UpdatedAt)
	}
	return out, err
}

func (d drifting) told(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(d.off)
}

// A dated fake knows the times of single fields besides, by the same clock.
type dated struct{ drifting }

func (d dated) Times(ctx context.Context, kind sync.Kind, ids, names []string) ([]map[string]time.Time, error) {
	out, err := historic{d.fake}.Times(ctx, kind, ids, names)
	for i := range out {
		for n, t := range out[i] {
			out[i][n] = d.told(t)
		}
	}
	return out, err
}

// C6. Both sides edit 2,500 names within minutes of one another, by clocks that
// are off by up to 90 s and with times of single fields on one side only. Where
// the engine says that one edit was later, it was.
func TestLaterWinsIsNeverClaimedWrongly(t *testing.T) {
	claimed, ambiguous := 0, 0
	for _, off := range [][2]time.Duration{{0, 0}, {90, -90}, {-90, 90}, {90, 45}, {-30, 60}} {
		t.Run(fmt.Sprint(off), func(t *testing.T) {
			bubble(t, func(w *world) {
				rng := rand.New(rand.NewPCG(6, uint64(off[0])))
				left := drifting{w.left, off[0] * time.Second}
				right := dated{drifting{w.right, off[1] * time.Second}}
				w.cfg.Peers[leftSystem] = sync.Peer{Source: left, Sink: left}
				w.cfg.Peers[rightSystem] = sync.Peer{Source: right, Sink: right}
				w.start()
				var winner map[sync.Ref]sync.Side
				w.cfg.Observer = func(e sync.Event) {
					if e.Type != sync.EventDecided || e.Decision.Rule != "policy."+string(sync.LastWriteWins) {
						return
					}
					w.mu.Lock()
					defer w.mu.Unlock()
					if e.Decision.Ambiguous {
						ambiguous++
						return
					}
					ref := e.Ref
					if ref.System == rightSystem {
						link, err := w.store.Link(w.ctx, "people", ref)
						if err != nil {
							w.Errorf("%v", err)
						}
						ref = link.Left
					}
					claimed++
					if want := winner[ref]; e.Decision.Winner != want {
						w.Errorf("%s: the %s edit is said to be the later one, the %s one was", ref, e.Decision.Winner, want)
					}
				}
				lefts := w.crowd(100)
				w.start()
				for range 5 {
					winner = map[sync.Ref]sync.Side{}
					for _, ref := range lefts {
						far := w.link(ref).Right
						edits := []func(){
							func() { w.left.edit(ref, "name", fmt.Sprint("Left ", rng.Int())); winner[ref] = sync.Left },
							func() { w.right.edit(far, "fullname", fmt.Sprint("Right ", rng.Int())); winner[ref] = sync.Right },
						}
						first := rng.IntN(2)
						edits[first]()
						if rng.IntN(3) == 0 { // seen untouched in between
							w.takeHooks()
						}
						time.Sleep(time.Duration(1+rng.IntN(600_000)) * time.Millisecond)
						if rng.IntN(2) == 0 {
							w.left.edit(ref, "unmapped", fmt.Sprint(rng.Int())) // the record moves, the field does not
						}
						edits[1-first]()
						w.look(ref)
					}
					w.rest()
				}
				w.agrees(len(lefts))
			})
		})
	}
	if claimed < 100 || ambiguous < 100 {
		t.Errorf("%d verdicts and %d ambiguous ones prove little", claimed, ambiguous)
	}
	t.Logf("%d verdicts, %d ambiguous", claimed, ambiguous)
}
