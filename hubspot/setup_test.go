package hubspot_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// urban is the schema of the UrbanHub preset.
func urban(t *testing.T) hubspot.Schema {
	t.Helper()
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		t.Fatal(err)
	}
	return need
}

// rented is the pipeline with the stage that the preset needs besides the
// stock ones.
func rented() hubspottest.Pipeline {
	p := hubspottest.StockPipeline()
	p.Stages = append(p.Stages, hubspottest.Stage{ID: "decisionmakerstage", Label: "Tour completed",
		DisplayOrder: 7, Metadata: map[string]string{"probability": "0.7"}})
	return p
}

// inFresh runs a test against an account that has nothing of ours.
func inFresh(t *testing.T, o hubspottest.Options, test func(t *testing.T, a account)) {
	t.Helper()
	if o.Pipelines == nil {
		o.Pipelines = []hubspottest.Pipeline{rented()}
	}
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(&o)
		defer sim.Close()
		hs, err := hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client()})
		if err != nil {
			t.Fatal(err)
		}
		test(t, account{t, sim, hs})
	})
}

// as makes a call as somebody else, such as a person in HubSpot's settings.
func (a account) as(method, path, body string) {
	a.Helper()
	req, err := http.NewRequestWithContext(a.Context(), method, a.sim.URL+path, strings.NewReader(body))
	if err != nil {
		a.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.sim.Token)
	res, err := a.sim.Client().Do(req)
	if err != nil || res.StatusCode > 299 {
		a.Fatalf("%s %s: %v, %v", method, path, res, err)
	}
	_ = res.Body.Close()
}

// writes counts the calls that change something.
func (a account) writes() int {
	return a.sim.Log().Count(func(c hubspottest.Call) bool { return c.Method != http.MethodGet })
}

func (a account) setup(need hubspot.Schema, o hubspot.SetupOptions) (*hubspot.Report, error) {
	a.Helper()
	report, err := a.hs.Setup(a.Context(), need, o)
	if report == nil {
		a.Fatal(err)
	}
	return report, err
}

// states are the states of the report's lines by kind and name.
func states(r *hubspot.Report) map[string]hubspot.State {
	all := map[string]hubspot.State{}
	for _, l := range r.Lines {
		all[strings.Trim(l.What+" "+string(l.Kind)+" "+l.Name, " ")] = l.State
	}
	return all
}

func line(t *testing.T, r *hubspot.Report, what, name string) hubspot.Line {
	t.Helper()
	i := slices.IndexFunc(r.Lines, func(l hubspot.Line) bool { return l.What == what && l.Name == name })
	if i < 0 {
		t.Fatalf("no line about %s %s in\n%s", what, name, r)
	}
	return r.Lines[i]
}

func count(r *hubspot.Report, s hubspot.State) int {
	n := 0
	for _, l := range r.Lines {
		if l.State == s {
			n++
		}
	}
	return n
}

func TestSetupOfAFreshAccount(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		need := urban(t)
		dry, err := a.setup(need, hubspot.SetupOptions{DryRun: true})
		if err != nil || a.writes() != 0 || count(dry, hubspot.WouldCreate) != 2+11+4+4 {
			t.Fatalf("a dry run made %d writes: %v\n%s", a.writes(), err, dry)
		}
		first, err := a.setup(need, hubspot.SetupOptions{})
		if err != nil || count(first, hubspot.Created) != 2+11+4+4 {
			t.Fatalf("%v\n%s", err, first)
		}
		if first.PortalID != a.sim.PortalID || first.TimeZone != "America/Bogota" {
			t.Errorf("account %d in %s", first.PortalID, first.TimeZone)
		}
		want := map[sync.Kind]bool{"note": true, "task": true, "meeting": true, "communication": true}
		if diff := cmp.Diff(want, first.Capabilities.UniqueActivities); diff != "" {
			t.Error(diff)
		}
		a.sim.Log().Reset()
		second, err := a.setup(need, hubspot.SetupOptions{})
		if err != nil || count(second, hubspot.Exists) != len(second.Lines) || len(second.Lines) != len(first.Lines) {
			t.Errorf("%v\n%s", err, second)
		}
		if a.writes() != 0 {
			t.Errorf("the second run made %d writes", a.writes())
		}
		if diff := cmp.Diff(first.Capabilities, second.Capabilities); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetupCreatesWhatItSays(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(urban(t), hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		deals, err := a.hs.Describe(t.Context(), hubspot.Deal)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]hubspot.Property{}
		for _, p := range deals {
			got[p.Name] = p
		}
		if p := got["conversation_id"]; !p.Unique || p.Type != "string" || p.FieldType != "text" || p.Label != "Bird conversation id" || p.Description == "" {
			t.Errorf("created %+v", p)
		}
		if p := got["tour_scheduled_date"]; p.Type != "datetime" || p.FieldType != "date" || p.Unique {
			t.Errorf("created %+v", p)
		}
		if p := got["hs_lastmodifieddate"]; !p.ReadOnly || !p.Existing {
			t.Errorf("HubSpot's own property is described as %+v", p)
		}
	})
}

