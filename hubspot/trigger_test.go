package hubspot_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// happening is a write of a custom event about a contact.
func happening(name, uuid, contact string, fields map[string]string) sync.Write {
	w := sync.Write{
		Ref: sync.Ref{System: hubspot.System, Kind: hubspot.CustomEvent}, Key: "uuid",
		Fields:  sync.Fields{"uuid": sync.Text(uuid), "eventName": sync.Text(name)},
		Related: []sync.Ref{{System: hubspot.System, Kind: hubspot.Contact, ID: contact}},
	}
	for k, v := range fields {
		w.Fields[k] = sync.Text(v)
	}
	return w
}

func TestCustomEvents(t *testing.T) {
	for _, tt := range []struct {
		version       string
		asInGuide     bool
		first, second int // calls of the first and the second Apply
	}{{"2026-09", false, 1, 1}, {"v3", false, 1, 1}, {"2026-03", false, 1, 1}, {"2026-03", true, 2, 1}} {
		inAccount(t, hubspottest.Options{EventsAsInGuide: tt.asInGuide}, hubspot.Options{APIVersion: tt.version}, func(t *testing.T, a account) {
			name, contact := a.sim.DefineEvent("tour_scheduled", "CONTACT"), a.create(1)
			w := happening(name, "u-1", contact, map[string]string{"occurredAt": "1790000000000", "place": "Chapinero"})
			res := a.apply(w)
			if res[0].Err != nil || res[0].Record.Ref != (sync.Ref{System: hubspot.System, Kind: hubspot.CustomEvent, ID: "u-1"}) {
				t.Fatalf("%+v: result %+v", tt, res[0])
			}
			if n := a.calls("/send/batch"); n != tt.first {
				t.Errorf("%+v: %d calls at first", tt, n)
			}
			if res := a.apply(w); res[0].Err != nil { // sent again
				t.Errorf("%+v: %v", tt, res[0].Err)
			}
			if n := a.calls("/send/batch"); n != tt.first+tt.second {
				t.Errorf("%+v: %d calls in all", tt, n)
			}
			kept := a.sim.CustomEvents()
			for i := range kept {
				kept[i].At = time.Time{}
			}
			want := []hubspottest.CustomEvent{{Name: name, ObjectID: contact, UUID: "u-1",
				OccurredAt: time.UnixMilli(1_790_000_000_000).UTC(), Properties: map[string]string{"place": "Chapinero"}}}
			if diff := cmp.Diff(want, kept); diff != "" {
				t.Errorf("%+v: %s", tt, diff)
			}
		})
	}
}

func TestCustomEventsRememberOnlyAPathThatWorks(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{APIVersion: "2026-03"}, func(t *testing.T, a account) {
		w := happening(a.sim.DefineEvent("tour_scheduled", "CONTACT"), "u-1", a.create(1), nil)
		a.sim.Faults().Add(hubspottest.Fault{Path: "/send/batch", Status: 404, Count: 2})
		for n, want := range []error{&sync.Error{Action: sync.Fatal}, nil} {
			if err := a.apply(w)[0].Err; (err == nil) != (want == nil) || err != nil && sync.ActionOf(err) != sync.Fatal {
				t.Errorf("%d: %v", n, err)
			}
		}
		if n := a.calls("/events/custom/"); n != 1 {
			t.Errorf("%d calls by the path of the guide, want 1", n)
		}
	})
}

func TestCustomEventsAreBatchedWithOtherWrites(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		name, contact := a.sim.DefineEvent("tour_scheduled", "CONTACT"), a.create(1)
		var writes []sync.Write
		for n := range 600 {
			writes = append(writes, happening(name, fmt.Sprint("u-", n), contact, nil))
		}
		writes[300] = write(contact, map[string]string{"firstname": "Eva"})
		writes[301] = happening("pe1_nobody_defined", "u-301", contact, nil)
		for i, r := range a.apply(writes...) {
			if i == 301 {
				var e *sync.Error
				if !errors.As(r.Err, &e) || e.Action != sync.Invalid || e.Ref.ID != "u-301" {
					t.Errorf("the bad one: %v", r.Err)
				}
			} else if r.Err != nil {
				t.Errorf("%d: %v", i, r.Err)
			}
		}
		if n := len(a.sim.CustomEvents()); n != 598 {
			t.Errorf("%d events kept, want 598", n)
		}
		if n := a.calls("/send/batch"); n > 2*10+2 {
			t.Errorf("%d calls to find one bad event among 599", n)
		}
	})
}

