package mapping_test

import (
	"errors"
	"testing"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

func TestFlowRefusesBadSpecs(t *testing.T) {
	option := func(left, right string) mapping.Option { return mapping.Option{Left: left, Right: right} }
	text := mapping.Text("f", "a", "b")
	pair := mapping.Name("f", mapping.At("a"), mapping.At("b", "c"))
	for name, tt := range map[string]struct {
		field      mapping.Field
		identity   string
		path, rule string
	}{
		"no raw name":           {mapping.Text("f", "", "b"), "", "fields[0].left", "place.names"},
		"no place":              {mapping.Field{Name: "f", Type: mapping.TypeText, Left: mapping.At("a")}, "", "fields[0].right", "place.names"},
		"three names":           {mapping.Name("f", mapping.At("a", "b", "c"), mapping.At("d")), "", "fields[0].left", "place.names"},
		"unknown form":          {text.WithForm(sync.Right, "xml"), "", "fields[0].right.form", "place.form"},
		"options on a text":     {mapping.Field{Name: "f", Type: mapping.TypeText, Left: mapping.At("a"), Right: mapping.At("b"), Options: stages}, "", "fields[0].options", "field.unused"},
		"default on a text":     {text.WithDefault("a", "b"), "", "fields[0].default", "field.unused"},
		"half a row":            {mapping.Enum("f", "a", "b", option("x", "")), "", "fields[0].options", "enum.table"},
		"the same row":          {mapping.Enum("f", "a", "b", option("x", "1"), option("x", "1")), "", "fields[0].options", "enum.table"},
		"rows joined too late":  {mapping.Enum("f", "a", "b", option("x", "1"), option("y", "2"), option("x", "2")), "", "fields[0].options", "enum.table"},
		"default not in table":  {mapping.Enum("f", "a", "b", option("x", "1")).WithDefault("z", ""), "", "fields[0].default", "enum.table"},
		"order of strangers":    {mapping.Enum("f", "a", "b", option("x", "1")).WithPolicy(sync.Monotonic, sync.Left, "1", "x"), "", "fields[0].policy.order[1]", "policy.order"},
		"no order":              {text.WithPolicy(sync.Monotonic, sync.Left), "", "fields[0]", "policy.order"},
		"identity of two names": {pair, "f", "identity[0]", "identity.single"},
		"no name":               {mapping.Text("", "a", "b"), "", "fields[0]", "field.complete"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := specOf(tt.field)
			if tt.identity != "" {
				spec.Identity = []string{tt.identity}
			}
			_, err := spec.Flow()
			var e *sync.Error
			var at *mapping.Position
			if !errors.As(err, &e) || !errors.As(err, &at) || e.Action != sync.Fatal || e.Hint == "" {
				t.Fatalf("error %v", err)
			}
			if e.Rule != tt.rule || at.Path != tt.path {
				t.Errorf("rule %s at %q, want %s at %q", e.Rule, at.Path, tt.rule, tt.path)
			}
		})
	}
}

func TestEnumRowsFoldOnEitherSide(t *testing.T) {
	f := mapping.Enum("f", "a", "b", mapping.Option{Left: "x", Right: "1"}, mapping.Option{Left: "x", Right: "2"}, mapping.Option{Left: "y", Right: "2"})
	flow, err := specOf(f).Flow()
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []sync.Fields{{"a": sync.Text("x")}, {"a": sync.Text("y")}, {"b": sync.Text("1")}, {"b": sync.Text("2")}} {
		l := flow.Fields[0].Left
		if _, ok := raw["b"]; ok {
			l = flow.Fields[0].Right
		}
		if v, err := l.Get(raw); err != nil || v != sync.Text("1") {
			t.Errorf("%v reads as %v, %v", raw, v, err)
		}
	}
}
