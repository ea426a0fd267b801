package simtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"
)

// A Report is what came of many seeds.
type Report struct {
	First    uint64 // the first seed
	Seeds    int
	Steps    int           // calls to store, queue and vendors
	Lasted   time.Duration // of virtual time, in all
	Writes   int           // of the engines
	Faults   int
	Table    Table
	Acted    map[ActionKind]int
	Failures []Failure

	mu stdsync.Mutex
}

// A Failure is a seed that broke an invariant.
type Failure struct {
	Result Result // made as small as possible
	Replay Config // what runs it again
	Flags  string // the same as flags; see [Config.Flags]
}

// enough failures of different seeds end the search for more.
const enough = 3

func (r *Report) add(res *Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Seeds++
	r.Steps += res.Steps
	r.Lasted += res.Lasted
	r.Writes += res.Writes
	r.Faults += len(res.Faults)
	for kind, row := range res.Table {
		for step, n := range row {
			r.Table.add(kind, step, n)
		}
	}
	for kind, n := range res.Acted {
		r.Acted[kind] += n
	}
}

func (r *Report) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.Failures) >= enough
}

// Run simulates Config.Seeds seeds and fails the test for each of the first
// few that break an invariant, made as small as possible. Some seeds are run
// twice, to see that their trace is the same.
func Run(t *testing.T, cfg Config) *Report {
	t.Helper()
	cfg = cfg.withDefaults()
	r := &Report{First: cfg.Seed, Table: Table{}, Acted: map[ActionKind]int{}}
	next := make(chan uint64, cfg.Seeds)
	for i := range cfg.Seeds {
		next <- cfg.Seed + uint64(i)
	}
	close(next)
	t.Run("seeds", func(t *testing.T) {
		for i := range min(cfg.Parallel, cfg.Seeds) {
			t.Run(fmt.Sprint(i+1), func(t *testing.T) {
				t.Parallel()
				for seed := range next {
					if !r.full() {
						r.run(t, seed, cfg)
					}
				}
			})
		}
	})
	return r
}

// run simulates one seed.
func (r *Report) run(t *testing.T, seed uint64, cfg Config) {
	res := Simulate(t, seed, cfg)
	r.add(&res)
	if seed%100 == 1 {
		if again := Simulate(t, seed, cfg); again.Hash != res.Hash {
			t.Errorf("I20 replay: seed %d has the trace %x, and then %x", seed, res.Hash, again.Hash)
		}
	}
	if seed%50 == 3 {
		shifted := cfg
		shifted.Shift = 7 * time.Hour
		if ahead := Simulate(t, seed, shifted); ahead.Final != res.Final {
			t.Errorf("I19 clock freedom: seed %d ends with other values when the engines' clocks are seven hours behind", seed)
		}
	}
	if !res.Failed() {
		return
	}
	small, replay := Shrink(t, res, cfg)
	f := Failure{small, replay, replay.flags(seed)}
	r.mu.Lock()
	r.Failures = append(r.Failures, f)
	r.mu.Unlock()
	t.Error(f.String())
}

// String tells a failure with the story of the records concerned.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d breaks an invariant; replay it with %s\n", f.Result.Seed, f.Flags)
	for _, v := range f.Result.Violations {
		fmt.Fprintf(&b, "%s\n", v)
	}
	for _, i := range f.Replay.Keep {
		if i < len(f.Result.Script) {
			a := f.Result.Script[i]
			fmt.Fprintf(&b, "action %d at %s: %s on the %s side\n", i, a.At+time.Second, a.Kind, a.Side)
		}
	}
	for _, fault := range f.Result.Faults {
		fmt.Fprintf(&b, "fault %s\n", fault)
	}
	return b.String()
}

// Missing lists the combinations of fault and step that are possible and did
// not happen, as "fault at step".
func (r *Report) Missing(kinds []FaultKind) []string {
	var out []string
	for _, kind := range kinds {
		for _, step := range columns() {
			if Possible(kind, step) && r.Table[kind][step] == 0 {
				out = append(out, string(kind)+" at "+step)
			}
		}
	}
	return out
}

func columns() []string { return slices.Concat(steps, []string{"hook.change", "hook.fact"}) }

// String shows the figures and the table of faults and steps; a dot stands
// for what cannot happen.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d seeds from %d: %d steps, %d faults, %d writes in %s of virtual time\n", r.Seeds, r.First, r.Steps, r.Faults, r.Writes, r.Lasted.Round(time.Minute))
	kinds := slices.Concat(StepFaults, HookFaults)
	fmt.Fprintf(&b, "%-16s", "")
	for _, kind := range kinds {
		fmt.Fprintf(&b, "%13s", kind)
	}
	b.WriteByte('\n')
	for _, step := range columns() {
		fmt.Fprintf(&b, "%-16s", step)
		for _, kind := range kinds {
			cell := "."
			if Possible(kind, step) {
				cell = fmt.Sprint(r.Table[kind][step])
			}
			fmt.Fprintf(&b, "%13s", cell)
		}
		b.WriteByte('\n')
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Acted)) {
		fmt.Fprintf(&b, "%s %d  ", kind, r.Acted[kind])
	}
	return b.String()
}