func TestSetupNamesBothSidesOfAContradiction(t *testing.T) {
	for name, c := range map[string]struct {
		there hubspottest.Property
		rule  string
		words []string
	}{
		"type":       {hubspottest.Property{Type: "string", FieldType: "text"}, "property.type", []string{"string", "number"}},
		"field type": {hubspottest.Property{Type: "enumeration", FieldType: "checkbox"}, "property.field-type", []string{"checkbox", "select"}},
		"unique":     {hubspottest.Property{Type: "string"}, "property.unique", []string{"unique"}},
	} {
		t.Run(name, func(t *testing.T) {
			inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
				p := hubspot.Property{Kind: hubspot.Deal, Name: "score"}
				switch name {
				case "type":
					p.Type = "number"
				case "field type":
					p.Type, p.Options = "enumeration", []hubspot.Option{{Value: "high"}}
				case "unique":
					p.Unique = true
				}
				c.there.Name = "score"
				a.sim.DefinePropertyOn("deals", c.there)
				report, err := a.setup(hubspot.Schema{Group: "dealinformation", Properties: []hubspot.Property{p}}, hubspot.SetupOptions{})
				l := line(t, report, "property", "score")
				if l.State != hubspot.Failed || l.Rule != c.rule || a.writes() != 0 {
					t.Errorf("after %d writes: %+v", a.writes(), l)
				}
				for _, w := range c.words {
					if !strings.Contains(l.Note, w) {
						t.Errorf("the note %q does not name %q", l.Note, w)
					}
				}
				var e *sync.Error
				if !errors.As(err, &e) || e.Field != "score" || e.Rule != c.rule || e.Ref.Kind != hubspot.Deal || e.Action != sync.Fatal {
					t.Errorf("error %+v", err)
				}
			})
		})
	}
}

func TestSetupAddsOptionsOnlyToItsOwn(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		a.as(http.MethodPost, "/crm/properties/2026-09/deals/groups", `{"name":"ours","label":"Ours"}`)
		a.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "mood", GroupName: "ours", Type: "enumeration",
			Options: []hubspottest.Option{{Label: "Good!", Value: "good"}}})
		a.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "season", Type: "enumeration",
			Options: []hubspottest.Option{{Label: "Summer", Value: "summer"}}})
		need := hubspot.Schema{Group: "ours", Properties: []hubspot.Property{
			{Kind: hubspot.Deal, Name: "mood", Type: "enumeration", Options: []hubspot.Option{{Value: "bad", Label: "Bad"}, {Value: "good"}}},
			{Kind: hubspot.Deal, Name: "season", Type: "enumeration", Options: []hubspot.Option{{Value: "summer"}, {Value: "winter"}}},
		}}
		a.sim.Log().Reset()
		dry, err := a.setup(need, hubspot.SetupOptions{DryRun: true})
		if err == nil || line(t, dry, "property", "mood").State != hubspot.WouldChange || a.writes() != 0 {
			t.Errorf("%v\n%s", err, dry)
		}
		report, err := a.setup(need, hubspot.SetupOptions{})
		if line(t, report, "property", "mood").State != hubspot.Changed || a.writes() != 1 {
			t.Errorf("after %d writes:\n%s", a.writes(), report)
		}
		if l := line(t, report, "property", "season"); l.State != hubspot.Person || err == nil || !strings.Contains(l.Note, "winter") {
			t.Errorf("%v: %+v", err, l)
		}
		deals, err := a.hs.Describe(t.Context(), hubspot.Deal)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(deals, func(p hubspot.Property) bool { return p.Name == "mood" })
		if diff := cmp.Diff([]hubspot.Option{{Value: "good", Label: "Good!"}, {Value: "bad", Label: "Bad"}}, deals[i].Options); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetupOfAStockPipeline(t *testing.T) {
	inFresh(t, hubspottest.Options{Pipelines: []hubspottest.Pipeline{}}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		l := line(t, report, "stage", "decisionmakerstage")
		if err == nil || l.State != hubspot.Failed || !strings.Contains(l.Note, "decisionmakerboughtin") {
			t.Errorf("%v: %+v", err, l)
		}
		if n := count(report, hubspot.Failed); n != 1 {
			t.Errorf("%d lines failed:\n%s", n, report)
		}
	})
}

