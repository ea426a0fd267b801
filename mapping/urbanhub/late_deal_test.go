package urbanhub_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// What was said before there was a deal is shown on the deal, between both
// simulators. The answers to the creation of the note and to the association
// are lost.
func TestNotesFromBeforeTheDealAreShownOnIt(t *testing.T) {
	for _, rung := range []struct {
		name string
		opts hubspottest.Options
	}{{"unique", hubspottest.Options{}}, {"read back", hubspottest.Options{RejectUniqueOnActivities: true}}} {
		t.Run(rung.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := openOffice(t, birdtest.NewPipeServer(nil), hubspottest.NewPipeServer(&rung.opts))
				contact, conversation := o.lead()
				subject := sync.Ref{System: bird.System, Kind: bird.Contact, ID: o.bird.Contacts()[0].ID}
				said := sync.Fact{ID: "said", Type: "conversation.started", Subject: subject, OccurredAt: time.Now(),
					Data: map[string]any{"conversation_id": conversation}}
				qualified := said
				qualified.ID, qualified.Type = "qualified", "qualification.completed"
				for _, made := range []func(path string) bool{makesNotes, joinsDeals} {
					lost := hubspottest.CutAfter()
					lost.Match, lost.Count = func(r *http.Request) bool { return made(r.URL.Path) }, 1
					o.hub.Faults().Add(lost)
				}
				o.enqueue(said)
				o.until("noted", func() bool { return len(o.hub.Associated("contacts", contact, "notes")) == 1 && o.idle() })
				if deals := o.hub.Objects("deals"); len(deals) != 0 {
					t.Fatalf("deals %v", deals)
				}
				o.enqueue(qualified)
				o.until("qualified", o.idle)
				o.enqueue(sync.Change{ID: "talk", Ref: sync.Ref{System: bird.System, Kind: bird.ConversationKind, ID: conversation}, Reason: sync.ReasonWebhook})
				o.until("dealt with", func() bool { return len(o.hub.Objects("deals")) == 1 && o.idle() })
				for deal := range o.hub.Objects("deals") {
					for _, kind := range []string{"notes", "tasks"} {
						all, shown := o.hub.Objects(kind), o.hub.Associated("deals", deal, kind)
						if len(all) != 1 || len(shown) != 1 || !slices.Equal(o.hub.Associated("contacts", contact, kind), shown) {
							t.Errorf("%d %s, on the deal %v, on the contact %v", len(all), kind, shown, o.hub.Associated("contacts", contact, kind))
						}
					}
				}
				if n := o.calls(makesNotes); n != map[bool]int{true: 1, false: 2}[rung.opts.RejectUniqueOnActivities] {
					t.Errorf("%d calls that make notes, want the lost one repeated only where that makes no second note", n)
				}
				if n := o.calls(joinsDeals); n < 2 {
					t.Errorf("%d calls that associate with the deal, want the lost one repeated", n)
				}
				o.noDead()
			})
		})
	}
}

// makesNotes tells the calls that make notes, joinsDeals those that associate
// records with deals.
func makesNotes(path string) bool {
	return strings.Contains(path, "/objects/") && (strings.HasSuffix(path, "/notes/batch/create") || strings.HasSuffix(path, "/notes/batch/upsert"))
}

func joinsDeals(path string) bool {
	return strings.Contains(path, "/associations/") && strings.HasSuffix(path, "/deals/batch/create")
}

func (o *office) calls(of func(path string) bool) int {
	return o.hub.Log().Count(func(c hubspottest.Call) bool { return of(c.Path) })
}

// C4, with the adapter: a fifth of the calls that make notes take effect
// without an answer, and there is one note for each of 2,000 facts.
func TestOneNoteForEachFactThroughTheAdapter(t *testing.T) {
	const facts, people = 2000, 20
	for _, rung := range []struct {
		name   string
		reject bool
	}{{"unique", false}, {"read back", true}} {
		t.Run(rung.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := openOffice(t, birdtest.NewPipeServer(nil), hubspottest.NewPipeServer(&hubspottest.Options{RejectUniqueOnActivities: rung.reject}))
				contacts := o.crowd(people)
				o.rest()
				lost := hubspottest.CutAfter()
				lost.Match, lost.Probability = func(r *http.Request) bool { return makesNotes(r.URL.Path) }, 0.2
				o.hub.Faults().Add(lost)
				o.hub.Log().Reset()
				keys := map[string]int{}
				for i := range facts {
					f := sync.Fact{ID: fmt.Sprint("f", i), Type: "escalation.triggered",
						Subject: contacts[i%people], OccurredAt: time.Now(), Data: map[string]any{"reason": "asks for a person"}}
					keys[sync.FactKey(f)] = 0
					o.enqueue(f)
				}
				o.rest()
				for id, note := range o.hub.Objects("notes") {
					keys[note["bird_event_key"]]++
					if on := o.hub.Associated("notes", id, "contacts"); len(on) != 1 {
						t.Errorf("note %s is on %v", id, on)
					}
				}
				for key, n := range keys {
					if n != 1 {
						t.Errorf("%d notes with key %s", n, key)
					}
				}
				if len(keys) != facts {
					t.Errorf("%d keys for %d facts", len(keys), facts)
				}
				looks := o.hub.Log().Calls("/contacts/notes/batch/read")
				if rung.reject != (looks > 0) {
					t.Errorf("notes were looked for %d times", looks)
				}
				t.Logf("%d facts: %d calls that make notes, %d that look for them", facts, o.calls(makesNotes), looks)
				o.noDead()
			})
		})
	}
}

// crowd makes contacts who are on both sides once the office rests.
func (o *office) crowd(n int) []sync.Ref {
	o.Helper()
	var refs []sync.Ref
	for i := range n {
		id, err := o.bird.Create(map[string]any{"msisdn": fmt.Sprintf("+57300%07d", i), "name": "Ana"})
		if err != nil {
			o.Fatal(err)
		}
		refs = append(refs, sync.Ref{System: bird.System, Kind: bird.Contact, ID: id})
		o.enqueue(sync.Change{ID: "new:" + id, Ref: refs[i], Reason: sync.ReasonManual})
	}
	return refs
}

func (o *office) enqueue(items ...sync.Item) {
	o.Helper()
	if err := o.engine.Enqueue(o.Context(), items...); err != nil {
		o.Fatal(err)
	}
}

// idle reports whether nothing waits.
func (o *office) idle() bool { return o.stats().Waiting+o.stats().Leased == 0 }

func (o *office) stats() sync.QueueStats {
	o.Helper()
	s, err := o.queue.Stats(o.Context(), time.Now())
	if err != nil {
		o.Fatal(err)
	}
	return s
}

// rest works in virtual time until nothing is left to do.
func (o *office) rest() {
	o.Helper()
	for range 10_000 {
		if err := o.engine.RunOnce(o.Context()); err != nil {
			o.Fatal(err)
		}
		if o.idle() {
			return
		}
		time.Sleep(max(time.Until(o.stats().NextAt), time.Second))
	}
	o.Fatal("the office does not rest")
}

func (o *office) noDead() {
	o.Helper()
	dead, err := o.queue.Dead(o.Context(), sync.DeadFilter{})
	if err != nil || len(dead) > 0 {
		o.Errorf("dead letters %+v, %v", dead, err)
	}
}
