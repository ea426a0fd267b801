package bird_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

const (
	receiverURL = "https://sync.example.com/bird"
	otherURL    = "https://other.example.org/hook?token=of-somebody-else"
	signingKey  = "an invented signing key of forty characters"
)

// urban is the schema of the UrbanHub preset with an endpoint.
func urban(t *testing.T) bird.Schema {
	t.Helper()
	need, err := bird.ParseSchema(urbanhub.BirdSchema())
	if err != nil {
		t.Fatal(err)
	}
	need.Endpoint = bird.Endpoint{URL: receiverURL, SigningKey: signingKey}
	return need
}

// oneWebhook needs one webhook to the endpoint, and no more.
func oneWebhook(event string, filters ...bird.Filter) bird.Schema {
	return bird.Schema{Endpoint: bird.Endpoint{URL: receiverURL, SigningKey: signingKey},
		Webhooks: []bird.Webhook{{Event: event, Filters: filters}}}
}

// workspace is a simulated workspace with an adapter.
type workspace struct {
	*testing.T
	sim *birdtest.Server
	a   *bird.Adapter
}

// inWorkspace runs a test in a bubble, against a workspace without anything of
// ours.
func inWorkspace(t *testing.T, test func(t *testing.T, w workspace)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		test(t, workspace{t, s, attach(t, s)})
	})
}

func (w workspace) setup(need bird.Schema, o bird.SetupOptions) (*bird.Report, error) {
	w.Helper()
	report, err := w.a.Setup(w.Context(), need, o)
	if report == nil {
		w.Fatal(err)
	}
	return report, err
}

// as makes a call as somebody else, such as a person or another program.
func (w workspace) as(method, path string, body any) map[string]any {
	w.Helper()
	data, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(w.Context(), method, w.sim.URL+"/workspaces/"+w.sim.WorkspaceID+path, strings.NewReader(string(data)))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "AccessKey "+w.sim.AccessKey)
	res, err := w.sim.Client().Do(req)
	if err != nil || res.StatusCode > 299 {
		w.Fatalf("%s %s: %v, %v", method, path, res, err)
	}
	defer res.Body.Close()
	var got map[string]any
	_ = json.NewDecoder(res.Body).Decode(&got)
	return got
}

// subscribe makes a subscription and returns its id.
func (w workspace) subscribe(event, url string, filters ...bird.Filter) string {
	w.Helper()
	service := "channels"
	if strings.HasPrefix(event, "conversation.") {
		service = "conversations"
	}
	return w.as("POST", "/webhook-subscriptions", map[string]any{"service": service, "event": event, "url": url, "signingKey": signingKey,
		"eventFilters": append([]bird.Filter{}, filters...)})["id"].(string)
}

// subscriptions are those of an event, as Bird tells them.
func (w workspace) subscriptions(event string) []map[string]any {
	w.Helper()
	var found []map[string]any
	for _, r := range w.as("GET", "/webhook-subscriptions?limit=100", nil)["results"].([]any) {
		if s := r.(map[string]any); s["event"] == event {
			found = append(found, s)
		}
	}
	return found
}

// writes counts the calls that change something; a search does not.
func (w workspace) writes() int {
	return w.sim.Log().Count(func(c birdtest.Call) bool {
		return c.Method != http.MethodGet && !strings.HasSuffix(c.Path, "/contacts/search")
	})
}

func line(t *testing.T, r *bird.Report, what, name string) bird.Line {
	t.Helper()
	i := slices.IndexFunc(r.Lines, func(l bird.Line) bool { return l.What == what && l.Name == name })
	if i < 0 {
		t.Fatalf("no line about %s %s in\n%s", what, name, r)
	}
	return r.Lines[i]
}

func count(r *bird.Report, s bird.State) int {
	n := 0
	for _, l := range r.Lines {
		if l.State == s {
			n++
		}
	}
	return n
}

