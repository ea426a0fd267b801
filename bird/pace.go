package bird

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// A pace lets calls go on one after the other, their beginnings a span apart
// at the least.
type pace struct {
	every time.Duration
	one   *semaphore.Weighted
	last  time.Time // the last beginning
}

func newPace(perSecond float64) *pace {
	return &pace{every: time.Duration(float64(time.Second) / perSecond), one: semaphore.NewWeighted(1)}
}

// wait returns when it is the caller's turn, which lasts until done, or with
// the context's error.
func (p *pace) wait(ctx context.Context) error {
	if err := p.one.Acquire(ctx, 1); err != nil {
		return err
	}
	timer := time.NewTimer(time.Until(p.last.Add(p.every)))
	defer timer.Stop()
	select {
	case <-timer.C:
		p.last = time.Now()
		return nil
	case <-ctx.Done():
		p.done()
		return ctx.Err()
	}
}

func (p *pace) done() { p.one.Release(1) }
