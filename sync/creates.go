package sync

import "sync"

// creates counts the records that this process is creating, by their system
// and kind. A new record's webhook often overtakes the commit of its link;
// while creates are under way, a look at a record without a link waits a
// moment instead of reading and matching in vain.
type creates struct {
	mu sync.Mutex
	n  map[Ref]int // the Ref has no ID
}

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

// any reports whether records like ref are being created.
func (c *creates) any(ref Ref) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[Ref{System: ref.System, Kind: ref.Kind}] > 0
}
