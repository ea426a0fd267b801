package hubspottest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestPoint15EventsAndWorkflows(t *testing.T) {
	for version, opts := range map[string]*Options{
		"/events/v3": {}, "/events/2026-03": {}, "/events/custom/2026-03": {EventsAsInGuide: true}, "/events/custom/2026-09": {},
	} {
		t.Run(version, func(t *testing.T) { testEvents(t, newRig(t, opts), version) })
	}
}

func testEvents(t *testing.T, r *rig, base string) {
	contact := r.Create(map[string]string{"email": "ana@example.com"})
	def := r.want(201, "POST", base+"/event-definitions", `{"label":"Tour Scheduled","primaryObject":"CONTACT",
		"propertyDefinitions":[{"name":"place","label":"Place","type":"string"}]}`)
	name := fmt.Sprintf("pe%d_tour_scheduled", r.PortalID)
	if def["fullyQualifiedName"] != name {
		t.Fatalf("defined %v", def)
	}
	r.want(409, "POST", base+"/event-definitions", `{"label":"Tour Scheduled","primaryObject":"CONTACT"}`)
	if got := resultsOf(t, r.want(200, "GET", base+"/event-definitions", "")); len(got) != 1 {
		t.Errorf("listed %v", got)
	}
	input := func(uuid, more string) string {
		return fmt.Sprintf(`{"eventName":%q,"uuid":%q%s}`, name, uuid, more)
	}
	r.want(204, "POST", base+"/send", input("u1", `,"objectId":"`+contact+`","properties":{"place":"Chapinero"},"occurredAt":"2026-11-22T10:00:00Z"`))
	r.want(204, "POST", base+"/send/batch", `{"inputs":[`+
		input("u1", `,"objectId":"`+contact+`"`)+","+ // known
		input("u2", `,"email":"ANA@example.com","occurredAt":1790000000000`)+","+
		input("u3", `,"objectId":"1"`)+"]}") // of nobody
	kept := r.CustomEvents()
	if len(kept) != 2 || kept[0].UUID != "u1" || kept[0].ObjectID != contact || kept[0].Properties["place"] != "Chapinero" ||
		!kept[0].OccurredAt.Equal(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)) ||
		kept[1].UUID != "u2" || kept[1].ObjectID != contact || kept[1].OccurredAt.UnixMilli() != 1790000000000 {
		t.Errorf("kept %+v", kept)
	}
	for _, more := range []string{
		`,"objectId":"1","properties":{"place":"` + strings.Repeat("x", 257) + `"}`,
		`,"objectId":"1","occurredAt":"yesterday"`, ``,
	} {
		r.want(400, "POST", base+"/send/batch", `{"inputs":[`+input("good", `,"objectId":"`+contact+`"`)+","+input("bad", more)+"]}")
	}
	r.want(400, "POST", base+"/send", `{"eventName":"pe1_other","objectId":"1"}`)
	r.want(400, "POST", base+"/send/batch", `{"inputs":[`+strings.Repeat(input("u", "")+",", 500)+input("u", "")+"]}")
	r.Advance(366 * 24 * time.Hour) // the uuid is forgotten
	r.want(204, "POST", base+"/send", input("u1", `,"objectId":"`+contact+`"`))
	if n := len(r.CustomEvents()); n != 3 {
		t.Errorf("%d events kept, want 3", n)
	}
}

func TestPoint15TheTwoPathsOf2026(t *testing.T) {
	for _, asInGuide := range []bool{false, true} {
		r := newRig(t, &Options{EventsAsInGuide: asInGuide})
		for base, guide := range map[string]bool{"/events/2026-03": false, "/events/custom/2026-03": true} {
			want := 404
			if guide == asInGuide {
				want = 200
			}
			r.want(want, "GET", base+"/event-definitions", "")
		}
	}
	r := newRig(t, &Options{NoCustomEvents: true})
	r.want(403, "POST", "/events/custom/2026-09/send", `{}`)
}

