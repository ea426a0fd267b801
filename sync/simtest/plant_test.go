package simtest

import (
	"context"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A bug is planted around the engine to see that the simulation finds it.
type bug struct {
	name  string
	found string // the invariants that show it, by number
	plant func() func(*sync.Config)
	only  []FaultKind // with fewer faults, because the invariant is stricter then
	from  uint64      // the seed to begin with, of one that few seeds find
}

var bugs = []bug{
	{"an acknowledgement that is not durable", "I2 I6", lostAck, nil, 1},
	{"a lane is acknowledged before the work", "I3 I6", ackBeforeWork, nil, 1},
	{"a note without its unique key", "I6", noKey, nil, 1},
	{"an unknown outcome is not looked up", "I6", blindReadBack, nil, 1},
	{"the tie goes to the wrong side", "I4", wrongTie, nil, 1},
	{"a clock that is off is taken at its word", "I4", trustedClock, nil, 1},
	{"the base is one commit old", "I4 I5 I7", staleBase, HookFaults, 1},
	{"echoes are told by their source", "I3", echoBySource, nil, 1},
	{"the store does not fence", "I3 I5 I8 I9 I13", noFence, nil, 1},
	{"the cursor is stored before the changes", "I3", cursorFirst, []FaultKind{CrashBefore, CrashAfter, Fail, Lose}, 400},
	{"a merge goes unnoticed", "I3 I13", mergeUnnoticed, nil, 1},
	{"an intent is only in memory", "I8", noIntent, nil, 1},
	{"to be asked to wait costs an attempt", "I10", dearWait, nil, 1},
	{"a dropped field is taken as written", "I3 I5 I7 I8", dropIsWrite, nil, 1},
	{"what was deleted is forgotten", "I1 I13", noTombstone, nil, 1},
	{"the audit leaves out what was lost", "I8", silentLoss, nil, 1},
	{"a value that breaks a rule stops everybody", "I12", stoppedByPoison, []FaultKind{}, 1},
	{"who is erased is only marked", "I14", halfErased, nil, 1},
	{"an error names the value", "I16", loudError, nil, 1},
}

// Each planted bug is found, and by an invariant that has to do with it.
func TestPlantedBugsAreFound(t *testing.T) {
	const most = 300
	for _, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			for seed := b.from; seed < b.from+most; seed++ {
				cfg := Config{Wrap: b.plant(), Faults: b.only}
				r := Simulate(t, seed, cfg)
				for _, v := range r.Violations {
					if slices.Contains(strings.Fields(b.found), strings.Fields(v.Invariant)[0]) {
						t.Logf("found by seed %d: %s: %s", seed, v.Invariant, v.Message)
						return
					}
				}
			}
			t.Errorf("not found by %d seeds", most)
		})
	}
}

// A leaky queue says that it holds every fifth message and does not.
type leakyQueue struct{ sync.Queue }

func (q leakyQueue) Push(ctx context.Context, now time.Time, msgs ...sync.Message) error {
	return q.Queue.Push(ctx, now, slices.DeleteFunc(slices.Clone(msgs), func(m sync.Message) bool { return chance(1, m.ID) < 0.2 })...)
}

func lostAck() func(*sync.Config) {
	return func(c *sync.Config) { c.Queue = leakyQueue{c.Queue} }
}

// A hasty queue forgets what it hands out.
type hastyQueue struct{ sync.Queue }

func (q hastyQueue) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	lanes, err := q.Queue.Take(ctx, now, n, lease)
	for _, l := range lanes {
		_ = q.Done(ctx, now, l)
	}
	return lanes, err
}

func ackBeforeWork() func(*sync.Config) {
	return func(c *sync.Config) { c.Queue = hastyQueue{c.Queue} }
}

// sinks changes what goes to and comes from the sinks.
func sinks(before func(*sync.Write), after func(*sync.Result)) func(*sync.Config) {
	return func(c *sync.Config) {
		for name, p := range c.Peers {
			p.Sink = sink{p.Sink, before, after}
			c.Peers[name] = p
		}
	}
}

type sink struct {
	sync.Sink
	before func(*sync.Write)
	after  func(*sync.Result)
}

func (s sink) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	writes = slices.Clone(writes)
	for i := range writes {
		s.before(&writes[i])
	}
	results, err := s.Sink.Apply(ctx, writes)
	for i := range results {
		s.after(&results[i])
	}
	return results, err
}