func TestSetupOfAFreshWorkspace(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		dry, err := w.setup(need, bird.SetupOptions{DryRun: true, RotateKey: true, RemoveDuplicates: true, EnableChannels: true})
		if err != nil || w.writes() != 0 || count(dry, bird.WouldCreate) != 4+5 {
			t.Fatalf("a dry run made %d writes: %v\n%s", w.writes(), err, dry)
		}
		first, err := w.setup(need, bird.SetupOptions{})
		if err != nil || count(first, bird.Created) != 4+5 || count(first, bird.ByHand) != 5 || count(first, bird.Exists) != 2 {
			t.Fatalf("%v\n%s", err, first)
		}
		equal(t, "workspace", first.WorkspaceID, w.sim.WorkspaceID)
		w.sim.Log().Reset()
		second, err := w.setup(need, bird.SetupOptions{})
		if err != nil || count(second, bird.Exists) != 2+4+5 || len(second.Lines) != len(first.Lines) {
			t.Errorf("%v\n%s", err, second)
		}
		equal(t, "writes of the second run", w.writes(), 0)
	})
}

func TestSetupCreatesWhatItSays(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		need.Identifier.Mirror = "hubspotContactId"
		if _, err := w.setup(need, bird.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		definitions, err := w.a.AttributeDefinitions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bird.AttributeDefinition{}
		for _, d := range definitions {
			got[d.Key] = d
		}
		want := need.Attributes[1]
		want.Type, want.Cardinality = "string", "one"
		if diff := cmp.Diff(want, got["conversation_status"]); diff != "" {
			t.Error(diff)
		}
		if d := got["hubspotContactId"]; d.Type != "string" || d.Builtin || d.Description == "" {
			t.Errorf("the mirror is %+v", d)
		}
		hooks := w.subscriptions("whatsapp.inbound")
		if len(hooks) != 1 || hooks[0]["service"] != "channels" || hooks[0]["url"] != receiverURL || hooks[0]["status"] != "active" {
			t.Errorf("webhooks %v", hooks)
		}
	})
}

func TestSetupNamesBothSidesOfAContradiction(t *testing.T) {
	for _, tt := range []struct {
		there map[string]any
		need  bird.AttributeDefinition
		rule  string
		words []string
		state bird.State
	}{
		{map[string]any{"type": "string"}, bird.AttributeDefinition{Type: "number"}, "attribute.type", []string{"string", "number"}, bird.Failed},
		{map[string]any{"cardinality": "many"}, bird.AttributeDefinition{}, "attribute.cardinality", []string{"many", "one"}, bird.Failed},
		{map[string]any{"readOnly": true}, bird.AttributeDefinition{}, "attribute.writable", []string{"Flows"}, bird.Failed},
		{map[string]any{"readOnly": true}, bird.AttributeDefinition{ReadOnly: true}, "", nil, bird.Exists},
		{map[string]any{}, bird.AttributeDefinition{PII: true}, "attribute.pii", []string{"personal data"}, bird.Warning},
		{map[string]any{"displayName": "Renamed"}, bird.AttributeDefinition{DisplayName: "Score"}, "", nil, bird.Exists},
	} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			body := map[string]any{"key": "score", "pii": false, "readOnly": false}
			for k, v := range tt.there {
				body[k] = v
			}
			w.as("POST", "/attribute-definitions", body)
			w.sim.Log().Reset()
			tt.need.Key = "score"
			report, err := w.setup(bird.Schema{Attributes: []bird.AttributeDefinition{tt.need}}, bird.SetupOptions{})
			l := line(t, report, "attribute", "score")
			if l.State != tt.state || l.Rule != tt.rule || w.writes() != 0 || (err != nil) != (tt.state == bird.Failed) {
				t.Errorf("after %d writes: %+v, %v", w.writes(), l, err)
			}
			for _, word := range tt.words {
				if !strings.Contains(l.Note, word) {
					t.Errorf("%q does not say %q", l.Note, word)
				}
			}
		})
	}
}

