package pgqueue

import (
	"context"
	stdsync "sync"
	"time"
)

// A read asks every stream of the owner for what is new, which costs the same
// if there is little. So after a read that brought little, the next one waits
// until some may have gathered: 2 ms for all 256 streams. A search for late
// commits reads again what is known, and may have to many times while xmin
// stands still; so the next search waits for as long as reading that much
// takes, and there is always time for other work.
const (
	little  = 100
	breath  = 8 * time.Microsecond // per stream
	glance  = 8 * time.Microsecond // per entry read again
	respite = 50 * time.Millisecond
)

// pace keeps reads from following each other too closely. It decides on
// nothing but that.
type pace struct {
	mu    stdsync.Mutex
	next  time.Time // of the next read
	again time.Time // of the next search for late commits
}

// wait waits until the next read may begin and says whether it should look for
// late commits.
func (p *pace) wait(ctx context.Context) (again bool, err error) {
	p.mu.Lock()
	now := time.Now()
	pause := p.next.Sub(now)
	again = !now.Before(p.again)
	p.mu.Unlock()
	if pause <= 0 {
		return again, nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return again, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// read notes how many entries a read of so many streams brought.
func (p *pace) read(streams, entries int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = time.Time{}
	if entries < little {
		p.next = time.Now().Add(time.Duration(streams) * breath)
	}
}

// searched notes how many entries a search for late commits read again. While
// a transaction that pushed messages stays open, it walked over all that was
// deleted since, besides.
func (p *pace) searched(entries int, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause := min(time.Duration(entries)*glance, respite)
	if held {
		pause = respite
	}
	p.again = time.Now().Add(pause)
}
