package birdtest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// agenda is what the workspace does later by itself, such as the next status
// of a message. Its fields are guarded by Server.mu.
type agenda struct {
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup
	tasks   []task // the earliest first
	waiting int
	idle    chan struct{} // closed while nothing waits
}

type task struct {
	due time.Time
	do  func()
}

// later does something under the lock when d has passed by the workspace's
// clock: then, or at the first call after the clock was put forward. The
// caller holds s.mu.
func (s *Server) later(d time.Duration, do func()) {
	a := &s.agenda
	switch {
	case a.ctx.Err() != nil:
		return
	case d <= 0:
		do()
		return
	}
	due := s.clock.Now().Add(d)
	at, _ := slices.BinarySearchFunc(a.tasks, due, func(t task, due time.Time) int {
		if t.due.After(due) {
			return 1
		}
		return -1 // after those of the same time
	})
	a.tasks = slices.Insert(a.tasks, at, task{due, do})
	if a.waiting == 0 {
		a.idle = make(chan struct{})
	}
	a.waiting++
	a.work.Go(func() { s.await(d) })
}

// await wakes the workspace after d.
func (s *Server) await(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.agenda.ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catchUp()
	if s.agenda.waiting--; s.agenda.waiting == 0 {
		close(s.agenda.idle)
	}
}

// catchUp does everything that is due. The caller holds s.mu.
func (s *Server) catchUp() {
	a := &s.agenda
	for a.ctx.Err() == nil && len(a.tasks) > 0 && !a.tasks[0].due.After(s.clock.Now()) {
		do := a.tasks[0].do
		a.tasks = a.tasks[1:]
		do()
	}
}

// settle waits until the agenda is empty or ctx ends. Tasks that a stopped or
// put-back clock holds up are not waited for.
func (s *Server) settle(ctx context.Context) error {
	s.mu.Lock()
	idle, waiting := s.agenda.idle, s.agenda.waiting
	s.mu.Unlock()
	if waiting == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// stop ends the agenda and waits for its goroutines.
func (s *Server) stop() {
	s.mu.Lock()
	s.agenda.cancel()
	s.mu.Unlock()
	s.agenda.work.Wait()
}
