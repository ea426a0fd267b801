package hubspot_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// ledger is an inbox that, like a queue, keeps a fact once.
type ledger struct {
	mu    stdsync.Mutex
	facts map[string]sync.Fact
	fail  int // how often to fail first
}

func (l *ledger) Enqueue(_ context.Context, items ...sync.Item) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return fmt.Errorf("disk full")
	}
	for _, it := range items {
		fact := it.(sync.Fact)
		l.facts[fact.ID] = fact
	}
	return nil
}

// actionRig is an account whose workflows call an action receiver.
type actionRig struct {
	sim   *hubspottest.Server
	hs    *hubspot.Adapter
	box   *ledger
	url   string
	count int
}

func newActionRig(t *testing.T, version string) *actionRig {
	sim := hubspottest.NewServer(nil)
	t.Cleanup(sim.Close)
	r := &actionRig{sim: sim, box: &ledger{facts: map[string]sync.Fact{}}}
	server := httptest.NewUnstartedServer(nil)
	r.url = "http://" + server.Listener.Addr().String() + "/act?app=%3A1"
	handler, err := hubspot.NewActionReceiver(r.box, hubspot.ActionOptions{PublicURL: r.url, Secrets: []string{sim.ClientSecret},
		AllowV2: true, PortalID: sim.PortalID, Actions: map[int64]hubspot.WorkflowAction{
			1: {Fact: "message.requested"}, 2: {Fact: "agent.requested", Wait: time.Hour}}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
	r.hs, err = hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client(), APIVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *actionRig) run(definition int64) string {
	r.count++
	id := r.sim.Create(map[string]string{"email": fmt.Sprintf("p%d@example.com", r.count)})
	callback := r.sim.RunAction(hubspottest.ActionCall{URL: r.url, DefinitionID: definition, WorkflowID: 9, ObjectID: id,
		Inputs: map[string]any{"text": "hello"}, OnlyV2: r.count%2 == 0})
	r.sim.Idle()
	return callback
}

func (r *actionRig) state(callback string) string {
	for _, run := range r.sim.ActionRuns() {
		if run.CallbackID == callback {
			return run.State
		}
	}
	return "unknown"
}

func TestAWorkflowAsksOnceAndWaits(t *testing.T) {
	for _, version := range []string{"2026-09", "2026-03", "v3"} {
		r := newActionRig(t, version)
		r.box.fail = 2
		r.sim.SetChaos(hubspottest.Chaos{Duplicate: 1})
		once, waits, other := r.run(1), r.run(2), r.run(3)
		if len(r.box.facts) != 2 {
			t.Errorf("%s: facts %v, want 2", version, r.box.facts)
		}
		fact := r.box.facts[fmt.Sprintf("hubspot:action:%d:%s", r.sim.PortalID, waits)]
		if fact.Type != "agent.requested" || fact.Data["inputFields"].(map[string]any)["text"] != "hello" {
			t.Errorf("%s: fact %+v", version, fact)
		}
		if a, b, c := r.state(once), r.state(waits), r.state(other); a != "SUCCESS" || b != "BLOCK" || c != "FAIL_CONTINUE" {
			t.Errorf("%s: states %s, %s, %s", version, a, b, c)
		}
		for i, want := range []error{nil, &sync.Error{Action: sync.NotFound}} { // the second comes too late
			err := r.hs.CompleteActions(t.Context(), hubspot.Completion{CallbackID: waits, Outputs: map[string]string{"sent": "yes"}})[0]
			if (err == nil) != (want == nil) || err != nil && sync.ActionOf(err) != sync.NotFound {
				t.Errorf("%s: completion %d: %v", version, i, err)
			}
		}
		if got := r.sim.ActionRuns()[1]; got.State != "SUCCESS" || got.Outputs["sent"] != "yes" {
			t.Errorf("%s: run %+v", version, got)
		}
	}
}

func TestCompletionsAreBatched(t *testing.T) {
	r := newActionRig(t, "")
	var completions []hubspot.Completion
	for range 120 {
		completions = append(completions, hubspot.Completion{CallbackID: r.run(2), State: hubspot.FailContinue})
	}
	completions[70].CallbackID = "ap-nobody-waits"
	completions[80].CallbackID = "../x"
	completions[81].State = "BLOCK"
	r.sim.Log().Reset()
	for i, err := range r.hs.CompleteActions(t.Context(), completions...) {
		want := map[int]sync.Action{70: sync.NotFound, 80: sync.Invalid, 81: sync.Invalid}
		if action, bad := want[i]; bad != (err != nil) || bad && sync.ActionOf(err) != action {
			t.Errorf("%d: %v", i, err)
		}
	}
	ended := 0
	for _, run := range r.sim.ActionRuns() {
		if run.State == "FAIL_CONTINUE" {
			ended++
		}
	}
	if calls := r.sim.Log().Calls("/complete"); ended != 117 || calls > 18 {
		t.Errorf("%d ended, %d calls", ended, calls)
	}
}

func TestACompletionThatComesTooLate(t *testing.T) {
	r := newActionRig(t, "")
	a, b := r.run(2), r.run(2)
	r.sim.Advance(2 * time.Hour)
	for _, err := range r.hs.CompleteActions(t.Context(), hubspot.Completion{CallbackID: a}, hubspot.Completion{CallbackID: b}) {
		if sync.ActionOf(err) != sync.NotFound {
			t.Errorf("got %v", err)
		}
	}
	r.sim.Down(true)
	if err := r.hs.CompleteActions(t.Context(), hubspot.Completion{CallbackID: a}); sync.ActionOf(err[0]) != sync.Retry {
		t.Errorf("got %v", err)
	}
}

// An activity of the engine completes actions by writes, however often.
func TestActionsAreCompletedByWrites(t *testing.T) {
	r := newActionRig(t, "")
	callback := r.run(2)
	ref := sync.Ref{System: hubspot.System, Kind: hubspot.ActionCompletion}
	fields := sync.Fields{"callbackId": sync.Text(callback), "key": sync.Text("k"), "sent": sync.Text("yes")}
	for range 2 { // the second comes after the first took effect
		results, err := r.hs.Apply(t.Context(), []sync.Write{
			{Ref: ref, Fields: fields},
			{Ref: ref, Fields: sync.Fields{"callbackId": sync.Text("../x")}},
			{Ref: sync.Ref{System: hubspot.System, Kind: hubspot.ActionCompletion, ID: callback}, Fields: fields},
		})
		if err != nil || results[0].Err != nil || results[0].Record.ID != callback ||
			sync.ActionOf(results[1].Err) != sync.Invalid || sync.ActionOf(results[2].Err) != sync.Invalid {
			t.Errorf("results %+v, %v", results, err)
		}
	}
	run := r.sim.ActionRuns()[0]
	if run.State != "SUCCESS" || run.Outputs["sent"] != "yes" || run.Outputs["key"] != nil {
		t.Errorf("run %+v", run)
	}
	r.sim.Down(true)
	results, _ := r.hs.Apply(t.Context(), []sync.Write{{Ref: ref, Fields: fields}})
	if sync.ActionOf(results[0].Err) != sync.Retry {
		t.Errorf("got %v", results[0].Err)
	}
}
