package simtest

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// A FaultKind is a way in which a step can go wrong.
type FaultKind string

// The faults of a step.
const (
	CrashBefore FaultKind = "crash-before" // the process dies before the effect
	CrashAfter  FaultKind = "crash-after"  // the process dies after the effect
	Fail        FaultKind = "fail"         // an error before the effect
	AnswerLost  FaultKind = "answer-lost"  // the effect, and then an error
	RateLimit   FaultKind = "rate-limit"   // a vendor asks to wait
	Deny        FaultKind = "deny"         // a vendor refuses the credentials for a moment
	Slow        FaultKind = "slow"         // the step takes seconds
	Freeze      FaultKind = "freeze"       // the process stands still for longer than its leases
)

// The faults on the way of a webhook.
const (
	Lose    FaultKind = "lose"     // it never comes
	Double  FaultKind = "double"   // it comes twice under one ID
	Repeat  FaultKind = "repeat"   // it comes again, later, under another ID
	Delay   FaultKind = "delay"    // it comes minutes late, after others
	NoAgain FaultKind = "no-retry" // it is not sent again when it is refused
)

// StepFaults and HookFaults list the faults, rare ones first: of two that fall
// on one step the first happens.
var (
	StepFaults = []FaultKind{Freeze, CrashBefore, CrashAfter, Slow, Deny, RateLimit, AnswerLost, Fail}
	HookFaults = []FaultKind{Lose, Double, Repeat, Delay, NoAgain}
)

// A Fault is one fault at one place: the n-th time, from 1, that an actor
// takes a step. So it can be taken out of a run without moving the others.
type Fault struct {
	Actor string
	Step  string
	N     int
	Kind  FaultKind
}

// String returns the fault as -faults takes it, such as
// "p1:store.commit:7:crash-after".
func (f Fault) String() string { return fmt.Sprintf("%s:%s:%d:%s", f.Actor, f.Step, f.N, f.Kind) }

// ParseFault is the inverse of [Fault.String].
func ParseFault(s string) (Fault, error) {
	part := strings.Split(s, ":")
	if len(part) != 4 {
		return Fault{}, fmt.Errorf("simtest: the fault %q is not actor:step:n:kind", s)
	}
	f := Fault{Actor: part[0], Step: part[1], Kind: FaultKind(part[3])}
	if _, err := fmt.Sscanf(part[2], "%d", &f.N); err != nil {
		return Fault{}, fmt.Errorf("simtest: the fault %q has no number: %w", s, err)
	}
	if !slices.Contains(StepFaults, f.Kind) && !slices.Contains(HookFaults, f.Kind) {
		return Fault{}, fmt.Errorf("simtest: the fault %q is of no known kind", s)
	}
	return f, nil
}

// mutating are the steps that have an effect, so that an answer can be lost.
var mutating = []string{
	"store.begin", "store.commit", "store.append", "store.setcursor",
	"queue.append", "queue.delete", "queue.hold", "queue.bury", "queue.lease", "queue.release",
	"vendor.update", "vendor.create", "vendor.record", "vendor.erase",
}

// steps are all the steps at which faults happen.
var steps = append([]string{
	"store.link", "store.links", "store.base", "store.cursor", "queue.take", "queue.read", "queue.stats", "queue.dead",
	"vendor.read", "vendor.match", "vendor.times", "vendor.changes", "vendor.related", "vendor.list",
}, mutating...)

// Possible reports whether such a fault can happen at a step.
func Possible(kind FaultKind, step string) bool {
	vendor, hook := strings.HasPrefix(step, "vendor."), strings.HasPrefix(step, "hook.")
	switch {
	case hook || slices.Contains(HookFaults, kind):
		return hook && slices.Contains(HookFaults, kind)
	case kind == AnswerLost:
		return slices.Contains(mutating, step)
	case kind == RateLimit || kind == Deny:
		return vendor
	case step == "queue.take": // happens in the process's own memory
		return kind != Fail
	case step == "queue.release": // the process is about to end anyway
		return kind != Slow && kind != Freeze
	}
	return slices.Contains(StepFaults, kind)
}

// faults decides which step goes wrong.
type faults struct {
	seed  uint64
	rates map[FaultKind]float64 // of the kinds that this seed has
	list  map[Fault]bool        // when not nil, exactly these happen
	over  bool                  // no more faults
	calls map[string]int

	happened []Fault
	table    Table
}

// A Table counts the faults that happened, by kind and step.
type Table map[FaultKind]map[string]int

func (t Table) add(kind FaultKind, step string, n int) {
	if t[kind] == nil {
		t[kind] = map[string]int{}
	}
	t[kind][step] += n
}

// at returns the fault of an actor's present step, "" for none. The decision
// depends on the place alone, not on what happened before.
func (f *faults) at(actor, step string, kinds []FaultKind) FaultKind {
	f.calls[actor+step]++
	n := f.calls[actor+step]
	if f.over {
		return ""
	}
	for _, kind := range kinds {
		if f.list == nil && f.rates[kind] == 0 || !Possible(kind, step) {
			continue
		}
		this := Fault{actor, step, n, kind}
		hit := f.list[this]
		if f.list == nil {
			hit = chance(f.seed, this.String()) < f.rates[kind]*weight(step)
		}
		if hit {
			f.happened = append(f.happened, this)
			f.table.add(kind, step, 1)
			return kind
		}
	}
	return ""
}

// weight makes up for how often a step is taken: most of the time a process
// only looks whether there is something to do.
func weight(step string) float64 {
	if w, ok := weights[step]; ok {
		return w
	}
	return 1
}

var weights = map[string]float64{
	"queue.take": 0.3, "queue.read": 0.5, "queue.lease": 0.5, "store.link": 0.7,
	"queue.stats": 3, "queue.bury": 8, "queue.release": 8, "store.links": 8, "store.append": 8,
	"vendor.related": 40, "vendor.record": 12, "vendor.times": 6, "vendor.create": 2, "vendor.match": 2,
	"vendor.erase": 20, "queue.dead": 10, "vendor.list": 10,
}

// chance returns a number in [0,1) that depends on nothing but its arguments.
func chance(seed uint64, what string) float64 {
	h := fnv.New64a()
	h.Write([]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24),
		byte(seed >> 32), byte(seed >> 40), byte(seed >> 48), byte(seed >> 56)})
	h.Write([]byte(what))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

// span returns a duration between two bounds in the same way.
func span(seed uint64, what string, from, to time.Duration) time.Duration {
	return from + time.Duration(chance(seed, what)*float64(to-from))
}

// draw gives a seed its faults: each kind is there or not, at a rate of its
// own, so that seeds differ in what is wrong with their world.
func draw(seed uint64, kinds []FaultKind) map[FaultKind]float64 {
	rates := map[FaultKind]float64{}
	for _, kind := range kinds {
		if chance(seed, "has "+string(kind)) < 0.6 {
			rates[kind] = 0.002 + 0.05*chance(seed, "rate "+string(kind))*usual[kind]
		}
	}
	return rates
}

// usual is how frequent a kind is, compared with others.
var usual = map[FaultKind]float64{
	CrashBefore: 0.15, CrashAfter: 0.15, Fail: 1, AnswerLost: 1, RateLimit: 1, Deny: 0.5, Slow: 0.5, Freeze: 0.2,
	Lose: 8, Double: 4, Repeat: 4, Delay: 4, NoAgain: 10,
}
