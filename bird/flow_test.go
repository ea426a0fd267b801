package bird_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

func flowReceiver(t testing.TB, in *inbox, opts bird.FlowOptions) http.Handler {
	t.Helper()
	opts.Secrets = []string{"new secret", "old secret"}
	f, err := bird.NewFlowReceiver(in, opts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func flowCall(body, authorization string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/flow", strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	return r
}

// TestSeedEvents sends the six events of the reference, which all carry the
// id of one run of the Flow.
func TestSeedEvents(t *testing.T) {
	var bodies []json.RawMessage
	if err := json.Unmarshal([]byte(payload(t, "flow-events-rendered")), &bodies); err != nil || len(bodies) != 6 {
		t.Fatal(len(bodies), err)
	}
	in := &inbox{}
	told := map[bird.Outcome]int{}
	f := flowReceiver(t, in, bird.FlowOptions{OnEvent: func(_ string, o bird.Outcome) { told[o]++ }})
	for range 2 { // the second time as a duplicate
		for _, body := range bodies {
			equal(t, "status", answer(f, flowCall(string(body), "Bearer old secret")), 204)
		}
	}
	changes, facts := map[string]sync.Ref{}, map[string]string{}
	for _, c := range in.changes() {
		changes[c.ID] = c.Ref
	}
	for _, fact := range in.facts() {
		facts[fact.Type] = fact.ID
		if fact.OccurredAt.IsZero() || fact.Data["msisdn"] != "+31612345678" || fact.Data["event"] != nil {
			t.Errorf("%+v", fact)
		}
	}
	equal(t, "changes", len(changes), 6)
	for _, r := range changes {
		equal(t, "contact", r, ref("e013a75b-b5ac-4341-aa7c-571d38d067d0"))
	}
	const run = "e013a75b-b5ac-4341-aa7c-571d38d067d0:01J8Z7Q9W3F5A0000000000001"
	equal(t, "facts", facts, map[string]string{
		"conversation.started":    "bird:conversation.started:7f7d4cff-2e27-4a1a-a2ba-0967341f974b",
		"message.received":        "bird:message.received:3e75a9d2-2a54-45ac-856a-bbe02f874332",
		"qualification.completed": "bird:flow-fact:qualification.completed:" + run,
		"tour.scheduled":          "bird:flow-fact:tour.scheduled:" + run,
		"escalation.triggered":    "bird:flow-fact:escalation.triggered:" + run,
	})
	equal(t, "facts in all", len(in.facts()), 10)
	equal(t, "outcomes", told, map[bird.Outcome]int{bird.Enqueued: 12})
}

func TestFlowNamesPathsAndShapesAreTheCustomers(t *testing.T) {
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{
		Map: bird.FlowMap{
			Paths:  map[string]string{"bird_contact_id": "who.id", "event": "what", "starts_at": "tour.at", "phase": "sync.fase"},
			Events: map[string]bird.FlowEvent{"visita": {Fact: "tour.scheduled"}},
		},
	})
	body := `{"what":"visita","who":{"id":["c1"]},"msisdn":"[\"+573000000001\"]","email":["a@example.com","b@example.com"],
		"name":"","external_id":"{{context.contact.attributes.hubspotContactId}}","tour":{"at":"2026-01-25T10:00:00Z"},
		"sync.fase":"Visita","conversation_id":12345678901234567890}`
	equal(t, "status", answer(f, flowCall(body, "Bearer new secret")), 204)
	fact := in.facts()[0]
	equal(t, "fact", []any{fact.Type, fact.Subject}, []any{"tour.scheduled", ref("c1")})
	equal(t, "data", fact.Data, map[string]any{"bird_contact_id": "c1", "msisdn": "+573000000001",
		"email": []any{"a@example.com", "b@example.com"}, "starts_at": "2026-01-25T10:00:00Z", "phase": "Visita",
		"conversation_id": json.Number("12345678901234567890")})
}

// TestWitness compares what Flow calls claim with what the adapter reads of
// the same contact.
func TestWitness(t *testing.T) {
	s, a := connect(t, nil)
	in := &inbox{}
	witness := []string{"id", "msisdn", "email", "name", "property_interest", "external_id"}
	web := httptest.NewServer(flowReceiver(t, in, bird.FlowOptions{Witness: witness}))
	defer web.Close()
	id := create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001", "property_interest": []any{"loft", "patio"}, "budget": 7.5})
	s.OnContactChange(web.URL, "new secret")
	claims := func(edit map[string]any) map[string]string {
		if err := s.Edit(id, edit); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitWebhooks(context.Background()); err != nil {
			t.Fatal(err)
		}
		all := in.changes()
		return all[len(all)-1].Witness
	}
	seen := func() map[string]string {
		got, err := a.Read(context.Background(), bird.Contact, []string{id})
		if err != nil {
			t.Fatal(err)
		}
		digests := map[string]string{}
		for _, name := range witness {
			digests[name] = got[0].Fields[name].Digest()
		}
		return digests
	}
	before := seen()
	equal(t, "nothing new", claims(map[string]any{}), before)
	for name, v := range map[string]any{"name": "Janet", "msisdn": "+573000000002", "email": "jane@example.com", "property_interest": "loft"} {
		got := claims(map[string]any{name: v})
		equal(t, name, got[name] == before[name], false)
		equal(t, "told and read", got, seen())
	}
	const body = `{"event":"contact.updated","bird_contact_id":"c1","name":"","attributes":{"x":"{{x}}"}}`
	for _, tt := range []struct {
		names  []string
		claims int
	}{{nil, 0}, {[]string{"id", "name"}, 2}, {[]string{"name", "email"}, 0}, {[]string{"name", "attributes.x"}, 0}} {
		in := &inbox{}
		answer(flowReceiver(t, in, bird.FlowOptions{Witness: tt.names}), flowCall(body, "Bearer new secret"))
		equal(t, "claims", len(in.changes()[0].Witness), tt.claims)
	}
	gone := strings.Replace(body, "contact.updated", "contact.deleted", 1)
	in = &inbox{}
	answer(flowReceiver(t, in, bird.FlowOptions{Witness: []string{"id", "name"}}), flowCall(gone, "Bearer new secret"))
	equal(t, "a deletion claims nothing", len(in.changes()[0].Witness), 0)
}

// TestWithoutAnEventID a fact is known by its content, and no edit is lost:
// two edits that read the same may have another one between them.
func TestWithoutAnEventID(t *testing.T) {
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{})
	for range 2 {
		answer(f, flowCall(`{"event":"qualification.completed","bird_contact_id":"c1","conversation_id":"v1"}`, "Bearer new secret"))
	}
	answer(f, flowCall(`{"event":"qualification.completed","bird_contact_id":"c1","conversation_id":"v2"}`, "Bearer new secret"))
	facts, changes := in.facts(), in.changes()
	equal(t, "facts", []bool{facts[0].ID == facts[1].ID, facts[0].ID == facts[2].ID}, []bool{true, false})
	equal(t, "changes", changes[0].ID == changes[1].ID, false)
}

