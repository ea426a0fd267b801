package bird_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird"
)

func number(s string) json.Number { return json.Number(s) }

// callFlow sends a body with the right secret and returns the answer.
func callFlow(f http.Handler, body string) (int, string) {
	w := httptest.NewRecorder()
	f.ServeHTTP(w, flowCall(body, "Bearer new secret"))
	return w.Code, w.Body.String()
}

func TestTourTimes(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		tour string
		want string // "" if refused
		says string
	}{
		{`{"starts_at":"2026-01-25T10:00:00Z"}`, "2026-01-25T10:00:00Z", ""},
		{`{"starts_at":"2026-01-25T10:00:00.5-05:00"}`, "2026-01-25T15:00:00Z", ""},
		{`{"starts_at":["2026-01-25 10:00-05:00"]}`, "2026-01-25T15:00:00Z", ""},
		{`{"starts_at":"2026-01-25T10:00"}`, "2026-01-25T15:00:00Z", ""},
		{`{"starts_at":"2026-07-25 10:00:00"}`, "2026-07-25T14:00:00Z", ""}, // in summer
		{`{"date":"2026-01-25","time":"10:00"}`, "2026-01-25T15:00:00Z", ""},
		{`{"date":"2026-01-25","time":"3 pm"}`, "2026-01-25T20:00:00Z", ""},
		{`{"date":" 2026-01-25 ","time":"3:30pm"}`, "2026-01-25T20:30:00Z", ""},
		{`{"starts_at":"2026-01-25","time":"10:00:30"}`, "2026-01-25T15:00:30Z", ""},
		{`{"starts_at":"","date":"2026-01-25T10:00"}`, "2026-01-25T15:00:00Z", ""},
		{`{"date":"2026-01-25"}`, "", `the field tour_time of the event tour.scheduled (at "tour.time" or "tour_time") is missing or empty, and a date alone is no time`},
		{`{"time":"10:00"}`, "", `the field starts_at of the event tour.scheduled (at "tour.starts_at" or "starts_at") is missing`},
		{`{"starts_at":"next Sunday"}`, "", "the field starts_at of the event tour.scheduled"},
		{`{"starts_at":"25/01/2026 10:00"}`, "", "2026-01-25T10:00:00-05:00"},
		{`{"starts_at":{"a":1}}`, "", "is no time"},
		{`{"starts_at":"2026-01-25T10:00:00Z","ends_at":"late"}`, "", "the field ends_at"},
	} {
		in := &inbox{}
		f := flowReceiver(t, in, bird.FlowOptions{Location: newYork})
		status, says := callFlow(f, `{"event":"tour.scheduled","bird_contact_id":"c1","tour":`+tt.tour+`}`)
		if tt.want == "" {
			equal(t, tt.tour, status, 422)
			equal(t, tt.tour, len(in.items), 0)
			if !strings.Contains(says, tt.says) || strings.Contains(says, "Sunday") || strings.Contains(says, "25/01") {
				t.Errorf("%s: answered %q", tt.tour, says)
			}
			continue
		}
		equal(t, tt.tour, status, 204)
		equal(t, tt.tour, in.facts()[0].Data, map[string]any{"bird_contact_id": "c1", "starts_at": tt.want})
	}
}

func TestQualificationAndEscalation(t *testing.T) {
	for _, tt := range []struct {
		body string
		want map[string]any // nil if refused
	}{
		{`"event":"qualification.completed","qualification":{"score":85,"budget":1500.50,"move_in":"2026-03"}`,
			map[string]any{"score": number("85"), "budget": number("1500.50"), "move_in": "2026-03"}},
		{`"event":"qualification.completed","qualification":{"qualified":"false"}`, map[string]any{"qualified": "false"}},
		{`"event":"qualification.completed","qualification":{"score":" 0.85 "}`, map[string]any{"score": number("0.85")}},
		{`"event":"qualification.completed","score":"[\"7\"]"`, map[string]any{"score": number("7")}},
		{`"event":"qualification.completed","score":""`, map[string]any{}},
		{`"event":"qualification.completed","score":"85/100"`, nil},
		{`"event":"qualification.completed","score":"high"`, nil},
		{`"event":"qualification.completed","score":"1e3"`, nil},
		{`"event":"qualification.completed","score":true`, nil},
		{`"event":"escalation.triggered","escalation":{"reason":"asked for a person","team":"Lettings"}`,
			map[string]any{"reason": "asked for a person", "team": "Lettings"}},
		{`"event":"escalation.triggered","reason":"angry","agent_id":"{{context.agent.id}}"`, map[string]any{"reason": "angry"}},
	} {
		in := &inbox{}
		status, says := callFlow(flowReceiver(t, in, bird.FlowOptions{}), `{"bird_contact_id":"c1",`+tt.body+`}`)
		if tt.want == nil {
			equal(t, tt.body, status, 422)
			if !strings.Contains(says, `the field score of the event qualification.completed (at "qualification.score" or "score") is no number`) {
				t.Errorf("%s: answered %q", tt.body, says)
			}
			continue
		}
		tt.want["bird_contact_id"] = "c1"
		equal(t, tt.body, status, 204)
		equal(t, tt.body, in.facts()[0].Data, tt.want)
	}
}

