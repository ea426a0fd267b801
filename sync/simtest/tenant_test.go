package simtest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// tenants returns the demo for two tenants, each with systems of their own.
func tenants() Config {
	cfg := Config{}
	cfg.Flows, cfg.Activities = Demo()
	flows, activities := Demo()
	twin := map[sync.System]sync.System{"alpha": "gamma", "beta": "delta"}
	flows[0].Name = "customers"
	flows[0].Left.System, flows[0].Right.System = twin[flows[0].Left.System], twin[flows[0].Right.System]
	for _, a := range activities {
		a.Name, a.Fact, a.System = a.Name+" of customers", a.Fact+" by a customer", twin[a.System]
		a.Relate = []sync.Relation{{Flow: flows[0].Name, Required: true}}
	}
	cfg.Flows, cfg.Activities = append(cfg.Flows, flows...), append(cfg.Activities, activities...)
	return cfg
}

// Two tenants share processes, store and queue, and do not meet.
func TestTenantsDoNotMeet(t *testing.T) {
	cfg := tenants()
	cfg.Seed, cfg.Seeds = 2_000_000, 40
	r := Run(t, cfg)
	if r.Writes < 10*r.Seeds {
		t.Errorf("hardly anything happened: %s", r)
	}
}

func TestTenantsThatMeetAreFound(t *testing.T) {
	cfg := tenants()
	cfg.Wrap = func(c *sync.Config) {
		c.Peers = maps.Clone(c.Peers)
		c.Peers["beta"] = c.Peers["delta"]
	}
	for seed := uint64(1); seed <= 20; seed++ {
		r := Simulate(t, seed, cfg)
		if slices.ContainsFunc(r.Violations, func(v Violation) bool { return strings.HasPrefix(v.Invariant, "I15 ") }) {
			t.Logf("found by seed %d", seed)
			return
		}
	}
	t.Error("not found by 20 seeds")
}
