package simtest

import (
	"context"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A tenant is who owns systems: those that flows connect belong to one.
type tenant = sync.System

// settleTenants finds out which systems belong together.
func (w *world) settleTenants() {
	w.tenants, w.flowTenants = map[sync.System]tenant{}, map[string]tenant{}
	for _, name := range w.systems {
		w.tenants[name] = name
	}
	for _, f := range w.cfg.Flows {
		from, to := w.tenants[f.Left.System], w.tenants[f.Right.System]
		for name, t := range w.tenants {
			if t == from {
				w.tenants[name] = to
			}
		}
	}
	for _, f := range w.cfg.Flows {
		w.flowTenants[f.Name], w.flowTenants["ambiguous:"+f.Name] = w.tenants[f.Left.System], w.tenants[f.Left.System]
	}
	for _, a := range w.activities {
		w.flowTenants["activity:"+a.Name] = w.tenants[a.System]
	}
}

// crosses judges that work for one tenant touches nothing of another's.
func (c *checker) crosses(ctx context.Context, into tenant, what string) {
	lane := strings.TrimPrefix(sync.LaneOf(ctx), "facts:")
	system, _, _ := strings.Cut(lane, ":")
	if from, known := c.w.tenants[sync.System(system)]; known && from != into {
		c.w.mu.Lock()
		defer c.w.mu.Unlock()
		c.fail("I15 tenant isolation", nil, "work on %s touches %s, which is another tenant's", lane, what)
	}
}