func TestFlowAnswers(t *testing.T) {
	const good = `{"event":"contact.updated","bird_contact_id":"c1"}`
	for name, tt := range map[string]struct {
		request *http.Request
		status  int
		says    string
		items   int
	}{
		"good":           {flowCall(good, "Bearer new secret"), 204, "", 1},
		"old secret":     {flowCall(good, "Bearer old secret"), 204, "", 1},
		"unknown event":  {flowCall(`{"event":"x","bird_contact_id":"c1"}`, "Bearer new secret"), 204, "", 1},
		"wrong secret":   {flowCall(good, "Bearer secret"), 401, "", 0},
		"no secret":      {flowCall(good, ""), 401, "", 0},
		"empty secret":   {flowCall(good, "Bearer "), 401, "", 0},
		"not bearer":     {flowCall(good, "new secret"), 401, "", 0},
		"garbage":        {flowCall("{", "Bearer new secret"), 400, "", 0},
		"null":           {flowCall("null", "Bearer new secret"), 400, "", 0},
		"array":          {flowCall("[]", "Bearer new secret"), 400, "", 0},
		"two objects":    {flowCall(good+good, "Bearer new secret"), 400, "", 0},
		"no contact":     {flowCall(`{"event":"tour.scheduled"}`, "Bearer new secret"), 422, "bird_contact_id", 0},
		"no event":       {flowCall(`{"bird_contact_id":"c1"}`, "Bearer new secret"), 422, "event", 0},
		"not filled in":  {flowCall(`{"event":"x","bird_contact_id":"{{context.contact.id}}"}`, "Bearer new secret"), 422, "missing or empty", 0},
		"object contact": {flowCall(`{"event":"x","bird_contact_id":{"id":"c1"}}`, "Bearer new secret"), 422, "bird_contact_id", 0},
		"odd contact":    {flowCall(`{"event":"x","bird_contact_id":"../1"}`, "Bearer new secret"), 422, "text of 4 characters", 0},
		"GET":            {httptest.NewRequest("GET", "/", nil), 405, "POST", 0},
		"too large":      {flowCall(strings.Repeat(" ", 1<<20+1), "Bearer new secret"), 413, "1 MiB", 0},
	} {
		in := &inbox{}
		w := httptest.NewRecorder()
		flowReceiver(t, in, bird.FlowOptions{}).ServeHTTP(w, tt.request)
		equal(t, name, w.Code, tt.status)
		equal(t, name, len(in.items), tt.items)
		if !strings.Contains(w.Body.String(), tt.says) {
			t.Errorf("%s: answered %q", name, w.Body)
		}
	}
	in := &inbox{full: true}
	f := flowReceiver(t, in, bird.FlowOptions{})
	equal(t, "full", answer(f, flowCall(good, "Bearer new secret")), 503)
	_, err := bird.NewFlowReceiver(in, bird.FlowOptions{Secrets: []string{""}})
	equal(t, "rule", failure(t, err, sync.Fatal).Rule, "flow.secrets")
}