func TestCustomEventsInALowerEdition(t *testing.T) {
	inAccount(t, hubspottest.Options{NoCustomEvents: true}, hubspot.Options{}, func(t *testing.T, a account) {
		res := a.apply(happening("pe33333_x", "u-1", a.create(1), nil), happening("pe33333_x", "u-2", a.create(2), nil))
		for _, r := range res {
			if sync.ActionOf(r.Err) != sync.Denied {
				t.Errorf("got %v", r.Err)
			}
		}
		if n := a.calls("/send/batch"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestCustomEventsAreCheckedBeforehand(t *testing.T) {
	const secret = "a person's own words"
	good := func() sync.Write { return happening("pe33_tour", "u-1", "51", nil) }
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		for rule, change := range map[string]func(w *sync.Write){
			"event.once":      func(w *sync.Write) { w.Ref.ID = "7" },
			"event.once ":     func(w *sync.Write) { w.Delete = true },
			"write.key":       func(w *sync.Write) { w.Key = "" },
			"write.key ":      func(w *sync.Write) { w.Fields["uuid"] = sync.Text("") },
			"event.name":      func(w *sync.Write) { w.Fields["eventName"] = sync.Text("tour") },
			"time.form":       func(w *sync.Write) { w.Fields["occurredAt"] = sync.Text("tomorrow") },
			"event.subject":   func(w *sync.Write) { w.Related = nil },
			"event.subject ":  func(w *sync.Write) { w.Related[0].Kind = hubspot.Note },
			"event.subject  ": func(w *sync.Write) { w.Related = append(w.Related, w.Related[0]) },
			"property.name":   func(w *sync.Write) { w.Fields["Not A Name"] = sync.Text("x") },
			"event.length":    func(w *sync.Write) { w.Fields["words"] = sync.Text(secret + strings.Repeat("x", 256)) },
			"event.length ":   func(w *sync.Write) { w.Fields["words"] = sync.Text(strings.Repeat("🎉", 129)) },
			"event.properties": func(w *sync.Write) {
				for n := range 51 {
					w.Fields[fmt.Sprint("p", n)] = sync.Text("x")
				}
			},
		} {
			w := good()
			change(&w)
			res := a.apply(w)
			var e *sync.Error
			if !errors.As(res[0].Err, &e) || e.Action != sync.Invalid || e.Rule != strings.TrimSpace(rule) {
				t.Errorf("%s: got %v", rule, res[0].Err)
				continue
			}
			if strings.HasPrefix(rule, "event.length") && e.Field != "words" || strings.Contains(e.Error(), secret) {
				t.Errorf("%s: %v", rule, e)
			}
		}
		if n := a.calls(""); n != 0 {
			t.Errorf("%d calls were made", n)
		}
	})
}

func TestEveryFactTriggersOnce(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		a.sim.DefineProperty("bird_trigger", "string", "text", false)
		contact, at := a.create(1), time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		a.sim.OnChange("contacts", "bird_trigger", func(map[string]string) map[string]string { return nil })
		for _, fact := range []string{"fact-1", "fact-1", "fact-2"} { // two facts at one time, one of them sent twice
			w := write(contact, nil)
			w.Fields["bird_trigger"] = hubspot.TriggerValue(fact, at)
			if res := a.apply(w); res[0].Err != nil {
				t.Fatal(res[0].Err)
			}
		}
		a.sim.Idle()
		if n := a.sim.WorkflowRuns(); n != 2 {
			t.Errorf("%d runs, want 2", n)
		}
		if v := hubspot.TriggerValue("fact-1", at).String(); !strings.HasPrefix(v, "2026-11-22T10:00:00Z ") || len(v) > 40 {
			t.Errorf("value %q", v)
		}
	})
}

// A custom event starts a workflow that can only be started by events.
func TestAWorkflowStartsByACustomEvent(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		name, contact := a.sim.DefineEvent("tour_scheduled", "CONTACT"), a.create(1)
		a.sim.OnEvent(name, func(map[string]string) map[string]string { return map[string]string{"color": "red"} })
		a.apply(happening(name, "u-1", contact, nil))
		a.sim.Idle()
		if v := a.read(contact)[0].Fields["color"]; v != sync.Text("red") {
			t.Errorf("color %v", v)
		}
	})
}