func TestPoint15WorkflowsProvokeLoops(t *testing.T) {
	r := newRig(t, nil)
	event := r.DefineEvent("hello", "")
	id := r.Create(map[string]string{"firstname": "ana"})
	r.OnChange("contacts", "firstname", func(v map[string]string) map[string]string {
		return map[string]string{"firstname": strings.ToUpper(v["firstname"])}
	})
	r.OnEvent(event, func(map[string]string) map[string]string { return map[string]string{"city": "Bogotá"} })
	r.Edit(id, map[string]string{"firstname": "eva"})
	r.want(204, "POST", "/events/custom/2026-09/send", fmt.Sprintf(`{"eventName":%q,"objectId":%q}`, event, id))
	r.Idle()
	if c, _ := r.Contact(id); c["firstname"] != "EVA" || c["city"] != "Bogotá" {
		t.Errorf("contact %v", c)
	}
	h := r.History(id, "firstname")
	if last := h[len(h)-1]; last.By.Source != "AUTOMATION_PLATFORM" {
		t.Errorf("written by %+v", last.By)
	}
	// The workflow's own write enrolled the record again, and changed nothing.
	if n := r.WorkflowRuns(); n != 3 {
		t.Errorf("%d runs, want 3", n)
	}
}

func TestPoint15WorkflowsThatFeedOneAnotherEnd(t *testing.T) {
	r := newRig(t, &Options{WorkflowDelay: -1})
	for _, pair := range [][2]string{{"firstname", "lastname"}, {"lastname", "firstname"}} {
		r.OnChange("0-1", pair[0], func(v map[string]string) map[string]string {
			return map[string]string{pair[1]: v[pair[0]] + "x"}
		})
	}
	r.Create(map[string]string{"firstname": "a"})
	r.Idle()
	if n := r.WorkflowRuns(); n != maxChain {
		t.Errorf("%d runs, want %d", n, maxChain)
	}
}

func TestPoint15IdleWaitsForWhatWorkflowsCause(t *testing.T) {
	r := newRig(t, &Options{WorkflowDelay: 50 * time.Millisecond})
	var events atomic.Int64
	hook := actionHost(t, func(int64, *http.Request, []byte) (int, string) { events.Add(1); return 204, "" })
	r.Subscribe(hook, "s", PropertyChanges("city")...)
	id := r.Create(map[string]string{"firstname": "ana"})
	r.OnChange("contacts", "firstname", func(map[string]string) map[string]string { return map[string]string{"city": "Bogotá"} })
	r.Edit(id, map[string]string{"firstname": "eva"})
	r.Idle()
	if n := events.Load(); n != 1 {
		t.Errorf("%d webhooks of the workflow's write, want 1", n)
	}
}

// actionHost answers the calls of actions by a script of statuses and bodies.
func actionHost(t *testing.T, script func(n int64, r *http.Request, body []byte) (int, string)) string {
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		status, answer := script(calls.Add(1), r, body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/act"
}

func TestPoint15ActionsAreSignedAndTriedAgain(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"email": "ana@example.com"})
	url := actionHost(t, func(n int64, req *http.Request, body []byte) (int, string) {
		uri := "http://" + req.Host + req.URL.Path
		stamp := req.Header.Get("X-HubSpot-Request-Timestamp")
		if req.Header.Get("X-HubSpot-Signature") != SignatureV2(r.ClientSecret, "POST", uri, body) ||
			req.Header.Get("X-HubSpot-Signature-v3") != SignatureV3(r.ClientSecret, "POST", uri, body, stamp) {
			t.Error("wrong signatures")
		}
		var call struct {
			CallbackID  string         `json:"callbackId"`
			Origin      map[string]any `json:"origin"`
			Object      map[string]any `json:"object"`
			InputFields map[string]any `json:"inputFields"`
		}
		if err := json.Unmarshal(body, &call); err != nil || call.CallbackID == "" || call.Object["objectType"] != "CONTACT" ||
			call.InputFields["text"] != "hi" || call.Origin["actionDefinitionId"] != 7.0 ||
			call.Object["properties"].(map[string]any)["email"] != "ana@example.com" {
			t.Errorf("called with %s: %v", body, err)
		}
		return []int{429, 503, 200}[n-1], `{"outputFields":{"hs_execution_state":"SUCCESS","sent":"yes"}}`
	})
	r.RunAction(ActionCall{URL: url, DefinitionID: 7, WorkflowID: 9, ObjectID: id, Properties: []string{"email"}, Inputs: map[string]any{"text": "hi"}})
	r.Idle()
	if run := r.ActionRuns()[0]; run.State != "SUCCESS" || run.Attempts != 3 || run.Status != 200 || run.Outputs["sent"] != "yes" {
		t.Errorf("run %+v", run)
	}
}

