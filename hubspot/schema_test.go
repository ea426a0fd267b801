package hubspot_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

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
