package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// A world is one run: two or more vendors and a deployment between them.
type world struct {
	seed        uint64
	cfg         Config
	activities  []*sync.Activity
	sched       *scheduler
	faults      *faults
	trace       *trace
	check       *checker
	history     *history
	net         *network
	store       *memstore.Store
	log         *memqueue.Log
	systems     []sync.System
	tenants     map[sync.System]tenant
	flowTenants map[string]tenant // of all that the engine keeps links for
	vendors     map[sync.System]*vendor
	procs       map[string]*process
	script      []Action
	linkNames   map[string]string
	merged      map[sync.Ref]bool
	poisoned    map[sync.Ref]bool
	removed     map[sync.Ref]bool
	acted       map[ActionKind]int
	events      map[sync.EventType]int // guarded by the scheduler's lock
	lives       int
	invented    int
	facts       int
	broken      error // an engine could not be made
	erasures    []*erasure
	undone      map[sync.Ref]bool // the ends of pairs of which writes were taken back
	unheard     map[sync.Ref]bool // of whose coming nobody was told
	loads       int
	errands     int
	said        strings.Builder // logs and errors; guarded by the scheduler's lock

	mu stdsync.Mutex // guards what is used outside of steps
}

// newWorld draws a world.
func newWorld(seed uint64, cfg Config) *world {
	rng := rand.New(rand.NewPCG(seed, 1))
	w := &world{
		seed: seed, cfg: cfg, history: newHistory(), trace: newTrace(cfg.Trace), sched: newScheduler(rand.New(rand.NewPCG(seed, 2))),
		store: memstore.New(), log: memqueue.NewLog(&memqueue.Options{Shards: 16}),
		faults:  &faults{seed: seed, rates: draw(seed, cfg.Faults), calls: map[string]int{}, table: Table{}},
		vendors: map[sync.System]*vendor{}, procs: map[string]*process{}, linkNames: map[string]string{},
		merged: map[sync.Ref]bool{}, poisoned: map[sync.Ref]bool{}, removed: map[sync.Ref]bool{}, undone: map[sync.Ref]bool{}, unheard: map[sync.Ref]bool{}, acted: map[ActionKind]int{}, events: map[sync.EventType]int{},
	}
	if cfg.Only != nil {
		w.faults.list = map[Fault]bool{}
		for _, f := range cfg.Only {
			w.faults.list[f] = true
		}
	}
	w.check, w.net = newChecker(w), &network{w: w}
	for _, a := range cfg.Activities {
		copied := *a
		copied.Patience = patience // a run must come to an end
		w.activities = append(w.activities, &copied)
	}
	w.settleVendors(rng)
	w.settleTenants()
	w.script = script(rng, cfg.Actions, len(cfg.Flows))
	return w
}

// patience is how long facts wait for their records in a simulation.
const patience = 3 * time.Minute

// settleVendors makes the systems of the flows with habits that the seed draws.
func (w *world) settleVendors(rng *rand.Rand) {
	for _, f := range w.cfg.Flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			name := f.End(s).System
			v := w.vendors[name]
			if v == nil {
				v = newVendor(name, strings.ToUpper(string(name[:1])), quirks(rng))
				v.shift = w.cfg.Shift
				v.changed = func(ref sync.Ref, _ bool, fields sync.Fields) { w.net.changed(v, ref, fields) }
				w.vendors[name] = v
				w.systems = append(w.systems, name)
			}
			w.habits(rng, v, f, s)
		}
	}
}

func quirks(rng *rand.Rand) Quirks {
	coin := func() bool { return rng.IntN(2) == 0 }
	q := Quirks{Historian: coin(), Terse: coin(), Claims: coin(), NewID: coin(), Format: map[string]func(string) string{},
		Tick: time.Millisecond, Lag: time.Duration(rng.IntN(10)) * time.Second, Page: 5 + rng.IntN(50)}
	if coin() {
		q.Offset = time.Duration(rng.IntN(8000)-4000) * time.Millisecond
	}
	if coin() {
		q.Tick = time.Second
	}
	return q
}

// habits adds what a flow's fields make possible: unique keys, and forms into
// which values are brought without another meaning.
func (w *world) habits(rng *rand.Rand, v *vendor, f *sync.Flow, s sync.Side) {
	if key := f.End(s).CreateKey; key != "" && !slices.Contains(v.quirks.Unique, key) {
		v.quirks.Unique = append(v.quirks.Unique, key)
	}
	for i := range f.Identity {
		lens := f.Identity[i].Left
		if s == sync.Right {
			lens = f.Identity[i].Right
		}
		name := lens.Names()[0]
		if name != sync.IDField && !slices.Contains(v.quirks.Unique, name) {
			v.quirks.Unique = append(v.quirks.Unique, name)
		}
	}
	for i := range f.Fields {
		for _, name := range lensOf(&f.Fields[i], s).Names() {
			form := forms[rng.IntN(len(forms))]
			if w.harmless(f, s, name, form) {
				v.quirks.Format[name] = form
			}
		}
	}
}

// forms are how systems reformat what they are given.
var forms = []func(string) string{strings.ToLower, strings.ToUpper, strings.TrimSpace,
	func(s string) string { return strings.ReplaceAll(s, " ", "") },
	func(s string) string { return strings.Replace(s, "57300", "57 300 ", 1) },
}

// harmless reports whether a form of a field means the same to all its lenses.
func (w *world) harmless(f *sync.Flow, s sync.Side, name string, form func(string) string) bool {
	sample := w.cfg.Invent(f, s, name, 1)
	if name == sync.IDField || sample.Blank() || sample.IsNumber() || sample.IsList() || sample.IsBool() {
		return false
	}
	for i := range f.Fields {
		lens := lensOf(&f.Fields[i], s)
		if !slices.Contains(lens.Names(), name) {
			continue
		}
		a, err := lens.Get(sync.Fields{name: sample})
		b, err2 := lens.Get(sync.Fields{name: sync.Text(form(sample.String()))})
		if err != nil || err2 != nil || a != b {
			return false
		}
	}
	return true
}

// syncs reports whether a flow has such records.
func (w *world) syncs(ref sync.Ref) bool {
	return slices.ContainsFunc(w.cfg.Flows, func(f *sync.Flow) bool { _, ok := f.SideOf(ref); return ok })
}

// records reports whether such records are what facts become.
func (w *world) records(ref sync.Ref) bool {
	return slices.ContainsFunc(w.activities, func(a *sync.Activity) bool { return a.System == ref.System && a.Kind == ref.Kind }) && !w.syncs(ref)
}

// tell adds a line to a record's story.
func (w *world) tell(ref sync.Ref, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	w.trace.add(ref.String(), line)
	if w.cfg.Trace {
		w.history.lines[ref] = append(w.history.lines[ref], clock(time.Now())+" "+ref.String()+": "+line)
	}
}

// story returns what happened to records, when a trace is kept.
func (w *world) story(refs []sync.Ref) []string {
	var out []string
	for _, ref := range refs {
		out = append(out, w.history.lines[ref]...)
	}
	return out
}