func noKey() func(*sync.Config) {
	return sinks(func(w *sync.Write) {
		if w.Ref.Kind == "note" {
			w.Key = ""
		}
	}, func(*sync.Result) {})
}

func dropIsWrite() func(*sync.Config) {
	return sinks(func(*sync.Write) {}, func(r *sync.Result) { r.Dropped = nil })
}

// A source passes on all that the simulated ones can do.
type source struct {
	sync.Source
	sync.Matcher
	sync.Skewer
	sync.Degrader
	sync.Relater
	sync.Eraser
}

type historicSource struct {
	source
	sync.Historian
}

// sources changes what the sources can do.
func sources(change func(name sync.System, s *source)) func(*sync.Config) {
	return func(c *sync.Config) {
		for name, p := range c.Peers {
			s := source{p.Source, p.Source.(sync.Matcher), p.Source.(sync.Skewer), p.Source.(sync.Degrader), p.Source.(sync.Relater), p.Source.(sync.Eraser)}
			change(name, &s)
			if h, ok := p.Source.(sync.Historian); ok {
				p.Source = historicSource{s, h}
			} else {
				p.Source = s
			}
			c.Peers[name] = p
		}
	}
}

type noRelated struct{ sync.Relater }

func (noRelated) Related(context.Context, sync.Ref, sync.Kind) ([]sync.Ref, error) { return nil, nil }

func blindReadBack() func(*sync.Config) {
	return sources(func(_ sync.System, s *source) { s.Relater = noRelated{s.Relater} })
}

type noSkew struct{}

func (noSkew) Skew() time.Duration { return 0 }

func trustedClock() func(*sync.Config) {
	return sources(func(_ sync.System, s *source) { s.Skewer = noSkew{} })
}

type mergeless struct{ sync.Source }

func (m mergeless) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := m.Source.Read(ctx, kind, ids)
	for i := range recs {
		if recs[i].ID != ids[i] {
			recs[i].ID = ids[i]
		}
		recs[i].Aliases = nil
	}
	return recs, err
}

func mergeUnnoticed() func(*sync.Config) {
	return sources(func(_ sync.System, s *source) { s.Source = mergeless{s.Source} })
}

type cursorKeeper struct {
	sync.Source
	store sync.Store
	name  string
}

func (k cursorKeeper) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	page, err := k.Source.Changes(ctx, since)
	if err == nil {
		_ = k.store.SetCursor(ctx, k.name, since, page.Next)
	}
	return page, err
}

func cursorFirst() func(*sync.Config) {
	return func(c *sync.Config) {
		sources(func(name sync.System, s *source) {
			s.Source = cursorKeeper{s.Source, c.Store, "sweep:" + string(name)}
		})(c)
	}
}

// An echoes knows what was written a moment ago, and takes every signal about
// it for an echo.
type echoes struct {
	mu   stdsync.Mutex
	last map[string]time.Time
}

func (e *echoes) wrote(r *sync.Result) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last[r.Record.Ref.String()] = time.Now()
}

func (e *echoes) ours(key string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Since(e.last[key]) < 10*time.Second
}

type echoQueue struct {
	sync.Queue
	*echoes
}

func (q echoQueue) Push(ctx context.Context, now time.Time, msgs ...sync.Message) error {
	return q.Queue.Push(ctx, now, slices.DeleteFunc(slices.Clone(msgs), func(m sync.Message) bool { return q.ours(m.Key) })...)
}

func echoBySource() func(*sync.Config) {
	e := &echoes{last: map[string]time.Time{}}
	write := sinks(func(*sync.Write) {}, e.wrote)
	return func(c *sync.Config) {
		write(c)
		c.Queue = echoQueue{c.Queue, e}
	}
}

func wrongTie() func(*sync.Config) {
	return func(c *sync.Config) {
		flows := slices.Clone(c.Flows)
		for i, f := range flows {
			changed := *f
			changed.Fields = slices.Clone(f.Fields)
			for k := range changed.Fields {
				if p := &changed.Fields[k].Policy; p.Kind == "" {
					p.Owner = p.Owner.Other()
				}
			}
			flows[i] = &changed
		}
		c.Flows = flows
	}
}
