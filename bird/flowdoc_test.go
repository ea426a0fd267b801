package bird_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
)

func flowPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/bird-flows.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// block returns the one fenced block of a language after a heading.
func block(t *testing.T, page, heading, language string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "\n"+heading+"\n")
	_, rest, fenced := strings.Cut(rest, "\n```"+language+"\n")
	text, _, closed := strings.Cut(rest, "\n```\n")
	if !found || !fenced || !closed {
		t.Fatalf("no %s under %s", language, heading)
	}
	return text
}

var variable = regexp.MustCompile(`"\{\{([^}]*)\}\}"`)

// render fills in a template's variables as Bird does: arrays as they are or
// as text, and what is not known as an empty text.
func render(t *testing.T, template string, values map[string]any, arraysAsText bool) string {
	t.Helper()
	return variable.ReplaceAllStringFunc(template, func(v string) string {
		value, ok := values[strings.Trim(v, `"{}`)]
		if !ok && values != nil {
			t.Fatalf("the page has a variable %s without a sample", v)
		}
		if value == nil {
			value = ""
		}
		data, err := json.Marshal(value)
		if _, isArray := value.([]any); isArray && arraysAsText {
			data, err = json.Marshal(string(data))
		}
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	})
}

// TestFlowPageBodies renders every body of docs/bird-flows.md and sends it.
func TestFlowPageBodies(t *testing.T) {
	page := flowPage(t)
	var values map[string]any
	if err := json.Unmarshal([]byte(payload(t, "flow-variables")), &values); err != nil {
		t.Fatal(err)
	}
	const contact, conversation = "e013a75b-b5ac-4341-aa7c-571d38d067d0", "7f7d4cff-2e27-4a1a-a2ba-0967341f974b"
	emails := []any{"jane@example.com", "jane.doe@example.com"}
	for event, tt := range map[string]struct {
		data  map[string]any // of the fact, nil if it is none
		lacks []string       // what an empty body is told to lack
	}{
		"contact.updated":         {nil, []string{"bird_contact_id"}},
		"qualification.completed": {map[string]any{"conversation_id": conversation, "conversation_status": "active", "score": number("85"), "budget": "1500", "move_in": "2026-03"}, []string{"bird_contact_id"}},
		"tour.scheduled":          {map[string]any{"conversation_id": conversation, "starts_at": "2026-01-25T15:00:00Z", "property": "josefa"}, []string{"bird_contact_id", "starts_at"}},
		"escalation.triggered":    {map[string]any{"conversation_id": conversation, "reason": "asked for a person", "team": "Lettings", "agent_id": "68b80b8d-8060-42df-bda3-73505a8fdb84"}, []string{"bird_contact_id"}},
		"conversation.started": {map[string]any{"conversation_id": conversation, "conversation_status": "active", "msisdn": "+573000000000", "email": emails, "name": "Example S"},
			[]string{"bird_contact_id", "conversation_id"}},
		"message.received": {map[string]any{"conversation_id": conversation, "message_id": "3e75a9d2-2a54-45ac-856a-bbe02f874332", "text": "Is it still free?\nI would like to see it."},
			[]string{"bird_contact_id", "message_id"}},
	} {
		template := block(t, page, "### "+event, "json")
		for _, arraysAsText := range []bool{false, true} {
			in := &inbox{}
			f := flowReceiver(t, in, bird.FlowOptions{Location: bogota})
			if status, says := callFlow(f, render(t, template, values, arraysAsText)); status != 204 {
				t.Fatalf("%s: %d %s", event, status, says)
			}
			equal(t, event, in.changes()[0].Ref, ref(contact))
			equal(t, event, len(in.facts()) == 1, tt.data != nil)
			if tt.data != nil {
				tt.data["bird_contact_id"] = contact
				equal(t, event, in.facts()[0].Type, event)
				equal(t, event, in.facts()[0].Data, tt.data)
			}
		}
		status, says := callFlow(flowReceiver(t, &inbox{}, bird.FlowOptions{}), render(t, template, nil, false))
		equal(t, event, status, 422)
		for _, name := range tt.lacks {
			if !strings.Contains(says, "the field "+name+" of the event "+event+" (at ") {
				t.Errorf("%s: %s is not named by %q", event, name, says)
			}
		}
		equal(t, event+" "+says, strings.Count(says, "\n"), len(tt.lacks))
	}
	equal(t, "bodies on the page", strings.Count(page, "\n```json\n"), 6)
}