// TestFlowFactsHaveATime: that which the call tells, else that of the call.
func TestFlowFactsHaveATime(t *testing.T) {
	now := time.Date(2026, 1, 22, 9, 0, 0, 0, bogota)
	for told, want := range map[string]string{
		"2026-01-22T04:20:00Z": "2026-01-22T04:20:00Z", "2026-01-22 04:20": "2026-01-22T09:20:00Z",
		"": "2026-01-22T14:00:00Z", "yesterday": "2026-01-22T14:00:00Z",
	} {
		in := &inbox{}
		f := flowReceiver(t, in, bird.FlowOptions{Location: bogota, Now: func() time.Time { return now }})
		callFlow(f, `{"event":"escalation.triggered","bird_contact_id":"c1","occurred_at":"`+told+`"}`)
		equal(t, told, in.facts()[0].OccurredAt.Format(time.RFC3339), want)
		equal(t, told, in.changes()[0].OccurredAt.IsZero(), !strings.HasPrefix(told, "2026"))
	}
}

// TestOneFactHoweverLearnt tells of the same conversation and message by
// Bird's webhook and by a Flow, in both orders.
func TestOneFactHoweverLearnt(t *testing.T) {
	const (
		started  = `{"event":"conversation.started","event_id":"run-1","bird_contact_id":"e013a75b-b5ac-4341-aa7c-571d38d067d0","conversation_id":"7f7d4cff-2e27-4a1a-a2ba-0967341f974b"}`
		received = `{"event":"message.received","event_id":"run-2","bird_contact_id":"d4e8935a-5f48-45a5-95a5-ee7ba1e2c5b4","message_id":"404544c5-9920-45f1-8990-0855634ab7ac","msisdn":"+3511111111"}`
		closed   = `{"event":"conversation.closed","event_id":"run-3","bird_contact_id":"e013a75b-b5ac-4341-aa7c-571d38d067d0","conversation_id":"7f7d4cff-2e27-4a1a-a2ba-0967341f974b","message_id":"0c854061-6026-48c7-a2e8-bffb6458727b"}`

		escalated = `{"event":"escalation.triggered","event_id":"run-4","bird_contact_id":"e013a75b-b5ac-4341-aa7c-571d38d067d0","conversation_id":"7f7d4cff-2e27-4a1a-a2ba-0967341f974b","escalation":{"agent_id":"5795352d-f111-407b-be33-c9db94e4a666"}}`
	)
	for _, tt := range []struct{ file, flow, fact string }{
		{"event-conversation-created", started, "conversation.started"},
		{"event-whatsapp-inbound", received, "message.received"},
		{"event-conversation-updated-closed", closed, "conversation.closed"},
		{"payloads/event-conversation-updated-agent-joined", escalated, "escalation.triggered"},
	} {
		for _, flowFirst := range []bool{false, true} {
			in := &inbox{}
			native, flow := receiver(t, in), flowReceiver(t, in, bird.FlowOptions{})
			told := []func() int{
				func() int { return answer(native, hook(payload(t, tt.file), hookKey, time.Now())) },
				func() int { status, _ := callFlow(flow, tt.flow); return status },
			}
			if flowFirst {
				told[0], told[1] = told[1], told[0]
			}
			equal(t, "statuses", []int{told[0](), told[1](), told[0](), told[1]()}, []int{204, 204, 204, 204})
			ids, subjects := map[string]bool{}, map[string]bool{}
			for _, fact := range in.facts() {
				if fact.Type == tt.fact {
					ids[fact.ID], subjects[fact.Subject.String()] = true, true
				}
			}
			equal(t, fmt.Sprint(tt.fact, ", Flow first: ", flowFirst), []int{len(ids), len(subjects)}, []int{1, 1})
		}
	}
}

