package simtest

import (
	"runtime"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Config says what to simulate. The zero value simulates the flow and the
// activity of [Demo], with all faults.
type Config struct {
	// Flows and Activities are the host's. The engines of all processes share
	// them.
	Flows      []*sync.Flow
	Activities []*sync.Activity
	// Invent makes up the n-th value that a person enters into a raw field of
	// a side; [Invent] by default. A value that the field's lenses refuse is
	// not entered; a blank one says that people do not edit the field. No
	// value may come twice.
	Invent func(f *sync.Flow, side sync.Side, name string, n int) sync.Value
	// Tell completes a fact about to happen, such as with Data; nil leaves it
	// without.
	Tell func(sync.Fact) sync.Fact

	// Seed is the first seed, 1 by default, and Seeds how many are run, 1 by
	// default.
	Seed  uint64
	Seeds int
	// Faults are the kinds of faults that happen; nil is all of them, and an
	// empty slice none.
	Faults []FaultKind
	// Only, when not nil, has exactly these faults happen.
	Only []Fault
	// Keep, when not nil, lists which of the actions that the seed draws
	// happen, by their numbers from 0.
	Keep []int
	// Actions is how much happens in a run, 40 by default, and Processes how
	// many share the work, 3 by default.
	Actions   int
	Processes int
	// SweepInterval is that of the engines, 20 s by default.
	SweepInterval time.Duration
	// Shift is how far the clocks of all systems are ahead of the engines'. What
	// becomes of the values does not depend on it.
	Shift time.Duration
	// Wrap may replace what an engine is made of. It is called for each
	// process at its start: to plant a bug, or to simulate a decorator that
	// the host uses.
	Wrap func(*sync.Config)
	// Parallel is how many seeds are simulated at once, GOMAXPROCS by default.
	Parallel int
	// Trace keeps the trace's text in the result.
	Trace bool
}

func (c Config) withDefaults() Config {
	if len(c.Flows) == 0 {
		c.Flows, c.Activities = Demo()
	}
	if c.Invent == nil {
		c.Invent = Invent
	}
	if c.Faults == nil {
		c.Faults = slices.Concat(StepFaults, HookFaults)
	}
	setDefault(&c.Seed, 1)
	setDefault(&c.Seeds, 1)
	setDefault(&c.Actions, 40)
	setDefault(&c.Processes, 3)
	setDefault(&c.Parallel, runtime.GOMAXPROCS(0))
	setDefault(&c.SweepInterval, 20*time.Second)
	return c
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// A Result is what came of one seed.
type Result struct {
	Seed uint64
	// Hash is that of everything that happened. It is the same in each run of
	// a seed with the same configuration and version.
	Hash       uint64
	Steps      int           // calls to store, queue and vendors
	Lasted     time.Duration // of virtual time
	Writes     int           // of the engines, to synced records
	Violations []Violation
	Faults     []Fault  // those that happened, in order
	Script     []Action // what people did, or would have without Config.Keep
	Table      Table
	Acted      map[ActionKind]int
	Trace      []string
	// Final is a hash of the values that the records have in the end.
	Final uint64
}

// Failed reports whether an invariant did not hold.
func (r *Result) Failed() bool { return len(r.Violations) > 0 }
