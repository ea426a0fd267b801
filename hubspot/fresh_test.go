package hubspot_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
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
	return a.sim.Log().Count(func(c hubspottest.Call) bool {
		return c.Method != http.MethodGet && !strings.HasSuffix(c.Path, "/access-token-info")
	})
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