// TestSimulatedFlowsArrive follows an edit in Bird to the inbox, and the echo
// of our own write.
func TestSimulatedFlowsArrive(t *testing.T) {
	for _, asText := range []bool{false, true} {
		s, a := connect(t, &birdtest.Options{ArraysAsText: asText})
		in := &inbox{}
		web := httptest.NewServer(flowReceiver(t, in, bird.FlowOptions{}))
		defer web.Close()
		s.OnContactChange(web.URL, "new secret")
		id := create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"})
		if err := s.Edit(id, map[string]any{"name": "Janet"}); err != nil {
			t.Fatal(err)
		}
		res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"name": sync.Text("J")}})
		if res.Err != nil || !s.RunFlow(id, "tour.scheduled", map[string]any{"starts_at": "2026-01-25T10:00:00Z"}) {
			t.Fatal(res.Err)
		}
		if err := s.WaitWebhooks(context.Background()); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, c := range in.changes() {
			ids[c.ID] = true
			equal(t, "contact", c.Ref, ref(id))
		}
		equal(t, "calls: create, edit, echo, tour", len(ids), 4)
		equal(t, "phone", in.facts()[0].Data["msisdn"], any("+573000000001"))
	}
}

// FuzzFlowReceiver sends what strangers and careless steps may send, to a
// receiver with a map of its own and a signature.
func FuzzFlowReceiver(f *testing.F) {
	var bodies []json.RawMessage
	if err := json.Unmarshal([]byte(payload(f, "flow-events-rendered")), &bodies); err != nil {
		f.Fatal(err)
	}
	for _, b := range bodies {
		f.Add(string(b), "Bearer new secret", "")
	}
	f.Add(`{"event":["tour.scheduled"],"bird_contact_id":"[[\"c1\"]]","email":"[]"}`, "Bearer new secret", "")
	f.Add(`{"event":1,"bird_contact_id":2,"event_id":{"a":"b"}}`, "Bearer new secret", "sha256=")
	f.Add(`{"event":"visita","who":{"id":["c1"]},"tour":{"date":"2026-01-25","time":"3 pm"},"msisdn":[573000000001,[]]}`, "Bearer old secret", "")
	f.Add(`{"event":"qualification.completed","bird_contact_id":"c1","score":"[[85]]","email":[[],[]]}`, "Bearer new secret", "")
	f.Add(`{"event":"escalation.triggered","bird_contact_id":"c1","conversation_id":"v1","agent_id":" "}`, "", strings.Repeat("0", 64))
	f.Add(`null`, "BeARer old secret", "")
	f.Add(`{}`, "", "")
	m := bird.FlowMap{
		Paths:  map[string]string{"bird_contact_id": "bird_contact_id|who.id"},
		Events: map[string]bird.FlowEvent{"visita": {Fact: "tour.scheduled"}, "x": {Fact: "y", Required: []string{"email"}}},
	}
	f.Fuzz(func(t *testing.T, body, authorization, signature string) {
		in := &inbox{}
		receiver := flowReceiver(t, in, bird.FlowOptions{Map: m, Witness: []string{"id", "email", "msisdn"},
			Signature: bird.FlowSignature{Header: "X-Sign", Secrets: []string{"flow key"}}, Location: bogota})
		send := func() int {
			r := flowCall(body, authorization)
			r.Header.Set("X-Sign", signature)
			return answer(receiver, r)
		}
		status := send()
		scheme, secret, _ := strings.Cut(authorization, " ")
		trusted := strings.EqualFold(scheme, "Bearer") && (secret == "new secret" || secret == "old secret")
		switch {
		case !trusted && len(body) <= 1<<20 && status != 401:
			t.Fatalf("a stranger is answered %d", status)
		case status != 204 && status != 400 && status != 401 && status != 413 && status != 422:
			t.Fatalf("answered %d", status)
		case (status == 204) != (len(in.changes()) == 1):
			t.Fatalf("answered %d with %d changes", status, len(in.changes()))
		}
		for _, fact := range in.facts() {
			_, err := json.Marshal(fact)
			starts, isText := fact.Data["starts_at"].(string)
			if fact.ID == "" || len(fact.ID) > 300 || fact.Subject.ID == "" || fact.OccurredAt.IsZero() || err != nil ||
				isText && !strings.HasSuffix(starts, "Z") || fact.Data["starts_at"] != nil && !isText {
				t.Fatalf("%+v, %v", fact, err)
			}
			for name, v := range fact.Data {
				if v == nil || v == "" {
					t.Fatalf("%s says nothing in %+v", name, fact)
				}
			}
		}
		if again := send(); again != status {
			t.Fatalf("answered %d and then %d", status, again)
		}
		if facts := in.facts(); len(facts) == 2 && facts[0].ID != facts[1].ID || len(facts) == 1 {
			t.Fatalf("a retry is another fact: %+v", facts)
		}
	})
}

// TestFlowEventsAreTold to the host, as the caller named them.
func TestFlowEventsAreTold(t *testing.T) {
	var got []string
	f := flowReceiver(t, &inbox{}, bird.FlowOptions{OnEvent: func(event string, o bird.Outcome) { got = append(got, event+" "+string(o)) }})
	for _, body := range []string{`{"event":"contact.updated","bird_contact_id":"c1"}`, `{"event":"odd","bird_contact_id":"c1"}`, `{"event":"tour.scheduled"}`, `{`} {
		callFlow(f, body)
	}
	answer(f, flowCall("{}", "Bearer x"))
	equal(t, "told", got, []string{"contact.updated enqueued", "odd unknown", "tour.scheduled malformed", " malformed"})
}
