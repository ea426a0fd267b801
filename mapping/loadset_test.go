package mapping_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

func setSource(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile("testdata/load/set.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func TestLoadSetIsTheBuilder(t *testing.T) {
	got, err := mapping.LoadSet("set.yaml", []byte(setSource(t)))
	if err != nil {
		t.Fatal(err)
	}
	stage := mapping.Enum("stage", "stage", "dealstage", mapping.Option{Left: "new", Right: "open"}, mapping.Option{Left: "won", Right: "closed"})
	stage.Right = stage.Right.Along("pipeline", "sales")
	want := &mapping.Set{
		Templates: map[string]string{"body": "<p>{{.Data.text}}</p>"},
		Flows: []mapping.Spec{
			{Name: "people", Left: mapping.End{System: "bird", Kind: "contact"}, Right: mapping.End{System: "hubspot", Kind: "contact", CreateKey: "bird_id"},
				Fields: []mapping.Field{mapping.ID("bird_id", "id", "bird_id").To(sync.Right), mapping.Email("email", "email", "email")}},
			{Name: "deals", Left: mapping.End{System: "bird", Kind: "conversation"},
				Right: mapping.End{System: "hubspot", Kind: "deal", CreateKey: "conversation_id",
					Relate: []mapping.Relate{{Flow: "people", Kind: "contact", Field: "contact_id", Required: true}}},
				Fields: []mapping.Field{mapping.ID("conversation_id", "id", "conversation_id").To(sync.Right),
					mapping.Template("title", `{{default (print "Deal " .id) .name}}`, []string{"name", "id"}, "dealname"), stage}},
		},
		Activities: []mapping.ActivitySpec{
			{Name: "tours", Fact: "tour.scheduled", When: `data.conversation_id != ""`, System: "hubspot", Kind: "meeting", Key: "event_key", Unique: true,
				Zone: "America/Bogota", Patience: 24 * time.Hour,
				Relate: []mapping.Relate{{Flow: "people", Required: true}, {Flow: "deals", Kind: "conversation", Field: "conversation_id"}},
				Fields: []mapping.Content{{Name: "title", Text: "Tour of {{.Data.property}}"}, {Name: "body", HTML: `{{template "body" .}}`, Max: 5000},
					{Name: "start", Text: "{{epoch .Data.starts_at}}", Required: true}}},
			{Name: "stages", Fact: "stage.changed", System: "bird", Kind: "contact", Update: true, Templates: map[string]string{"stage": "{{.Data.to}}"},
				Relate: []mapping.Relate{{Kind: "contact", Field: "contact_id", Required: true}},
				Fields: []mapping.Content{{Name: "deal_stage", Text: `{{template "stage" .}}`}}},
		},
		Triggers: []sync.Trigger{{Name: "won", Flow: "deals", Field: "stage", From: []string{"", "open"}, To: []string{"closed"},
			With: []string{"contact_id"}, Fact: "stage.changed"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-builder +YAML:\n%s", diff)
	}
}

func TestCompiledSet(t *testing.T) {
	set, err := mapping.LoadSet("set.yaml", []byte(setSource(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := set.Compile()
	if err != nil {
		t.Fatal(err)
	}
	var cfg sync.Config
	compiled.AddTo(&cfg)
	if len(cfg.Flows) != 2 || len(cfg.Activities) != 2 || len(cfg.Triggers) != 1 {
		t.Fatalf("%d flows, %d activities, %d triggers", len(cfg.Flows), len(cfg.Activities), len(cfg.Triggers))
	}
	got, err := cfg.Activities[0].Render(tour(map[string]any{"text": "<b>", "property": "A", "starts_at": "1"}))
	if err != nil || got["body"].String() != "<p>&lt;b&gt;</p>" {
		t.Errorf("%v, %v", got, err)
	}
	deals := cfg.Flows[1]
	rec := sync.Record{Fields: sync.Fields{"id": sync.Text("c1"), "contact_id": sync.Text("b1"), "stage": sync.Text("won")}}
	ref, ok := deals.Right.Relate[0].Of(rec)
	if want := (sync.Ref{System: "bird", Kind: "contact", ID: "b1"}); ref != want || !ok {
		t.Errorf("the deal's contact is %v, %v", ref, ok)
	}
	if _, ok := deals.Right.Relate[0].Of(sync.Record{}); ok {
		t.Error("a conversation without a contact names one")
	}
	if v, err := deals.Fields[1].Left.Get(rec.Fields); err != nil || v.String() != "Deal c1" {
		t.Errorf("title %v, %v", v, err)
	}
	if f, err := deals.Fields[2].Right.Put(sync.Text("closed"), nil); err != nil || f["pipeline"].String() != "sales" {
		t.Errorf("stage %v, %v", f, err)
	}
	if err := mapping.Check(deals, nil, nil); err != nil {
		t.Error(err)
	}
}

func TestLoadSetPointsAtTheProblem(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		line, column   int
		rule, hint     string
	}{
		{"no version", "version: 1\n", "\n", 2, 1, "yaml.version", "version: 1"},
		{"another version", "version: 1", "version: 2", 1, 10, "yaml.choice", "1"},
		{"unknown key", "triggers:", "trigers:", 56, 1, "yaml.key", "triggers"},
		{"flow of an association", "- {flow: people, kind", "- {flow: person, kind", 16, 18, "set.flow", `"person"`},
		{"flow of an activity", "- {flow: people, required", "- {flow: person, required", 42, 16, "set.flow", `"person"`},
		{"half an association", "field: contact_id, required: true}\n    fields:\n      - {name: conv", "required: true}\n    fields:\n      - {name: conv", 16, 11, "relate.complete", "raw field"},
		{"template that does not parse", "Tour of {{.Data.property}}", "Tour of {{.Data.property}", 45, 0, "template.compiles", "tours.title:1"},
		{"template of a field", "print \"Deal \" .id", "prnt \"Deal \" .id", 21, 45, "template.compiles", "prnt"},
		{"template of a name that is not read", "default (print \"Deal \" .id) .name", "default .nome .name", 21, 55, "template.compiles", "nome"},
		{"template both ways", "        direction: to-right\n", "        direction: both\n", 21, 15, "place.template", "one way"},
		{"template on another type", "type: template", "type: text", 21, 15, "place.template", "one way"},
		{"unknown part of a fact", "{{epoch .Data.starts_at}}", "{{epoch .Starts}}", 47, 0, "template.compiles", "Starts"},
		{"condition", "data.conversation_id != \"\"", "record.x != \"\"", 34, 11, "condition.compiles", "type and data"},
		{"duration", "24h", "a day", 40, 15, "yaml.duration", "24h"},
		{"length", "max: 5000", "max: -1", 46, 0, "yaml.number", "whole"},
		{"trigger's flow", "    flow: deals\n    field: stage", "    flow: deal\n    field: stage", 58, 11, "set.flow", "deal"},
		{"trigger's field", "field: stage\n", "field: stages\n", 59, 12, "trigger.field", "no such field"},
		{"trigger's value", "to: [closed]", "to: [won]", 61, 10, "trigger.value", "right value"},
		{"what a trigger carries", "with: [contact_id]", "with: [owner]", 62, 12, "trigger.with", "does not read"},
		{"two of a name", "name: deals", "name: people", 9, 11, "set.unique", "rename"},
		{"what is written along", "with: {pipeline: sales}", "with: {dealstage: sales}", 27, 40, "place.with", "other raw fields"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			source := setSource(t)
			if !strings.Contains(source, tt.old) {
				t.Fatalf("the file has no %q", tt.old)
			}
			_, err := mapping.LoadSet("m.yaml", []byte(strings.Replace(source, tt.old, tt.new, 1)))
			e, at := located(t, err)
			if e.Rule != tt.rule || !strings.Contains(e.Hint, tt.hint) {
				t.Errorf("rule %q, hint %q; want %q, %q", e.Rule, e.Hint, tt.rule, tt.hint)
			}
			if at.Line != tt.line || tt.column != 0 && at.Column != tt.column {
				t.Errorf("at %d:%d, want %d:%d\n%v", at.Line, at.Column, tt.line, tt.column, err)
			}
		})
	}
}

func FuzzLoadSet(f *testing.F) {
	source := setSource(f)
	for _, s := range []string{source, "version: 1", strings.ReplaceAll(source, "{{", "{{if "), strings.ReplaceAll(source, "epoch", "slice 9"),
		"version: 1\ntemplates: {a: '{{template \"a\"}}'}\n", "version: 1\ntriggers: [{name: t, fact: f, flow: x}]\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		set, err := mapping.LoadSet("m.yaml", source)
		if err != nil {
			var at *mapping.Position
			if !errors.As(err, &at) || at.Line < 1 || at.Line > 1+strings.Count(string(source), "\n") {
				t.Fatalf("error %v", err)
			}
			return
		}
		compiled, err := set.Compile()
		if err != nil {
			t.Fatalf("a loaded set does not compile: %v", err)
		}
		for _, a := range compiled.Activities {
			_, _ = a.Render(tour(map[string]any{"text": "<b>", "starts_at": "1"})) // must not panic
		}
	})
}
