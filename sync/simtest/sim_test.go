package simtest_test

import (
	"flag"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/sync/simtest"
)

// flags are those of the command line; see [simtest.Config.Flags].
var flags simtest.Config

func TestMain(m *testing.M) {
	flags.Flags(flag.CommandLine)
	goleak.VerifyTestMain(m)
}

// usual is how many seeds are simulated when nobody asks for others.
const usual = 1000

// Whatever goes wrong wherever, the invariants hold.
func TestSimulation(t *testing.T) {
	cfg := flags
	if cfg.Seed == 0 && cfg.Seeds == 0 {
		cfg.Seeds = usual
	}
	r := simtest.Run(t, cfg)
	t.Log(r)
	if cfg.Seeds < usual || cfg.Faults != nil || cfg.Only != nil || cfg.Keep != nil || t.Failed() {
		return // too few to expect every fault at every step
	}
	for _, cell := range r.Missing(slices.Concat(simtest.StepFaults, simtest.HookFaults)) {
		t.Errorf("no seed has %s", cell)
	}
	for _, kind := range simtest.ActionKinds {
		if r.Acted[kind] == 0 {
			t.Errorf("nobody does %s", kind)
		}
	}
}

// Without faults of steps the engine knows what became of its writes, and
// more is asked of it.
func TestCalmSimulation(t *testing.T) {
	simtest.Run(t, simtest.Config{Seeds: usual / 10, Seed: 1_000_000, Faults: simtest.HookFaults})
}

// Without any faults everything is prompt, and nobody waits for somebody
// else's values.
func TestFaultlessSimulation(t *testing.T) {
	simtest.Run(t, simtest.Config{Seeds: usual / 10, Seed: 3_000_000, Faults: []simtest.FaultKind{}})
}
