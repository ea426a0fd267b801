package sync

import (
	"sync"
	"time"
)

// creates counts the records that this process is creating, by their system
// and kind. A new record's webhook often overtakes the commit of its link;
// while creates are under way, a look at a record without a link waits a
// moment instead of reading and matching in vain. Of those that other
// processes create it learns by a look that was in vain.
type creates struct {
	mu   sync.Mutex
	n    map[Ref]int       // the Ref has no ID
	seen map[Ref]time.Time // the last one by others; neither has the Ref an ID
}

// seenLasts is how long a create by others tells of more: a backfill makes many.
const seenLasts = 2 * time.Second

// begin counts one create until the returned function is called.
func (c *creates) begin(end *Endpoint) (done func()) {
	key := Ref{System: end.System, Kind: end.Kind}
	c.add(key, 1)
	return func() { c.add(key, -1) }
}

func (c *creates) add(key Ref, d int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[Ref]int{}
	}
	c.n[key] += d
}

// inVain notes that a look came upon ref while it was being created.
func (c *creates) inVain(ref Ref) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[Ref]time.Time{}
	}
	c.seen[Ref{System: ref.System, Kind: ref.Kind}] = time.Now()
}

// any reports whether records like ref are being created.
func (c *creates) any(ref Ref) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := Ref{System: ref.System, Kind: ref.Kind}
	return c.n[key] > 0 || time.Since(c.seen[key]) < seenLasts
}
