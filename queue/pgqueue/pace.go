package pgqueue

import (
	"context"
	stdsync "sync"
	"time"
)

// A read asks every stream of the owner for what is new, which costs the same
// if there is little. So after a read that brought little, the next one waits
// until some may have gathered: 2 ms for all 256 streams.
const (
	little  = 100
	breath  = 8 * time.Microsecond // per stream
	respite = 50 * time.Millisecond
)

// pace keeps reads from following each other too closely. It decides on
// nothing but that.
type pace struct {
	mu    stdsync.Mutex
	next  time.Time // of the next read
	again time.Time // when late commits are next looked for while they are held up
}

// wait waits until the next read may begin and says whether it should look for
// late commits. While a transaction that pushed messages stays open, that
// walks over all that was deleted since, and so is done now and then.
func (p *pace) wait(ctx context.Context, held bool) (again bool, err error) {
	p.mu.Lock()
	now := time.Now()
	pause := p.next.Sub(now)
	if again = !held || !now.Before(p.again); again {
		p.again = now.Add(respite)
	}
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
