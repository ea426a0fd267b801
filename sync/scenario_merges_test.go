package sync_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Five hundred merges, in which either record survives or a new one is made,
// amid edits on both sides and webhooks that come late, twice, out of order or
// never; some merges are taken back.
func TestManyMergesLeaveNoOrphans(t *testing.T) {
	bubble(t, func(w *world) {
		const people, merges = 600, 500
		rnd := rand.New(rand.NewPCG(7, 7))
		var lefts []sync.Ref
		for i := range people {
			left := w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", fmt.Sprint("Name ", i), "secret", fmt.Sprint("own ", i))
			lefts = append(lefts, left)
		}
		w.settle()
		w.agrees(people)
		undone := 0
		for i := range merges {
			rights := w.right.living()
			a := rights[rnd.IntN(len(rights))]
			b := rights[rnd.IntN(len(rights))]
			switch {
			case a == b:
			case rnd.IntN(2) == 0:
				w.right.merge(a, b)
			default:
				lost := w.right.get(b, "alpha_id")
				w.right.absorb(a, b)
				if rnd.IntN(4) == 0 {
					w.deliver(rnd)
					w.right.unmerge(b, "fullname", "Back", "alpha_id", lost)
					undone++
				}
			}
			w.left.edit(lefts[rnd.IntN(people)], "name", fmt.Sprint("Left ", i))
			w.right.edit(w.right.living()[0], "phone", fmt.Sprintf("+57300%07d", i))
			w.deliver(rnd)
		}
		w.settle()
		w.enqueue(looks(append(w.left.living(), w.right.living()...))...) // what a sweep does
		w.settle()
		w.wholeLinks(people, undone)
		for i, left := range lefts {
			w.holds(w.left, left, "secret", fmt.Sprint("own ", i))
		}
		if moved, lost := len(w.entries(sync.EntryRelinked)), len(w.entries(sync.EntryDetached)); moved < 100 || lost < 300 || undone < 30 {
			t.Errorf("%d links moved, %d were detached, %d merges were taken back: too few to prove anything", moved, lost, undone)
		}
		a := w.verify()
		if a.Ratio() != 1 || a.Missing != 0 {
			t.Errorf("agreement %+v", a)
		}
	}, func(w *world) { w.cfg.Guard.Detachments = 1000 })
}

// Five hundred merges on both sides, of records whose counterparts may be merged
// at the same moment, in another way.
func TestManyMergesOnBothSidesLeaveNoOrphans(t *testing.T) {
	bubble(t, func(w *world) {
		const people, merges = 700, 500
		rnd := rand.New(rand.NewPCG(11, 11))
		for i := range people {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", fmt.Sprint("Name ", i))
		}
		w.settle()
		w.agrees(people)
		done := map[*fake]int{}
		for i := range merges {
			f := []*fake{w.left, w.right}[rnd.IntN(2)]
			all := f.living()
			a, b := all[rnd.IntN(len(all))], all[rnd.IntN(len(all))]
			switch {
			case a == b:
				continue
			case rnd.IntN(2) == 0:
				f.merge(a, b)
			default:
				f.absorb(a, b)
			}
			done[f]++
			lefts, rights := w.left.living(), w.right.living()
			w.left.edit(lefts[rnd.IntN(len(lefts))], "name", fmt.Sprint("Left ", i))
			w.right.edit(rights[rnd.IntN(len(rights))], "phone", fmt.Sprintf("+57300%07d", i))
			w.deliver(rnd)
		}
		w.settle()
		w.enqueue(looks(append(w.left.living(), w.right.living()...))...) // what a sweep does
		w.settle()
		w.verify() // finds the pairs that nobody told of
		w.settle()
		if done[w.left] < 200 || done[w.right] < 200 {
			t.Errorf("%d merges on the left and %d on the right prove little", done[w.left], done[w.right])
		}
		w.noOrphans()
		crossed := w.crossed()
		if a := w.verify(); a.Compared-a.Equal > 2*len(crossed)*len(w.flow.Fields) || a.Missing != 0 {
			t.Errorf("agreement %+v, and %d dead letters", a, len(crossed))
		}
		if len(crossed) > people/20 {
			t.Errorf("%d records wait for a person", len(crossed))
		}
	}, func(w *world) { w.cfg.Guard.Detachments = 1000 })
}

// crossed returns the records with dead letters, which must tell of merges that
// crossed: two pairs of which each holds the email that belongs to the other.
// Nobody but a person can part them. It happens in three runs of a hundred.
func (w *world) crossed() map[string]bool {
	w.Helper()
	out := map[string]bool{}
	for _, d := range w.dead() {
		if rule := d.History[len(d.History)-1].Rule; rule != "unique" && rule != "identity.ambiguous" {
			w.Errorf("dead letter %s: %s", d.Message.Key, d.History[len(d.History)-1].Error)
		}
		out[d.Message.Key] = true
	}
	return out
}

// noOrphans checks that active links join living records, each of them one, and
// that no living record is without any link.
func (w *world) noOrphans() {
	w.Helper()
	links, err := w.store.Links(w.ctx, "people", "", 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	all := append(w.left.living(), w.right.living()...)
	alive, active, known := map[sync.Ref]bool{}, map[sync.Ref]int{}, map[sync.Ref]bool{}
	for _, ref := range all {
		alive[ref] = true
	}
	for _, l := range links {
		for _, ref := range []sync.Ref{l.Left, l.Right} {
			known[w.now(ref)] = true
			if l.State != sync.Active {
				continue
			}
			if active[ref]++; !alive[ref] || active[ref] > 1 {
				w.Errorf("%s is alive %v and has %d links", ref, alive[ref], active[ref])
			}
		}
	}
	for _, ref := range all {
		if !known[ref] {
			w.Errorf("%s has no link at all", ref)
		}
	}
}

// now is the record as which one answers after merges.
func (w *world) now(ref sync.Ref) sync.Ref {
	f := w.left
	if ref.System == rightSystem {
		f = w.right
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ref(f.resolve(ref.ID))
}

// deliver delivers some of the webhooks on their way, in any order.
func (w *world) deliver(rnd *rand.Rand) {
	w.Helper()
	hooks := w.takeHooks()
	rnd.Shuffle(len(hooks), func(i, k int) { hooks[i], hooks[k] = hooks[k], hooks[i] })
	for _, h := range hooks {
		switch rnd.IntN(5) {
		case 0: // lost
		case 1:
			w.enqueue(h, h)
		default:
			w.enqueue(h)
		}
	}
	if rnd.IntN(3) == 0 {
		w.once()
		time.Sleep(time.Second)
	}
}

// wholeLinks checks that every link leads to living records, every right record
// has one, and nobody was doubled.
func (w *world) wholeLinks(people, undone int) {
	w.Helper()
	links, err := w.store.Links(w.ctx, "people", "", 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	alive, linked := map[sync.Ref]bool{}, map[sync.Ref]int{}
	for _, ref := range append(w.left.living(), w.right.living()...) {
		alive[ref] = true
	}
	for _, l := range links {
		if l.State != sync.Active {
			continue
		}
		for _, ref := range []sync.Ref{l.Left, l.Right} {
			if linked[ref]++; !alive[ref] || linked[ref] > 1 {
				w.Errorf("%s is alive %v and has %d links", ref, alive[ref], linked[ref])
			}
		}
	}
	for _, ref := range w.right.living() {
		if linked[ref] != 1 {
			w.Errorf("%s has %d links", ref, linked[ref])
		}
	}
	if n := len(w.left.living()); n < people || n > people+undone {
		w.Errorf("%d left records, want from %d to %d more", n, people, undone)
	}
	w.noDead()
}
