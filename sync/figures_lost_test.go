package sync_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// attested has the webhooks of a fake claim the values that were just set, and
// tell when, as HubSpot's do.
func (w *world) attested(f *fake) {
	f.notify = func(ref sync.Ref) {
		f.mu.Lock()
		r := f.records[ref.ID]
		c := sync.Change{Ref: ref, Reason: sync.ReasonWebhook, OccurredAt: r.updated, Witness: map[string]string{}}
		for n, past := range r.past {
			if last := past[len(past)-1]; last.At.Equal(r.updated) {
				c.Witness[n] = last.Value.Digest()
			}
		}
		f.mu.Unlock()
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hooked++
		c.ID = fmt.Sprint("hook:", w.hooked)
		w.hooks = append(w.hooks, c)
	}
}

// chronicling gives both fakes a history, calls that take their time and
// webhooks that claim.
func chronicling(w *world) {
	for _, f := range []*fake{w.left, w.right} {
		w.attested(f)
		f.delay = 200 * time.Millisecond
		w.cfg.Peers[f.system] = sync.Peer{Source: chronicled{fake: f}, Sink: f}
	}
	w.flow.Fields[4].Policy = sync.Policy{Kind: sync.Own, Owner: sync.Left} // the phone
}

// rawNames are the names of a mapped field, left first.
var rawNames = map[string][2]string{"name": {"name", "fullname"}, "email": {"email", "mail"}, "phone": {"msisdn", "phone"}}

// An interleaving is two edits of one field: the second is made on the other
// side, by default just before the first one is written there.
type interleaving struct {
	side          sync.Side // of the first edit
	field         string
	first, second string
}

// lost returns the steps of a field that tell of an edit overwritten unseen.
func (w *world) lost(left sync.Ref, field string) (out []sync.Step) {
	w.Helper()
	told, err := w.engine.Explain(w.ctx, "people", left)
	if err != nil {
		w.Fatal(err)
	}
	for _, story := range told.Fields {
		for _, s := range story.Steps {
			if strings.HasPrefix(s.Rule, "lost-update: ") {
				if story.Field != field {
					w.Errorf("%s of %s is told as lost", story.Field, left)
				}
				out = append(out, s)
			}
		}
	}
	return out
}

// C7. In 1,000 runs a person edits a field between the engine's read and its
// write of it. Every edit is detected, its value is in the audit, and it is
// restored where the policy lets it win, else listed.
func TestEditsBetweenReadAndWriteAreFound(t *testing.T) {
	bubble(t, func(w *world) {
		rng := rand.New(rand.NewPCG(7, 7))
		lefts := w.crowd(lostRuns)
		fakes := [2]*fake{w.left, w.right}
		runs := [2]map[sync.Ref]*interleaving{{}, {}} // by the record that is about to be overwritten
		for s, f := range fakes {
			f.tune(func() {
				f.before = func(op string, ref sync.Ref) error {
					if run := runs[s][ref]; op == "update" && run != nil {
						delete(runs[s], ref)
						f.edit(ref, rawNames[run.field][run.side.Other()], run.second)
					}
					return nil
				}
			})
		}
		plan := make([]interleaving, len(lefts))
		for i, left := range lefts {
			run := &plan[i]
			run.side, run.field = sync.Side(rng.IntN(2)), []string{"name", "email", "phone"}[rng.IntN(3)]
			run.first, run.second = fmt.Sprintf("f%d@example.com", i), fmt.Sprintf("s%d@example.com", i)
			if run.field == "phone" {
				run.first, run.second = fmt.Sprint("+57311", i), fmt.Sprint("+57312", i)
			}
			link := w.link(left)
			for s, f := range fakes {
				ref := link.End(sync.Side(s))
				if sync.Side(s) == run.side {
					f.edit(ref, rawNames[run.field][s], run.first)
				} else {
					runs[s][ref] = run
				}
			}
		}
		w.rest()
		detected, restored := 0, 0
		for i, left := range lefts {
			run := &plan[i]
			steps := w.lost(left, run.field)
			if len(steps) != 1 || steps[0].Before[run.side.Other()] != sync.Text(run.second) || !steps[0].Conflict {
				t.Errorf("%+v of %s is told as %+v", run, left, steps)
				continue
			}
			detected++
			want := run.second
			if run.field == "phone" && run.side == sync.Left { // its owner's edit stays
				want = run.first
				if lost, ok := steps[0].Lost(); !ok || lost != sync.Text(run.second) {
					t.Errorf("%s is lost by %+v", lost, steps[0])
				}
			} else {
				restored++
			}
			w.holds(w.left, left, rawNames[run.field][sync.Left], want)
			w.holds(w.right, w.link(left).Right, rawNames[run.field][sync.Right], want)
		}
		if detected != len(lefts) || len(runs[0])+len(runs[1]) != 0 || w.count(sync.EventLost) != len(lefts) {
			t.Errorf("%d of %d detected, %d not interleaved, %d told", detected, len(lefts), len(runs[0])+len(runs[1]), w.count(sync.EventLost))
		}
		t.Logf("%d edits overwritten unseen: %d detected, %d restored, %d listed by policy, %d questions for the history",
			len(lefts), detected, restored, detected-restored, w.left.calls["history"]+w.right.calls["history"])
		w.agrees(len(lefts))
		w.noDead()
	}, chronicling)
}

// C7, the other half: where nobody edits between the read and the write, no
// edit is told as lost, whatever else goes wrong.
func TestNoEditIsTakenForLost(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		t.Run(fmt.Sprint("nameless ", nameless), func(t *testing.T) {
			bubble(t, func(w *world) {
				for _, f := range []*fake{w.left, w.right} {
					w.cfg.Peers[f.system] = sync.Peer{Source: chronicled{f, nameless}, Sink: f}
				}
				w.start()
				w.simulate(rand.New(rand.NewPCG(7, 8)), 100, 10*lostRuns)
				if n := w.count(sync.EventLost); n != 0 {
					t.Errorf("%d edits are told as lost", n)
				}
				if n := w.left.calls["history"] + w.right.calls["history"]; n == 0 {
					t.Error("nothing was ever in doubt")
				} else {
					t.Logf("%d events, %d questions for the history", 10*lostRuns, n)
				}
				w.agrees(100)
			}, chronicling)
		})
	}
}
