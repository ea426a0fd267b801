package mapping_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// noteSpec is a sound activity of one field.
func noteSpec(c mapping.Content) *mapping.ActivitySpec {
	return &mapping.ActivitySpec{Name: "notes", Fact: "tour.scheduled", System: "hubspot", Kind: "note", Key: "key", Unique: true, Zone: "America/Bogota",
		Relate: []mapping.Relate{{Flow: "people", Required: true}, {Flow: "deals", Kind: "conversation", Field: "conversation_id"}},
		Fields: []mapping.Content{c}}
}

func activityOf(t testing.TB, spec *mapping.ActivitySpec) *sync.Activity {
	t.Helper()
	a, err := spec.Activity()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tour is the fact of the tests.
func tour(data map[string]any) sync.Fact {
	return sync.Fact{ID: "f1", Type: "tour.scheduled", Subject: sync.Ref{System: "bird", Kind: "contact", ID: "b1"},
		OccurredAt: time.Date(2026, 1, 25, 15, 0, 0, 5e6, time.UTC), Data: data}
}

func TestTemplates(t *testing.T) {
	data := map[string]any{"text": "a <b>\nc", "score": 85.5, "ok": true, "list": []any{"x", 1.0}, "tour": map[string]any{"at": "2026-01-25T10:00:00-05:00"},
		"ms": "1769353200000", "none": nil}
	for _, tt := range []struct{ text, html, want string }{
		{text: "{{.Type}} {{.ID}} {{.Subject.ID}}", want: "tour.scheduled f1 b1"},
		{text: "{{.Key}}", want: sync.FactKey(tour(nil))},
		{text: "{{.Data.score}} {{.Data.ok}} {{.Data.list}}|{{.Data.none}}{{.Data.missing}}|", want: "85.5 true x; 1||"},
		{text: `{{index .Data "tour.at" | iso}}`, want: "2026-01-25T15:00:00.000Z"},
		{text: `{{format "2006-01-02 15:04" .OccurredAt}} {{zone}}`, want: "2026-01-25 10:00 America/Bogota"},
		{text: "{{epoch .OccurredAt}} {{epoch .Data.ms}}{{epoch .Data.none}}", want: "1769353200005 1769353200000"},
		{text: `{{epoch (plus "90m" .Data.ms)}}{{epoch (plus "1h" .Data.none)}}`, want: "1769358600000"},
		{text: `{{default "nobody" .Data.name}}, {{default "nobody" .Data.text | lines | len}}`, want: "nobody, 2"},
		{text: "{{title .Type}} {{upper .Data.ms}} {{lower .Type}}", want: "Tour scheduled 1769353200000 tour.scheduled"},
		{text: "{{.Data.text}}", want: "a <b>\nc"},
		{html: "<p>{{range $i, $l := lines .Data.text}}{{if $i}}<br>{{end}}{{$l}}{{end}}</p>", want: "<p>a &lt;b&gt;<br>c</p>"},
		{html: `<a href="{{.Data.text}}">x</a>`, want: `<a href="a%20%3cb%3e%0ac">x</a>`},
	} {
		a := activityOf(t, noteSpec(mapping.Content{Name: "body", Text: tt.text, HTML: tt.html}))
		got, err := a.Render(tour(data))
		if err != nil || got["body"].String() != tt.want {
			t.Errorf("%s%s gives %q, %v; want %q", tt.text, tt.html, got["body"], err, tt.want)
		}
	}
}

func TestActivityRelates(t *testing.T) {
	a := activityOf(t, noteSpec(mapping.Content{Name: "body", Text: "x"}))
	if a.Relate[0].Of != nil || !a.Relate[0].Required || a.Relate[0].Flow != "people" {
		t.Errorf("relation %+v", a.Relate[0])
	}
	ref, ok := a.Relate[1].Of(tour(map[string]any{"conversation_id": "c1"}))
	if want := (sync.Ref{System: "bird", Kind: "conversation", ID: "c1"}); ref != want || !ok {
		t.Errorf("%v, %v", ref, ok)
	}
	if _, ok := a.Relate[1].Of(tour(nil)); ok {
		t.Error("a fact without a conversation names one")
	}
}

func TestActivityIsForFactsThatItsConditionMeans(t *testing.T) {
	spec := noteSpec(mapping.Content{Name: "body", Text: "x"})
	spec.When = `type == "tour.scheduled" && data.property in ["a", "b"]`
	a := activityOf(t, spec)
	if !a.When(tour(map[string]any{"property": "b"})) || a.When(tour(nil)) {
		t.Error("the condition is not asked")
	}
}

func TestWhatSaysNothingIsLeftOut(t *testing.T) {
	spec := noteSpec(mapping.Content{Name: "body", Text: " {{.Data.a}}\n"})
	spec.Fields = append(spec.Fields, mapping.Content{Name: "other", Text: "{{.Data.b}}", Required: true})
	a := activityOf(t, spec)
	got, err := a.Render(tour(map[string]any{"b": "y"}))
	if diff := cmp.Diff(sync.Fields{"other": sync.Text("y")}, got, cmp.Comparer(func(a, b sync.Value) bool { return a == b })); diff != "" || err != nil {
		t.Error(diff, err)
	}
	_, err = a.Render(tour(nil))
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != sync.Invalid || e.Field != "other" || e.Rule != "activity.required" {
		t.Errorf("error %v", err)
	}
}

func TestTemplatesFailWithoutTelling(t *testing.T) {
	a := activityOf(t, noteSpec(mapping.Content{Name: "body", Text: "one\n  {{epoch .Data.at}}"}))
	_, err := a.Render(tour(map[string]any{"at": "secret"}))
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != sync.Invalid || !strings.Contains(e.Hint, "line 2, column 5") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

func TestActivityIsCheckedWhenCompiled(t *testing.T) {
	good := mapping.Content{Name: "body", Text: "x"}
	for _, tt := range []struct {
		name       string
		spoil      func(*mapping.ActivitySpec)
		path, rule string
		says       string
	}{
		{"no name", func(s *mapping.ActivitySpec) { s.Name = "" }, "", "activity.complete", "name"},
		{"no key", func(s *mapping.ActivitySpec) { s.Key = "" }, "", "activity.key", "key"},
		{"shown on nobody", func(s *mapping.ActivitySpec) { s.Relate = nil }, "relate", "activity.relate", "shown"},
		{"updates nothing for sure", func(s *mapping.ActivitySpec) { s.Update, s.Relate[0].Required = true, false }, "relate", "activity.relate", "required"},
		{"half a relation", func(s *mapping.ActivitySpec) { s.Relate[1].Kind = "" }, "relate[1]", "relate.complete", "field"},
		{"no fields", func(s *mapping.ActivitySpec) { s.Fields = nil }, "fields", "activity.fields", "field"},
		{"no zone", func(s *mapping.ActivitySpec) { s.Zone = "Bogota" }, "zone", "activity.zone", "IANA"},
		{"bad condition", func(s *mapping.ActivitySpec) { s.When = "record.x" }, "when", "condition.compiles", "data"},
		{"two templates", func(s *mapping.ActivitySpec) { s.Fields[0].HTML = "y" }, "fields[0]", "content.complete", "text or as html"},
		{"field written twice", func(s *mapping.ActivitySpec) { s.Fields = append(s.Fields, good) }, "fields[1].name", "content.unique", "two"},
		{"the key written by hand", func(s *mapping.ActivitySpec) { s.Fields[0].Name = "key" }, "fields[0].name", "content.unique", "two"},
		{"unknown function", func(s *mapping.ActivitySpec) { s.Fields[0].Text = "{{env}}" }, "fields[0].text", "template.compiles", "notes.body:1"},
		{"unknown part", func(s *mapping.ActivitySpec) { s.Fields[0].Text = "a\n{{.Date}}" }, "fields[0].text", "template.compiles", "notes.body:2:2"},
		{"half a template", func(s *mapping.ActivitySpec) { s.Fields[0].Text = "{{if .ID}}" }, "fields[0].text", "template.compiles", "EOF"},
		{"unknown template", func(s *mapping.ActivitySpec) { s.Fields[0].Text = `{{template "body" .}}` }, "fields[0].text", "template.compiles", `"body"`},
		{"broken shared template", func(s *mapping.ActivitySpec) { s.Templates = map[string]string{"b": "{{"} }, "fields[0].text", "template.compiles", "b:1"},
		{"markup that cannot be", func(s *mapping.ActivitySpec) {
			s.Fields[0] = mapping.Content{Name: "body", HTML: "<a href={{if .ID}}'{{end}}>"}
		},
			"fields[0].html", "template.compiles", "notes.body"},
		{"longer than allowed", func(s *mapping.ActivitySpec) { s.Fields[0].Text, s.Fields[0].Max = "four", 3 }, "fields[0].text", "template.length", "more"},
		{"no end", func(s *mapping.ActivitySpec) {
			s.Fields[0].Text, s.Templates = `{{template "b" .}}`, map[string]string{"b": `x{{template "b" .}}`}
		}, "fields[0].text", "template.length", "more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := noteSpec(good)
			tt.spoil(spec)
			_, err := spec.Activity()
			var e *sync.Error
			var at *mapping.Position
			if !errors.As(err, &e) || !errors.As(err, &at) || e.Action != sync.Fatal || e.Rule != tt.rule || at.Path != tt.path || !strings.Contains(e.Hint, tt.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// Whatever a fact says, what is written fits, is whole, and has no markup but
// the template's.
func TestBodiesFitWhateverIsSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(60, 300).Draw(t, "max")
		spec := noteSpec(mapping.Content{Name: "body", HTML: "<p>{{.Data.a}}</p><p>{{.Data.b}}</p>", Max: most})
		a, err := spec.Activity()
		if err != nil {
			t.Fatal(err)
		}
		word := rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"a", "<", "&", "é", "e\u0301", "👩‍👩‍👧", "👍🏽", "</p>", "\x00", "\xff", "\n"})),
			func(s []string) string { return strings.Join(s, "") })
		data := map[string]any{"a": word.Draw(t, "a"), "b": rapid.OneOf(word, rapid.String()).Draw(t, "b")}
		got, err := a.Render(tour(data))
		if err != nil {
			t.Fatal(err)
		}
		body := got["body"].String()
		if n := len([]rune(body)); n > most || strings.Count(body, "<") != 4 || strings.Count(body, ">") != 4 || strings.ContainsRune(body, 0) {
			t.Fatalf("%d characters: %q", n, body)
		}
	})
}
