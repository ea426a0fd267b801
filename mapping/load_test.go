package mapping_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

func TestLoadIsTheBuilder(t *testing.T) {
	source, err := os.ReadFile("testdata/load/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := mapping.Load("full.yaml", source)
	if err != nil {
		t.Fatal(err)
	}
	want := &mapping.Spec{
		Name: "leads",
		Left: mapping.End{System: "bird", Kind: "contact", CreateKey: "external_id", Leave: []mapping.When{
			{Expr: `record.email != "" || record["attributes.phone"] != ""`, Why: "cannot be reached"}}},
		Right: mapping.End{System: "hubspot", Kind: "contact", Leave: []mapping.When{
			{Expr: `record.source in ["web", "walk-in"]`},
			{Expr: "len(changed) == 0 ||\nany(changed, # in [\"email\"])\n"}}},
		FirstSync: sync.Policy{Kind: sync.Own, Owner: sync.Right},
		Identity:  []string{"hubspot_id", "email"},
		Fields: []mapping.Field{
			mapping.ID("hubspot_id", "external_id", "id").To(sync.Left),
			mapping.Email("email", "email", "email").WithRequired().WithRule("max=120").WithClean(mapping.Trim, mapping.Lower),
			mapping.Phone("phone", "attributes.phone", "phone", "CO").WithKeepBlank(),
			mapping.Name("name", mapping.At("name"), mapping.At("firstname", "lastname")).WithGroup("person"),
			mapping.Enum("stage", "stage", "stage", mapping.Option{Left: "lead", Right: "0123"},
				mapping.Option{Left: "qualified", Right: "0o17"}, mapping.Option{Left: "tour", Right: "yes"}).
				WithDefault("lead", "").WithPolicy(sync.Monotonic, sync.Left, "0123", "0o17", "yes"),
			mapping.Number("budget", mapping.At("attributes.budget").As(mapping.FormNumber), mapping.At("budget")),
			mapping.Multi("interests", mapping.At("attributes.interests").As(mapping.FormList), mapping.At("interests")).
				WithPolicy(sync.Union, sync.Left),
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-builder +YAML:\n%s", diff)
	}
	flow, err := got.Flow()
	if err != nil {
		t.Fatal(err)
	}
	// A condition's property is read although no field maps it.
	if names := flow.Names(sync.Right); !slices.Contains(names, "source") {
		t.Errorf("right names: %v", names)
	}
}

// head is a sound beginning of a map; line 9 follows.
const head = `name: m
left: {system: l, kind: c}
right: {system: r, kind: c}
fields:
  - name: f
    type: text
    left: a
    right: b
`

func TestLoadPointsAtTheProblem(t *testing.T) {
	for _, tt := range []struct {
		name         string
		source       string
		line, column int
		rule, hint   string
	}{
		{"unknown key", head + "    rul: max=3\n", 9, 5, "yaml.key", "rule"},
		{"duplicate key", head + "    left: c\n", 9, 5, "yaml.duplicate", "twice"},
		{"unknown tag", head + "    rule: maxx=3\n", 9, 11, "rule.known", `"maxx=3"`},
		{"tag hidden behind another", head + "    rule: email,max=x\n", 9, 11, "rule.known", `"max=x"`},
		{"tag about other fields", head + "    rule: eqfield=x\n", 9, 11, "rule.known", `"eqfield"`},
		{"tag that asks the network", head + "    rule: tcp_addr\n", 9, 11, "rule.known", `"tcp_addr"`},
		{"unknown cleaner", head + "    clean: [trim, bleach]\n", 9, 19, "clean.known", "collapse-space"},
		{"region on a text", head + "    region: CO\n", 9, 13, "field.unused", "only type phone"},
		{"not a flag", head + "    required: maybe\n", 9, 15, "yaml.choice", "false, true"},
		{"not a list", head + "    clean: trim\n", 9, 12, "yaml.list", "a list"},
		{"not a text", head + "    rule: [max=3]\n", 9, 11, "yaml.text", "a text"},
		{"null", head + "    rule: ~\n", 9, 11, "yaml.text", "a text"},
		{"unknown policy", head + "    policy: {kind: loudest}\n", 5, 5, "policy.known", "loudest"},
		{"unknown identity", head + "identity: [g]\n", 9, 12, "identity.field", "a field of this map"},
		{"alias", head + "  - &x {name: g, type: text, left: c, right: d}\n", 9, 5, "yaml.alias", "anchors"},
		{"syntax", head + "    rule: [max\n", 10, 1, "yaml.syntax", "mend the YAML"},
		{"empty", "", 1, 1, "yaml.syntax", "no documents"},
		{"list instead of a map", "- a\n", 1, 1, "yaml.object", "fields"},
		{"nothing in it", "name: m\n", 1, 1, "flow.complete", "both sides"},
		{"two maps in one file", head + "---\nname: n\n", 1, 1, "yaml.syntax", "mend"},
		{"form of another type", strings.Replace(head, "left: a", "left: {name: a, form: list}", 1), 7, 27, "place.form", "text"},
		{"two names", strings.Replace(head, "left: a", "left: [a, b]", 1), 7, 11, "place.names", "one raw name"},
		{"unknown type", strings.Replace(head, "type: text", "type: txt", 1), 6, 11, "type.known", "datetime"},
		{"phone without region", strings.Replace(head, "type: text", "type: phone", 1), 5, 5, "phone.region", "ZZ"},
		{"enum without options", strings.Replace(head, "type: text", "type: enum", 1), 5, 5, "enum.table", "list the options"},
		{"condition, plain", lead(`record.x ==`), 2, 0, "condition.compiles", "unexpected token"},
		{"condition on a stranger", lead(`rekord.x == "a"`), 2, 44, "condition.compiles", "unknown name rekord"},
		{"condition, quoted", lead(`"record.x == yes"`), 2, 56, "condition.compiles", "unknown name yes"},
		{"condition that is no question", lead(`record.x`), 2, 0, "condition.compiles", "bool"},
		{"condition cut by a comment", "name: m\nleft:\n  leave:\n    - when: any(changed, # in [\"a\"])\n", 4, 0, "condition.compiles", "quote the expression"},
		{"condition over lines", "name: m\nleft:\n  leave:\n    - when: |\n        true &&\n          nope\n", 6, 11, "condition.compiles", "unknown name nope"},
		{"condition with a computed name", lead(`record[changed[0]] == "a"`), 2, 43, "condition.literal", "literally"},
		{"condition on the whole record", lead(`("a") in record`), 2, 43, "condition.literal", "literally"},
		{"condition with a clock", lead(`now().Year() > 2000`), 2, 0, "condition.compiles", "now"},
		{"condition with a range", lead(`len(1..9) > 2`), 2, 43, "condition.literal", "range"},
		{"create key that nothing fills", strings.Replace(head, "left: {system: l, kind: c}", "left: {system: l, kind: c, create_key: z}", 1), 2, 40, "createkey.filled", "create key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mapping.Load("m.yaml", []byte(tt.source))
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

// lead puts a condition at line 2, column 43, where its quote stands.
func lead(expr string) string {
	if !strings.HasPrefix(expr, `"`) {
		expr = "'" + strings.ReplaceAll(expr, "'", "''") + "'"
	}
	return strings.Replace(head, "left: {system: l, kind: c}", `left: {system: l, kind: c, leave: [{when: `+expr+`}]}`, 1)
}

// located returns the first error and its position.
func located(t *testing.T, err error) (*sync.Error, *mapping.Position) {
	t.Helper()
	var e *sync.Error
	var at *mapping.Position
	if !errors.As(err, &e) || e.Action != sync.Fatal || !errors.As(err, &at) || at.File != "m.yaml" {
		t.Fatalf("error %v", err)
	}
	return e, at
}

func TestLoadReportsEverything(t *testing.T) {
	_, err := mapping.Load("m.yaml", []byte(head+"    rule: maxx\n    region: XX\n    clean: [bleach]\n"))
	for _, want := range []string{"m.yaml:9:11:", "m.yaml:10:13:", "m.yaml:11:13:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestExcerpt(t *testing.T) {
	_, err := mapping.Load("m.yaml", []byte(head+"    rule: maxx=3\n"))
	_, at := located(t, err)
	want := "        rule: maxx=3\n              ^"
	if at.Excerpt != want {
		t.Errorf("got\n%s\nwant\n%s", at.Excerpt, want)
	}
	_, err = mapping.Load("m.yaml", []byte(head+"    clean: ["+strings.Repeat("trim, ", 100)+"bleach]\n"))
	if _, at = located(t, err); len(at.Excerpt) > 250 || !strings.Contains(at.Excerpt, "bleach") {
		t.Errorf("long line:\n%s", at.Excerpt)
	}
}

func TestLoadRefusesHugeSources(t *testing.T) {
	_, err := mapping.Load("m.yaml", []byte(strings.Repeat("#", 1<<20+1)))
	if e, _ := located(t, err); e.Rule != "yaml.size" {
		t.Errorf("rule %q", e.Rule)
	}
}

// TestPackageDocLoads keeps the map in the package's documentation true.
func TestPackageDocLoads(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for line := range strings.Lines(string(doc)) {
		if code, ok := strings.CutPrefix(line, "//\t"); ok {
			source.WriteString(code)
		}
	}
	spec, err := mapping.Load("doc.go", []byte(source.String()))
	if err != nil {
		t.Fatal(err)
	}
	flow, err := spec.Flow()
	if err != nil {
		t.Fatal(err)
	}
	if err := mapping.Check(flow, nil, nil); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	source, err := os.ReadFile("testdata/load/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(source), head, "", "a: &a [*a]", "- 1", "name: {", "? x\n: y", lead("record.x"), lead("any(changed, # in [1])"), head + "    rule: max=0x2C|dive\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		spec, err := mapping.Load("m.yaml", source)
		if err != nil {
			if _, at := located(t, err); at.Line < 1 || at.Line > 1+strings.Count(string(source), "\n") || at.Column < 0 {
				t.Fatalf("position %d:%d", at.Line, at.Column)
			}
			return
		}
		flow, err := spec.Flow()
		if err != nil {
			t.Fatalf("a loaded map does not compile: %v", err)
		}
		rec := sync.Record{Fields: sync.Fields{"a": sync.Text("x"), "email": sync.Text("Ana@example.com")}}
		for i := range flow.Fields {
			v, err := flow.Fields[i].Left.Get(rec.Fields)
			if err == nil {
				_, _ = flow.Fields[i].Right.Put(v, nil) // must not panic
			}
		}
		for _, end := range []*sync.Endpoint{&flow.Left, &flow.Right} {
			if end.Leave != nil {
				_, _, _ = end.Leave(rec, []string{"a"}) // must not panic
			}
		}
	})
}
