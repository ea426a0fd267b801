package simtest

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	stdsync "sync"
	"testing/synctest"
	"time"
)

// errDead is what a process that died gets to hear; nobody listens any more.
var errDead = errors.New("simtest: the process is dead")

// A scheduler makes a run repeatable. Every call to a store, a queue or a
// vendor is a step: its goroutine waits until the scheduler, which acts only
// when all others are blocked, lets it go on. So one goroutine runs at a time,
// and the seed decides which.
type scheduler struct {
	rng *rand.Rand

	mu      stdsync.Mutex
	waiting []*step
	events  events
	seq     int
	arrived chan struct{}
	granted int
}

// A step is a call that waits for its turn.
type step struct {
	proc  *process
	label string    // no other of its moment has it, see [process.label]
	at    time.Time // when its turn can come
	grant chan struct{}
}

// An event is something that the simulation does at a moment.
type event struct {
	at  time.Time
	seq int
	do  func()
}

func newScheduler(rng *rand.Rand) *scheduler {
	return &scheduler{rng: rng, arrived: make(chan struct{}, 1)}
}

// wait blocks until it is the caller's turn, which comes after the delay.
func (s *scheduler) wait(ctx context.Context, p *process, label string, delay time.Duration) error {
	s.mu.Lock()
	if p.dead {
		s.mu.Unlock()
		return errDead
	}
	st := &step{proc: p, label: label, at: time.Now().Add(delay), grant: make(chan struct{})}
	s.waiting = append(s.waiting, st)
	s.mu.Unlock()
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	select {
	case <-st.grant:
		return nil
	case <-ctx.Done():
		s.withdraw(st)
		return ctx.Err()
	case <-p.dying:
		s.withdraw(st)
		return errDead
	}
}

func (s *scheduler) withdraw(st *step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(o *step) bool { return o == st })
}

// after has the simulation do something when the delay is over.
func (s *scheduler) after(delay time.Duration, do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	heap.Push(&s.events, event{time.Now().Add(delay), s.seq, do})
	select {
	case s.arrived <- struct{}{}: // it may be the next
	default:
	}
}

// run lets steps and events take their turns for so long.
func (s *scheduler) run(d time.Duration) {
	until := time.Now().Add(d)
	for {
		synctest.Wait()
		now := time.Now()
		if do := s.due(now); do != nil {
			do()
			continue
		}
		st, next := s.pick(now)
		switch {
		case st != nil:
			s.granted++
			close(st.grant)
			continue
		case !now.Before(until):
			return
		case next.IsZero() || next.After(until):
			next = until
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-s.arrived:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// due takes the next event whose moment has come.
func (s *scheduler) due(now time.Time) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 || s.events[0].at.After(now) {
		return nil
	}
	return heap.Pop(&s.events).(event).do
}

// pick takes one of the steps whose turn can come, or says when to look again.
func (s *scheduler) pick(now time.Time) (*step, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	if len(s.events) > 0 {
		next = s.events[0].at
	}
	var able []*step
	for _, st := range s.waiting {
		at := st.at
		if st.proc.frozen.After(at) {
			at = st.proc.frozen
		}
		if !at.After(now) {
			able = append(able, st)
		} else if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if len(able) == 0 {
		return nil, next
	}
	slices.SortStableFunc(able, func(a, b *step) int { return cmp.Compare(a.label, b.label) })
	st := able[s.rng.IntN(len(able))]
	s.waiting = slices.DeleteFunc(s.waiting, func(o *step) bool { return o == st })
	return st, next
}

// kill marks the process as dead; what waits for its turn gets errDead.
func (s *scheduler) kill(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.dead {
		p.dead = true
		close(p.dying)
	}
}

// killed reports whether the process is dead.
func (s *scheduler) killed(p *process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return p.dead
}

// events is a heap, the earliest first.
type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at.Equal(e[j].at) {
		return e[i].seq < e[j].seq
	}
	return e[i].at.Before(e[j].at)
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

// Push implements heap.Interface.
func (e *events) Push(x any) { *e = append(*e, x.(event)) }

// Pop implements heap.Interface.
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	old[len(old)-1] = event{}
	*e = old[:len(old)-1]
	return last
}