func TestSetupOfAnUnknownPipeline(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		need := hubspot.Schema{Pipelines: []hubspot.Pipeline{{Kind: hubspot.Deal, ID: "rentals", Stages: []string{"viewing"}}}}
		report, err := a.setup(need, hubspot.SetupOptions{})
		if l := line(t, report, "pipeline", "rentals"); err == nil || !strings.Contains(l.Note, "default") {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

func TestSetupWithoutScopes(t *testing.T) {
	scopes := []string{"oauth", "crm.schemas.contacts.read", "crm.schemas.contacts.write", "crm.schemas.deals.read"}
	inFresh(t, hubspottest.Options{Scopes: scopes}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		got := states(report)
		for what, want := range map[string]hubspot.State{
			"property contact ai_conversation_status": hubspot.Created,
			"group deal bird_sync":                    hubspot.Person,
			"property deal ai_agent_type":             hubspot.Person,
			"property note bird_event_key":            hubspot.Created,
			"pipelines deal":                          hubspot.Person,
		} {
			if got[what] != want {
				t.Errorf("%s: %q, want %q\n%s", what, got[what], want, report)
			}
		}
		if l := line(t, report, "group", "bird_sync"); l.State != hubspot.Created {
			t.Errorf("group of contacts: %+v", l)
		}
		var e *sync.Error
		if !errors.As(err, &e) || e.Action != sync.Denied || !strings.Contains(err.Error(), "crm.schemas.deals.write") {
			t.Errorf("error %v", err)
		}
		if strings.Contains(report.String(), a.sim.Token) || strings.Contains(err.Error(), a.sim.Token) {
			t.Error("the token is told")
		}
	})
}

func TestSetupWhereActivitiesTakeNoUniqueValues(t *testing.T) {
	inFresh(t, hubspottest.Options{RejectUniqueOnActivities: true}, func(t *testing.T, a account) {
		for range 2 { // the second finds what the first created
			report, err := a.setup(urban(t), hubspot.SetupOptions{})
			want := map[sync.Kind]bool{"note": false, "task": false, "meeting": false, "communication": false}
			if diff := cmp.Diff(want, report.Capabilities.UniqueActivities); diff != "" || err != nil {
				t.Error(err, diff)
			}
			if l := line(t, report, "property", "bird_event_key"); !strings.Contains(l.Note, "without unique values") {
				t.Errorf("%+v", l)
			}
		}
	})
}

func TestSetupMeetsAnArchivedProperty(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(urban(t), hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		a.as(http.MethodDelete, "/crm/properties/2026-09/deals/ai_agent_type", "")
		a.sim.Log().Reset()
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if l := line(t, report, "property", "ai_agent_type"); err == nil || l.State != hubspot.Person || l.Rule != "property.active" || a.writes() != 0 {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

func TestSetupsAtTheSameTime(t *testing.T) {
	inFresh(t, hubspottest.Options{Burst: -1}, func(t *testing.T, a account) {
		need, errs := urban(t), make(chan error)
		for range 3 {
			go func() {
				_, err := a.hs.Setup(context.WithoutCancel(t.Context()), need, hubspot.SetupOptions{})
				errs <- err
			}()
		}
		for range 3 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSetupOfABrokenConnection(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		a.sim.Down(true)
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if sync.ActionOf(err) != sync.Retry || len(report.Lines) != 1 {
			t.Errorf("%v\n%s", err, report)
		}
		a.sim.Down(false)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := a.hs.Setup(ctx, urban(t), hubspot.SetupOptions{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestReportIsJSON(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var back hubspot.Report
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(*report, back); diff != "" {
			t.Error(diff)
		}
	})
}

// The day's quota comes back at midnight in the account's time zone, which
// both set-up and watcher learn.
func TestSetupAndWatchLearnTheTimeZone(t *testing.T) {
	for name, learn := range map[string]func(t *testing.T, a account){
		"set-up": func(t *testing.T, a account) {
			if _, err := a.setup(hubspot.Schema{}, hubspot.SetupOptions{DryRun: true}); err != nil {
				t.Fatal(err)
			}
		},
		"watcher": func(t *testing.T, a account) {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			if err := a.hs.Watch(ctx, hubspot.Schema{}, hubspot.WatchOptions{}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFresh(t, hubspottest.Options{Daily: 2}, func(t *testing.T, a account) {
				learn(t, a)
				var e *sync.Error
				for e == nil {
					_, err := a.hs.Describe(t.Context(), hubspot.Deal)
					errors.As(err, &e)
				}
				bogota := time.FixedZone("Bogotá", -5*60*60)
				if at := e.RetryAt.In(bogota); e.Action != sync.RetryAt || at.Hour() != 0 || at.Minute() > 5 || time.Until(at) > 24*time.Hour {
					t.Errorf("at %v HubSpot is left alone until %v", time.Now().In(bogota), at)
				}
			})
		})
	}
}
