package sync_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// crowd makes linked pairs at rest and returns their left ends.
func (w *world) crowd(n int) []sync.Ref {
	w.Helper()
	lefts := make([]sync.Ref, n)
	for i := range lefts {
		lefts[i] = w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", fmt.Sprint("Ana ", i), "msisdn", fmt.Sprint("+57300", i))
	}
	w.rest()
	time.Sleep(time.Minute)
	w.takeWritesOf()
	return lefts
}

// C1. Of 1,500 fields 37 random ones are corrupted behind the engine's back. A
// verification names exactly these, and 37 writes of one field each heal them.
func TestThirtySevenCorruptedFieldsAreFoundAndHealed(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(w *world) {
				rng := rand.New(rand.NewPCG(seed, 37))
				lefts := w.crowd(300)
				corrupted := map[string]bool{}
				for len(corrupted) < 37 {
					left, k := lefts[rng.IntN(len(lefts))], rng.IntN(3)
					field := []string{"email", "name", "phone"}[k]
					if corrupted[left.ID+" "+field] {
						continue
					}
					corrupted[left.ID+" "+field] = true
					wrong := []string{fmt.Sprintf("wrong%d@example.com", len(corrupted)), "Wrong", "+1"}[k]
					if rng.IntN(2) == 0 {
						w.left.corrupt(left, []string{"email", "name", "msisdn"}[k], wrong)
					} else {
						w.right.corrupt(w.link(left).Right, []string{"mail", "fullname", "phone"}[k], wrong)
					}
				}
				a := w.verify()
				if len(a.Differences) != 37 || a.Compared != 300*5 || a.Equal != 300*5-37 {
					t.Errorf("%d differences, %d of %d agree", len(a.Differences), a.Equal, a.Compared)
				}
				for _, d := range a.Differences {
					if !corrupted[d.Left.ID+" "+d.Field] {
						t.Errorf("%s of %s is reported and was not corrupted", d.Field, d.Left)
					}
				}
				w.settle()
				if n := len(w.left.takeWrites()) + len(w.right.takeWrites()); n != 37 {
					t.Errorf("healed by %d writes of a field, want 37", n)
				}
				w.agrees(300)
			})
		})
	}
}

// C10. A workflow of the right system writes every phone number in a form of
// its own that means another number. Each field is written three times at most,
// and one alert tells of each.
func TestPeerThatRewritesEveryPhoneIsStopped(t *testing.T) {
	const people = 100
	bubble(t, func(w *world) {
		lefts := w.crowd(people)
		alerts, writes := map[sync.Ref]int{}, map[sync.Ref]int{}
		w.cfg.Observer = func(e sync.Event) {
			if e.Type == sync.EventTripped {
				w.mu.Lock()
				alerts[e.Ref]++
				w.mu.Unlock()
			}
		}
		w.start()
		w.right.after = func(op string, ref sync.Ref) error {
			if phone := w.right.get(ref, "phone"); op == "update" && len(phone) > 3 && phone[:3] == "+57" {
				w.right.edit(ref, "phone", phone[3:])
			}
			return nil
		}
		w.left.after = func(op string, ref sync.Ref) error {
			if phone := w.left.get(ref, "msisdn"); op == "update" && len(phone) > 3 && phone[:3] != "+57" {
				w.left.edit(ref, "msisdn", "+57"+phone)
			}
			return nil
		}
		for i, left := range lefts {
			w.left.edit(left, "msisdn", fmt.Sprint("+57301", i))
		}
		stop := w.run()
		for range 5 * 60 {
			w.enqueue(w.takeHooks()...)
			time.Sleep(time.Second)
		}
		stop()
		for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
			writes[s.ref]++
		}
		for _, left := range lefts {
			right := w.link(left).Right
			if writes[left] > 3 || writes[right] > 3 || writes[right] == 0 {
				t.Errorf("%s was written %d times and %s %d times, want 3 at most", left, writes[left], right, writes[right])
			}
			if n := alerts[left] + alerts[right]; n != 1 {
				t.Errorf("%d alerts about %s, want 1", n, left)
			}
		}
	})
}

// After quiescence nothing is left to do: a look at every record of both
// systems, two sweeps and a verification make no write.
func TestSecondSyncMakesNoWrite(t *testing.T) {
	bubble(t, func(w *world) {
		people := w.simulate(rand.New(rand.NewPCG(1, 1)), 100, 3_000)
		w.takeWritesOf()
		w.left.feed, w.right.feed = true, true
		for range 2 {
			w.look(w.left.living()...)
			w.look(w.right.living()...)
			w.rest()
		}
		w.agrees(len(people))
		w.rest()
		w.wrote()
		w.noDead()
	})
}

// simulate lets many people edit the fields of pairs on either side, while
// webhooks come in any order, twice or late, and calls fail. It returns the
// left ends at rest.
func (w *world) simulate(rng *rand.Rand, pairs, events int) []sync.Ref {
	w.Helper()
	lefts := w.crowd(pairs)
	rights := make([]sync.Ref, pairs)
	for i, left := range lefts {
		rights[i] = w.link(left).Right
	}
	timeout := &sync.Error{Op: "fake", Action: sync.Retry}
	for _, f := range []*fake{w.left, w.right} {
		dice := rand.New(rand.NewPCG(rng.Uint64(), 0)) // both systems are called at once
		fail := func(string, sync.Ref) error { return sometimes(timeout, dice.IntN(10) == 0) }
		f.tune(func() { f.before, f.after = fail, fail })
	}
	for n := range events {
		i := rng.IntN(pairs)
		name := fmt.Sprint("Name ", rng.IntN(5))
		mail := fmt.Sprintf("p%d-%d@example.com", i, rng.IntN(3))
		phone := fmt.Sprintf("+5731%d%d", i, rng.IntN(3))
		switch rng.IntN(8) {
		case 0:
			w.left.edit(lefts[i], "name", name)
		case 1:
			w.right.edit(rights[i], "fullname", name)
		case 2:
			w.left.edit(lefts[i], "email", mail)
		case 3:
			w.right.edit(rights[i], "mail", mail)
		case 4:
			w.left.edit(lefts[i], "msisdn", phone)
		case 5:
			w.right.edit(rights[i], "phone", phone)
		case 6:
			w.left.edit(lefts[i], "name", "", "msisdn", phone)
		default:
			time.Sleep(time.Duration(rng.IntN(30_000)) * time.Millisecond)
		}
		if n%20 == 0 {
			w.mu.Lock()
			rng.Shuffle(len(w.hooks), func(a, b int) { w.hooks[a], w.hooks[b] = w.hooks[b], w.hooks[a] })
			w.mu.Unlock()
			w.once()
		}
	}
	for _, f := range []*fake{w.left, w.right} {
		f.tune(func() { f.before, f.after = nil, nil })
	}
	w.rest()
	time.Sleep(10 * time.Minute) // the breaker lets go of fields that happened to flip, for a verification to find
	if a := w.verify(); len(a.Differences) > w.count(sync.EventTripped) {
		w.Errorf("%d fields disagree, %d were held", len(a.Differences), w.count(sync.EventTripped))
	}
	w.rest()
	w.noDead()
	return lefts
}
