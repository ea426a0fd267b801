package simtest

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Simulate runs one seed and returns what came of it. It needs t only for the
// bubble of virtual time, and never fails it.
func Simulate(t *testing.T, seed uint64, cfg Config) Result {
	t.Helper()
	cfg = cfg.withDefaults()
	var out Result
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, cfg)
		w.play()
		out = Result{Seed: seed, Hash: w.trace.hash.Sum64(), Steps: w.sched.granted, Lasted: time.Since(epoch), Writes: w.check.writes,
			Violations: w.check.violations, Faults: w.faults.happened, Script: w.script, Table: w.faults.table, Acted: w.acted, Trace: w.trace.text, Final: w.final()}
	})
	return out
}

// play plays a run to its end and judges it.
func (w *world) play() {
	defer w.end()
	for i := range w.cfg.Processes {
		w.start(fmt.Sprint("p", i+1))
	}
	if w.broken != nil {
		w.check.fail("configuration", nil, "%v", w.broken)
		return
	}
	last := time.Duration(0)
	for i, a := range w.script {
		if w.cfg.Keep != nil && !slices.Contains(w.cfg.Keep, i) {
			continue
		}
		w.sched.after(time.Second+a.At, func() { w.act(a) })
		last = max(last, a.At)
	}
	w.sched.run(last + 5*time.Second)
	w.heal()
	if !w.settle() || !w.verify() || !w.revive() {
		return
	}
	w.check.end()
	w.again()
}

// heal ends all faults, and people mend what they have broken.
func (w *world) heal() {
	w.trace.add("world", "heals")
	w.faults.over = true
	for _, p := range w.procs {
		p.frozen = time.Time{}
	}
	for _, name := range w.systems {
		v := w.vendors[name]
		v.down = time.Time{}
		for _, field := range sortedKeys(keys(v.lost)) {
			w.lose(v, field, "")
		}
	}
	for _, f := range w.cfg.Flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			w.cure(f, s)
		}
	}
}

// cure replaces values that break a rule.
func (w *world) cure(f *sync.Flow, s sync.Side) {
	v := w.vendors[f.End(s).System]
	for _, ref := range v.living(f.End(s).Kind) {
		for _, name := range w.editable(f, s) {
			if !readable(f, s, name, v.records[ref].fields) {
				w.enter(f, s, ref, w.invent(f, s, ref, name))
			}
		}
	}
}

// longest is how long a healed world may take to come to rest.
const longest = 30 * time.Minute

// settle lets the world come to rest: nothing is on its way and nothing waits
// for the time of two sweeps. It is false when that does not happen.
func (w *world) settle() bool {
	const look = 5 * time.Second
	need := 2*w.cfg.SweepInterval + 15*time.Second
	quiet := time.Duration(0)
	for start := time.Now(); time.Since(start) < longest; {
		w.sched.run(look)
		stats, err := w.log.Stats(background, time.Now())
		if err != nil || w.net.flying > 0 || stats.Waiting > 0 {
			quiet = 0
			continue
		}
		if quiet += look; quiet >= need {
			return true
		}
	}
	stats, _ := w.log.Stats(background, time.Now())
	w.check.fail("I18 liveness", nil, "after %s without faults %d messages still wait and %d webhooks are on their way", longest, stats.Waiting, w.net.flying)
	return false
}

// revive replays the dead letters, as a person does who has mended what was
// wrong, until none is left or they stay.
func (w *world) revive() bool {
	for range 3 {
		dead, _ := w.log.Dead(background, sync.DeadFilter{Limit: 1 << 20})
		if len(dead) == 0 {
			break
		}
		ids := make([]string, len(dead))
		for i := range dead {
			ids[i] = dead[i].Message.ID
		}
		_, _ = w.log.Replay(background, time.Now(), ids)
		if !w.settle() {
			return false
		}
	}
	return true
}

// verify has everything verified in worlds whose systems could not hold a
// field for a while: the engine catches up by itself, but when that fails it
// leaves the rest to the next verification.
func (w *world) verify() bool {
	if w.acted[Archive] == 0 {
		return true
	}
	name, _ := pick(w.alive(), 0)
	go func() {
		for _, f := range w.cfg.Flows {
			_, _ = w.procs[name].engine.Verify(background, f.Name)
		}
	}()
	return w.settle()
}

// again has every record looked at once more: nothing may be left to write.
func (w *world) again() {
	before := w.check.writes
	var items []sync.Item
	for _, f := range w.cfg.Flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			for i, ref := range w.vendors[f.End(s).System].living(f.End(s).Kind) {
				items = append(items, sync.Change{ID: fmt.Sprint("again:", f.Name, s, i), Ref: ref, Reason: sync.ReasonManual})
			}
		}
	}
	name, _ := pick(w.alive(), 0)
	go func() { _ = w.procs[name].engine.Enqueue(background, items...) }()
	if w.settle() && w.check.writes > before {
		w.check.fail("I7 fixpoint", nil, "a second look at everything made %d writes", w.check.writes-before)
	}
}

// final sums up the values that the records have.
func (w *world) final() uint64 {
	h := fnv.New64a()
	for _, name := range slices.Sorted(slices.Values(w.systems)) {
		v := w.vendors[name]
		for _, ref := range v.all() {
			if r := v.records[ref]; !r.deleted {
				fmt.Fprintln(h, ref, values(r.fields))
			}
		}
	}
	return h.Sum64()
}

// end ends all processes, so that the bubble can end.
func (w *world) end() {
	for _, name := range sortedKeys(keys(w.procs)) {
		p := w.procs[name]
		w.sched.kill(p)
		p.stop()
	}
	synctest.Wait()
}
