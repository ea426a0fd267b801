package pgqueue

import (
	"context"
	stdsync "sync"
	"time"
)

// A read asks every stream of the owner for what is new, which costs the same
// if there is little. So after a read that brought little, the next one waits
// until some may have gathered: 2 ms for all 256 streams, or as long as that
// one took. The search for late commits makes some take long: it reads again
// what is known, and while a transaction that pushed messages stays open it
// walks over all that was deleted since. It cannot be left out of a read, which
// would show a message before an earlier one of its key.
const (
	little  = 100
	breath  = 8 * time.Microsecond // per stream
	respite = 50 * time.Millisecond
)

// pace keeps reads from following each other too closely. It decides on
// nothing but that.
type pace struct {
	mu   stdsync.Mutex
	next time.Time // of the next read
}

// wait waits until the next read may begin.
func (p *pace) wait(ctx context.Context) error {
	p.mu.Lock()
	pause := time.Until(p.next)
	p.mu.Unlock()
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read notes how long a read of so many streams took and how many entries it
// brought, those that a search found again left out.
func (p *pace) read(streams, fresh int, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = time.Time{}
	if fresh < little {
		p.next = time.Now().Add(max(time.Duration(streams)*breath, min(took, respite)))
	}
}