func TestSetupLeavesBuiltinAndArchivedAlone(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := bird.Schema{Attributes: []bird.AttributeDefinition{{Key: "displayName", Builtin: true}, {Key: "age", Type: "number", Builtin: true},
			{Key: "initialReference", Builtin: true}, {Key: "unheardOf", Builtin: true}, {Key: "gone"}}}
		w.as("POST", "/attribute-definitions", map[string]any{"key": "gone", "pii": false, "readOnly": false})
		w.sim.ArchiveAttribute("gone", true)
		w.sim.Log().Reset()
		report, err := w.setup(need, bird.SetupOptions{})
		for name, want := range map[string]bird.State{"displayName": bird.Exists, "age": bird.Exists, "initialReference": bird.Exists, "unheardOf": bird.Failed, "gone": bird.Person} {
			equal(t, name, line(t, report, "attribute", name).State, want)
		}
		if err == nil || w.writes() != 0 {
			t.Errorf("%d writes, %v", w.writes(), err)
		}
	})
}

func TestSetupOfChannels(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		quiet := w.sim.AddChannel("whatsapp")
		w.sim.SetConversational(quiet, false)
		need := oneWebhook("conversation.created", bird.Filter{Key: "channelId", Value: quiet})
		need.Channels = []string{birdtest.DefaultChannel}
		w.sim.Log().Reset()
		report, err := w.setup(need, bird.SetupOptions{DryRun: true})
		l := line(t, report, "channel", quiet)
		if err == nil || l.State != bird.Person || l.Rule != "channel.conversational" || line(t, report, "channel", birdtest.DefaultChannel).State != bird.Exists {
			t.Errorf("%v\n%s", err, report)
		}
		for _, tt := range []struct {
			dry    bool
			state  bird.State
			writes int
		}{{true, bird.WouldChange, 0}, {false, bird.Changed, 2}, {false, bird.Exists, 2}} {
			report, err := w.setup(need, bird.SetupOptions{DryRun: tt.dry, EnableChannels: true})
			if err != nil || line(t, report, "channel", quiet).State != tt.state || w.writes() != tt.writes {
				t.Errorf("%d writes, %v\n%s", w.writes(), err, report)
			}
		}
		need.Channels = []string{"00000000-0000-4000-8000-000000000000"}
		if report, err = w.setup(need, bird.SetupOptions{}); err == nil || count(report, bird.Failed) != 1 {
			t.Errorf("a channel that is not there: %v\n%s", err, report)
		}
	})
}

func TestSetupSaysWhatTheRoleLacks(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		need.Channels = []string{birdtest.DefaultChannel}
		w.sim.SetPolicies(birdtest.Policy{Actions: []string{"Any"}, Resources: []string{"/workspaces/*/messages"}})
		report, err := w.setup(need, bird.SetupOptions{})
		if err == nil || count(report, bird.Person) != 6 {
			t.Errorf("%v\n%s", err, report)
		}
		for what, path := range map[string]string{"attribute": "attribute-definitions", "events": "available-webhooks", "webhook": "webhook-subscriptions",
			"channel": "channels", "identifier": "contacts/search"} {
			i := slices.IndexFunc(report.Lines, func(l bird.Line) bool { return l.What == what })
			if l := report.Lines[i]; l.State != bird.Person || !strings.Contains(l.Note, path) || !strings.Contains(l.Note, "without a role") {
				t.Errorf("%+v", l)
			}
		}
		w.sim.SetPolicies(birdtest.Policy{Actions: []string{"View"}, Resources: []string{"/workspaces/**"}},
			birdtest.Policy{Actions: []string{"Create"}, Resources: []string{"/workspaces/*/contacts/search"}})
		report, err = w.setup(urban(t), bird.SetupOptions{})
		if err == nil || count(report, bird.Person) != 4+5 || count(report, bird.Exists) != 2 {
			t.Errorf("a key that may only look: %v\n%s", err, report)
		}
		for _, e := range []error{err} {
			var api *bird.APIError
			if !errors.As(e, &api) || api.Status != 403 {
				t.Errorf("Bird's own answer is lost: %v", e)
			}
		}
	})
	inWorkspace(t, func(t *testing.T, w workspace) {
		a, err := bird.New(w.sim.WorkspaceID, "a-key-without-a-role", &bird.Options{BaseURL: w.sim.URL, HTTPClient: w.sim.Client()})
		if err != nil {
			t.Fatal(err)
		}
		report, err := a.Setup(t.Context(), urban(t), bird.SetupOptions{})
		if err == nil || count(report, bird.Person) != 5 || len(report.Lines) != 5+5 {
			t.Errorf("%v\n%s", err, report)
		}
	})
}