// TestFlowPageMap loads the file of the page and sends what it describes.
func TestFlowPageMap(t *testing.T) {
	m, err := bird.LoadFlowMap("flows.yaml", []byte(block(t, flowPage(t), "## Names of your own", "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{Map: m})
	for _, body := range []string{
		`{"event":"visita.agendada","contact":{"id":"c1"},"visita":{"fecha":"2026-01-25 10:00"},"property":"loft","attributes":{"sync.fase":"Visita"}}`,
		`{"event":"encuesta","contact":{"id":"c1"},"encuesta":{"respuesta":"5"}}`,
	} {
		if status, says := callFlow(f, body); status != 204 {
			t.Fatal(status, says)
		}
	}
	facts := in.facts()
	equal(t, "visit", []any{facts[0].Type, facts[0].Data}, []any{"tour.scheduled",
		map[string]any{"bird_contact_id": "c1", "starts_at": "2026-01-25T10:00:00Z", "property": "loft", "phase": "Visita"}})
	equal(t, "survey", []any{facts[1].Type, facts[1].Data}, []any{"survey.answered", map[string]any{"bird_contact_id": "c1", "answer": "5"}})
}

// TestFlowPagePreset loads the map of the preset's further events: each becomes
// a fact, and a refusal of the lead is in it.
func TestFlowPagePreset(t *testing.T) {
	m, err := bird.LoadFlowMap("flows.yaml", []byte(block(t, flowPage(t), "### Events of the preset", "yaml")))
	if err != nil {
		t.Fatal(err)
	}
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{Map: m})
	events := []string{"qualification.completed", "tour.completed", "application.submitted", "lease.signed"}
	for _, event := range events {
		body := `{"event":"` + event + `","bird_contact_id":"c1","conversation_id":"t1","qualification":{"qualified":false}}`
		if status, says := callFlow(f, body); status != 204 {
			t.Fatal(status, says)
		}
	}
	var types []string
	for _, fact := range in.facts() {
		types = append(types, fact.Type)
	}
	equal(t, "types", types, events)
	equal(t, "qualified", in.facts()[0].Data["qualified"], any(false))
}

// TestFlowPageCurl sends what the page's curl sends, twice.
func TestFlowPageCurl(t *testing.T) {
	command := block(t, flowPage(t), "## Try it out", "sh")
	in := &inbox{}
	f, err := bird.NewFlowReceiver(in, bird.FlowOptions{Secrets: []string{"<your secret>"}})
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile(`-(H|d) '([^']*)'`).FindAllStringSubmatch(command, -1)
	for range 2 {
		r := httptest.NewRequest(http.MethodPost, "/flows/bird", strings.NewReader(quoted[len(quoted)-1][2]))
		for _, q := range quoted[:len(quoted)-1] {
			name, value, _ := strings.Cut(q[2], ": ")
			r.Header.Set(name, value)
		}
		equal(t, "status", answer(f, r), 204)
	}
	facts := in.facts()
	equal(t, "one fact", facts[0].ID, facts[1].ID)
	equal(t, "starts", facts[0].Data["starts_at"], any("2026-01-25T15:00:00Z"))
}

// TestFlowPageAnswers provokes every answer and looks it up on the page.
func TestFlowPageAnswers(t *testing.T) {
	_, section, _ := strings.Cut(flowPage(t), "\n## When it does not work\n")
	var told []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d{3}) \|`).FindAllStringSubmatch(section, -1) {
		told = append(told, row[1])
	}
	const good = `{"event":"contact.updated","bird_contact_id":"c1"}`
	secret := "Bearer new secret"
	full := &inbox{full: true}
	var answers []string
	for _, r := range []*http.Request{
		flowCall(good, secret), flowCall("{", secret), flowCall(good, "Bearer x"), httptest.NewRequest(http.MethodGet, "/", nil),
		flowCall(strings.Repeat(" ", 1<<20+1), secret), flowCall("{}", secret),
	} {
		answers = append(answers, strconv.Itoa(answer(flowReceiver(t, &inbox{}, bird.FlowOptions{}), r)))
	}
	answers = append(answers, strconv.Itoa(answer(flowReceiver(t, full, bird.FlowOptions{}), flowCall(good, secret))))
	equal(t, "answers", answers, told)
}

// TestFlowPageInTheSimulator installs the page's steps, signed, beside Bird's
// own webhooks. What both tell of is one fact.
func TestFlowPageInTheSimulator(t *testing.T) {
	s, a := connect(t, &birdtest.Options{IndexDelay: -1, ArraysAsText: true})
	in := &inbox{}
	mux := http.NewServeMux()
	web := httptest.NewServer(mux)
	defer web.Close()
	native, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: web.URL + "/webhooks", Secrets: []string{"signing key"}})
	if err != nil {
		t.Fatal(err)
	}
	mux.Handle("/webhooks", native)
	mux.Handle("/flows", flowReceiver(t, in, bird.FlowOptions{Signature: bird.FlowSignature{Header: "X-Signature", Secrets: []string{"flow key"}}}))
	for _, event := range []string{"conversation.created", "conversation.updated"} {
		s.Subscribe(event, web.URL+"/webhooks", "signing key")
	}
	for event, trigger := range map[string]string{
		"contact.updated": "contact.updated", "qualification.completed": "qualified", "tour.scheduled": "booked",
		"escalation.triggered": "feed_item.assigned", "conversation.started": "conversation.created",
	} {
		var body map[string]any
		if err := json.Unmarshal([]byte(block(t, flowPage(t), "### "+event, "json")), &body); err != nil {
			t.Fatal(err)
		}
		s.AddFlow(birdtest.Flow{URL: web.URL + "/flows", Events: []string{trigger}, HMACKey: "flow key", Base64: true, Body: body})
	}
	id := create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"})
	conversation := s.StartConversation(id)
	s.ContactSays(conversation, "Is it free?")
	s.BotSays(conversation, "Yes.")
	s.RunFlow(id, "qualified", map[string]any{"score": 85, "budget": "1500", "moveIn": "2026-03"})
	s.RunFlow(id, "booked", map[string]any{"tourDate": "2026-01-25", "tourTime": "10:00", "property": "josefa"})
	if err := a.AssignFeedItem(t.Context(), conversation, bird.Assignment{AgentID: birdtest.DefaultAgent}); err != nil {
		t.Fatal(err)
	}
	s.AgentSays(conversation, "Carla here.")
	if err := s.Edit(id, map[string]any{"name": "Janet"}); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := map[string]map[string]bool{}
	times := map[string]int{}
	for _, f := range in.facts() {
		if told[f.Type] == nil {
			told[f.Type] = map[string]bool{}
		}
		told[f.Type][f.ID] = true
		times[f.ID]++
	}
	for _, event := range []string{"conversation.started", "qualification.completed", "tour.scheduled", "escalation.triggered"} {
		equal(t, event, len(told[event]), 1)
	}
	equal(t, "told by both", times["bird:conversation.started:"+conversation] > 1 && times["bird:escalation.triggered:"+conversation+":"+birdtest.DefaultAgent] > 1, true)
}