func TestPoint15BlockedActions(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"email": "ana@example.com"})
	answers := map[int64]string{5: `{}`, 6: `{"outputFields":{"hs_execution_state":"FAIL_CONTINUE"}}`}
	url := actionHost(t, func(n int64, _ *http.Request, _ []byte) (int, string) {
		if a, ok := answers[n]; ok {
			return 200, a
		}
		return map[bool]int{true: 400, false: 200}[n == 7], `{"outputFields":{"hs_execution_state":"BLOCK","hs_expiration_duration":"P1DT2H"}}`
	})
	var ids []string
	for range 7 {
		ids = append(ids, r.RunAction(ActionCall{URL: url, ObjectID: id}))
		r.Idle()
	}
	const base = "/automation/actions/callbacks/2026-09/"
	done := `"outputFields":{"hs_execution_state":"SUCCESS","sent":"yes"},"typedOutputs":{}`
	r.want(204, "POST", base+ids[0]+"/complete", "{"+done+"}")
	r.want(404, "POST", base+ids[0]+"/complete", "{"+done+"}") // nobody waits any longer
	r.want(400, "POST", base+ids[1]+"/complete", `{"outputFields":{}}`)
	batch := func(ids ...string) string {
		var all []string
		for _, id := range ids {
			all = append(all, `{"callbackId":"`+id+`",`+done+`}`)
		}
		return `{"inputs":[` + strings.Join(all, ",") + `]}`
	}
	r.want(404, "POST", base+"complete", batch(ids[1], "ap-none"))
	r.want(204, "POST", base+"complete", batch(ids[1], ids[2]))
	r.Advance(26 * time.Hour)
	r.want(404, "POST", "/automation/v4/actions/callbacks/"+ids[3]+"/complete", "{"+done+"}")
	var states []string
	for _, run := range r.ActionRuns() {
		states = append(states, run.State)
	}
	if got := strings.Join(states, " "); got != "SUCCESS SUCCESS SUCCESS EXPIRED SUCCESS FAIL_CONTINUE FAILED" {
		t.Errorf("states %s", got)
	}
}

func TestPoint15DoubledActionCalls(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"email": "ana@example.com"})
	seen := make(chan string, 2)
	url := actionHost(t, func(_ int64, req *http.Request, body []byte) (int, string) {
		if req.Header.Get("X-HubSpot-Signature-v3") != "" {
			t.Error("signed by version 3")
		}
		var call struct{ CallbackID string }
		_ = json.Unmarshal(body, &call)
		seen <- call.CallbackID
		return 200, ""
	})
	r.SetChaos(Chaos{Duplicate: 1})
	callback := r.RunAction(ActionCall{URL: url, ObjectID: id, OnlyV2: true})
	r.Idle()
	if a, b := <-seen, <-seen; a != callback || b != callback {
		t.Errorf("called %s and %s, want %s twice", a, b, callback)
	}
	if run := r.ActionRuns()[0]; run.State != "SUCCESS" || run.Attempts != 2 {
		t.Errorf("run %+v", run)
	}
}

func TestPoint15TheFirstAnswerOfADoubledCallCounts(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"email": "ana@example.com"})
	url := actionHost(t, func(n int64, _ *http.Request, _ []byte) (int, string) {
		if n == 1 {
			return 200, ""
		}
		for r.ActionRuns()[0].State == "" { // until the first is known
			time.Sleep(time.Millisecond)
		}
		return 400, ""
	})
	r.SetChaos(Chaos{Duplicate: 1})
	r.RunAction(ActionCall{URL: url, ObjectID: id})
	r.Idle()
	if run := r.ActionRuns()[0]; run.State != "SUCCESS" || run.Attempts != 2 || run.Status != 400 {
		t.Errorf("run %+v", run)
	}
}