// TestSetupGoesOnAfterAFault has one part fail after another.
func TestSetupGoesOnAfterAFault(t *testing.T) {
	for _, tt := range []struct {
		fault   birdtest.Fault
		created int
		failed  int
	}{
		{birdtest.Fault{Path: "/attribute-definitions", Status: 500}, 5, 1},
		{birdtest.Fault{Path: "/available-webhooks", Status: 500}, 4, 2 + 5},
		{birdtest.Fault{Method: "GET", Path: "/webhook-subscriptions", Status: 500}, 4, 1},
		{birdtest.Fault{Method: "POST", Path: "/webhook-subscriptions", Status: 422, Body: `{"code":"InvalidPayload"}`, Count: 1}, 4 + 4, 1},
		{birdtest.Fault{Method: "POST", Path: "/attribute-definitions", Status: 422, Count: 1}, 3 + 5, 1},
		{birdtest.Fault{Path: "/contacts/search", Status: 422}, 4 + 5, 1},
	} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			w.sim.Faults().Add(tt.fault)
			report, err := w.setup(urban(t), bird.SetupOptions{})
			if err == nil || count(report, bird.Created) != tt.created || count(report, bird.Failed) != tt.failed {
				t.Errorf("%s %s: %v\n%s", tt.fault.Method, tt.fault.Path, err, report)
			}
		})
	}
}

func TestSetupRefusesAnInvalidSchema(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		need.Endpoint.SigningKey = ""
		report, err := w.a.Setup(t.Context(), need, bird.SetupOptions{})
		if report != nil || sync.ActionOf(err) != sync.Fatal || w.sim.Log().Calls("") != 0 {
			t.Errorf("%v, %v", report, err)
		}
		need = urban(t)
		need.Identifier.Key = "hubspotContactId"
		r, err := w.setup(need, bird.SetupOptions{})
		l := line(t, r, "identifier", "hubspotContactId")
		if err == nil || l.State != bird.Failed || !strings.Contains(l.Note, "external_id") {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// The page that the preset's tasks name has a section for each.
func TestTasksOfThePresetAreDescribed(t *testing.T) {
	page, err := os.ReadFile("../docs/bird-flows.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, task := range urban(t).ByHand {
		if strings.Contains(task.Note, "docs/bird-flows.md, "+task.Name) {
			named++
			if !strings.Contains(string(page), "\n### "+task.Name+"\n") {
				t.Errorf("the page says nothing of %s", task.Name)
			}
		}
	}
	equal(t, "tasks that name the page", named, 4)
}

// Nothing that is printed tells a key or another program's address.
func TestReportsRevealNothing(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		for range 5 {
			w.subscribe("whatsapp.inbound", otherURL)
		}
		w.sim.Faults().Add(birdtest.Fault{Method: "POST", Path: "/webhook-subscriptions", Status: 422, Body: `{"code":"InvalidPayload","message":"` + signingKey + `"}`})
		report, err := w.setup(need, bird.SetupOptions{})
		data, jsonErr := json.Marshal(report)
		if err == nil || jsonErr != nil {
			t.Fatal(err, jsonErr)
		}
		schema, _ := json.Marshal(need)
		for what, text := range map[string]string{"table": report.String(), "JSON": string(data), "error": err.Error(), "schema": string(schema),
			"fmt": fmt.Sprintf("%v %+v %#v %s %q %x", need, need, need, need.Endpoint, need.Endpoint.SigningKey, need.Endpoint.SigningKey)} {
			if strings.Contains(text, signingKey) || strings.Contains(text, "of-somebody-else") || strings.Contains(text, fmt.Sprintf("%x", signingKey)) {
				t.Errorf("%s: %s", what, text)
			}
		}
	})
}
