package bird_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/sync"
)

const visits = `
paths:
  bird_contact_id: contact.id
  event: what
  phone_label: phones.label
events:
  visita.agendada:
    fact: tour.scheduled
    paths: {starts_at: visita.inicio, bird_contact_id: persona}
    required: [starts_at, property]
  perfil:
    fact: qualification.completed
  contact.tagged: {}
  tour.scheduled:
    required: []
`

// TestFlowEventsHavePathsOfTheirOwn walks the precedence of paths: the
// event's own, those for all events, those of the fact.
func TestFlowEventsHavePathsOfTheirOwn(t *testing.T) {
	m, err := bird.LoadFlowMap("visits.yaml", []byte(visits))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		body   string
		status int
		says   string
		fact   string
		data   map[string]any
	}{
		{`{"what":"visita.agendada","persona":"c1","visita":{"inicio":"2026-01-25T10:00:00Z"},"tour":{"property":"loft"}}`, 204, "",
			"tour.scheduled", map[string]any{"bird_contact_id": "c1", "starts_at": "2026-01-25T10:00:00Z", "property": "loft"}},
		{`{"what":"visita.agendada","contact":{"id":"c1"},"tour":{"starts_at":"2026-01-25T10:00:00Z"}}`, 422,
			"the field bird_contact_id of the event visita.agendada (at \"persona\") is missing or empty\n" +
				"the field starts_at of the event visita.agendada (at \"visita.inicio\") is missing or empty\n" +
				"the field property of the event visita.agendada (at \"tour.property\" or \"property\") is missing or empty\n", "", nil},
		{`{"what":"perfil","contact":{"id":"c1"},"score":"85","phones":{"label":"home"}}`, 204, "",
			"qualification.completed", map[string]any{"bird_contact_id": "c1", "score": number("85"), "phone_label": "home"}},
		{`{"what":"contact.tagged","contact":{"id":"c1"}}`, 204, "", "", nil},
		{`{"what":"tour.scheduled","contact":{"id":"c1"}}`, 204, "", "tour.scheduled", map[string]any{"bird_contact_id": "c1"}},
		{`{"event":"tour.scheduled","contact":{"id":"c1"}}`, 422, `the field event (at "what") is missing or empty`, "", nil},
		{`{"what":"message.received","contact":{"id":"c1"}}`, 422, `the field message_id of the event message.received (at "message_id") is missing`, "", nil},
	} {
		in := &inbox{}
		status, says := callFlow(flowReceiver(t, in, bird.FlowOptions{Map: m}), tt.body)
		equal(t, tt.body, status, tt.status)
		if !strings.Contains(says, tt.says) {
			t.Errorf("%s: answered %q", tt.body, says)
		}
		facts := in.facts()
		equal(t, tt.body, len(facts) == 1, tt.fact != "")
		if len(facts) == 1 {
			equal(t, tt.body, facts[0].Type, tt.fact)
			equal(t, tt.body, facts[0].Data, tt.data)
		}
	}
}

// TestFlowMapErrors: each names the place and the key.
func TestFlowMapErrors(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"evnts: {}", `yaml.key: at m.yaml:1:1 (field evnts is not known; use paths and events)`},
		{"events:\n  x:\n    fct: a", `yaml.key: at m.yaml:3:5 (field fct is not known; use fact, paths and required)`},
		{"events:\n  x: {fact: a}\n  x: {fact: b}", `yaml.key: at m.yaml:3:3 (mapping key "x" already defined at line 2)`},
		{"paths: [a]", `yaml.key: at m.yaml:1:8 (cannot construct a list into an object of texts)`},
		{"events: {x: {required: a}}", `cannot construct`},
		{"paths: {a: [}", `yaml.syntax: at m.yaml:1:`},
		{"", `yaml.key: at m.yaml:1:1 (no documents in stream)`},
		{"paths: {a: b}\n---\npaths: {}", `expected single document`},
		{"paths:\n  a: b\n  c: d..e", `field paths.c: fatal by rule flow.path: at m.yaml:3:3`},
		{"paths:\n  a:", `field paths.a: fatal by rule flow.path: at m.yaml:2:3`},
		{"paths: {a: 'b|'}", `field paths.a: fatal by rule flow.path: at m.yaml:1:9`},
		{"events:\n  x:\n    paths: {event: a}", `field events.x.paths.event: fatal by rule flow.event: at m.yaml:3:13`},
		{"events:\n  x:\n    fact: a b", `field events.x.fact: fatal by rule flow.fact: at m.yaml:3:5`},
		{"events:\n  x:\n    required: [starts_at]", `field events.x.required: fatal by rule flow.required: at m.yaml:3:5 (say under paths where the required field "starts_at" is)`},
		{"events:\n  '': {}", `field events.: fatal by rule flow.event: at m.yaml:2:3`},
		{strings.Repeat(" ", 1<<20+1), `yaml.size`},
	} {
		_, err := bird.LoadFlowMap("m.yaml", []byte(tt.source))
		failure(t, err, sync.Fatal)
		if !strings.Contains(fmt.Sprint(err), tt.want) {
			t.Errorf("%.60q:\n got %v\nwant %s", tt.source, err, tt.want)
		}
	}
	_, err := bird.LoadFlowMap("m.yaml", []byte("paths: {a: .b}\nevents: {x: {fact: '?'}}"))
	equal(t, "all of them", strings.Count(fmt.Sprint(err), "bird: load flow map"), 2)
	_, err = bird.NewFlowReceiver(&inbox{}, bird.FlowOptions{Secrets: []string{"a"}, Map: bird.FlowMap{Paths: map[string]string{"a": ""}}})
	equal(t, "in code", failure(t, err, sync.Fatal).Field, "paths.a")
}

func FuzzLoadFlowMap(f *testing.F) {
	f.Add([]byte(visits))
	f.Add([]byte("paths: &a {b: c}\nevents: {x: {paths: *a}}"))
	f.Add([]byte("? [a]\n: b"))
	f.Fuzz(func(t *testing.T, source []byte) {
		m, err := bird.LoadFlowMap("m.yaml", source)
		if err != nil {
			return
		}
		if _, err := bird.NewFlowReceiver(&inbox{}, bird.FlowOptions{Secrets: []string{"a"}, Map: m}); err != nil {
			t.Fatalf("loaded, and refused: %v", err)
		}
	})
}