// TestFlowFactsAreToldApart: retries of a call are one fact, other calls are
// others.
func TestFlowFactsAreToldApart(t *testing.T) {
	id := func(body string) string {
		in := &inbox{}
		if status, says := callFlow(flowReceiver(t, in, bird.FlowOptions{}), body); status != 204 {
			t.Fatal(status, says)
		}
		return in.facts()[0].ID
	}
	const tour = `{"event":"tour.scheduled","bird_contact_id":"c1","tour":{"starts_at":"2026-01-25T10:00:00Z","property":"loft"}}`
	for name, tt := range map[string]struct {
		a, b string
		same bool
	}{
		"the order of keys": {tour, `{ "tour":{"property":"loft","starts_at":"2026-01-25T10:00:00Z"},"bird_contact_id":"c1","event":"tour.scheduled"}`, true},
		"another tour":      {tour, strings.Replace(tour, "loft", "patio", 1), false},
		"another contact":   {tour, strings.Replace(tour, "c1", "c2", 1), false},
		"one id":            {strings.Replace(tour, "{", `{"event_id":"1",`, 1), strings.Replace(strings.Replace(tour, "{", `{"event_id":"1",`, 1), "loft", "patio", 1), true},
		"two ids":           {strings.Replace(tour, "{", `{"event_id":"1",`, 1), strings.Replace(tour, "{", `{"event_id":"2",`, 1), false},
		"one run, two events": {strings.Replace(tour, "{", `{"event_id":"1",`, 1),
			`{"event_id":"1","event":"qualification.completed","bird_contact_id":"c1"}`, false},
		"one hand-over": {`{"event":"escalation.triggered","event_id":"1","bird_contact_id":"c1","conversation_id":"v1","agent_id":"a1"}`,
			`{"event":"escalation.triggered","event_id":"2","bird_contact_id":"c1","conversation_id":"v1","agent_id":"a1","reason":"again"}`, true},
		"two hand-overs": {`{"event":"escalation.triggered","event_id":"1","bird_contact_id":"c1","conversation_id":"v1"}`,
			`{"event":"escalation.triggered","event_id":"2","bird_contact_id":"c1","conversation_id":"v1"}`, false},
		"two closings": {`{"event":"conversation.closed","event_id":"1","bird_contact_id":"c1","conversation_id":"v1"}`,
			`{"event":"conversation.closed","event_id":"2","bird_contact_id":"c1","conversation_id":"v1"}`, false},
	} {
		equal(t, name, id(tt.a) == id(tt.b), tt.same)
	}
}

// TestFlowFactsWithoutAnID: whatever a body holds, the order of its keys and
// its blanks make no other fact, and another value does.
func TestFlowFactsWithoutAnID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.MapOfN(rapid.StringMatching(`[a-z_]{1,6}`), rapid.OneOf(rapid.String().AsAny(), rapid.Int().AsAny(), rapid.SliceOf(rapid.Bool()).AsAny()), 0, 6).Draw(t, "values")
		body := map[string]any{"values": values, "event": "qualification.completed", "bird_contact_id": "c1"}
		compact, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		wide := []string{}
		for name, v := range body { // in any order
			text, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			wide = append(wide, fmt.Sprintf(" %q:\n%s ", name, text))
		}
		other := strings.Replace(string(compact), `"values":{`, `"values":{"other":1,`, 1)
		other = strings.Replace(other, `,}`, `}`, 1)
		ids := map[string]bool{}
		for _, b := range []string{string(compact), "{" + strings.Join(wide, ",") + "}"} {
			in := &inbox{}
			f, err := bird.NewFlowReceiver(in, bird.FlowOptions{Secrets: []string{"new secret"}})
			if err != nil {
				t.Fatal(err)
			}
			if status, says := callFlow(f, b); status != 204 {
				t.Fatal(status, says, b)
			}
			callFlow(f, other)
			facts := in.facts()
			ids[facts[0].ID] = true
			if facts[0].ID == facts[1].ID {
				t.Fatalf("%s and %s are one fact", b, other)
			}
		}
		if len(ids) != 1 {
			t.Fatalf("%s is %d facts", compact, len(ids))
		}
	})
}
