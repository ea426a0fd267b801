package mapping_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// lensOf compiles a field that lives at "raw" on the left.
func lensOf(t testing.TB, f mapping.Field) sync.Lens {
	t.Helper()
	flow, err := specOf(f).Flow()
	if err != nil {
		t.Fatal(err)
	}
	return flow.Fields[0].Left
}

var (
	raw   = mapping.At("raw")
	other = mapping.At("other")
)

func TestGet(t *testing.T) {
	text, number := sync.Text, sync.Number
	id, plain := mapping.ID("f", "raw", "other"), mapping.Text("f", "raw", "other")
	email, phone := mapping.Email("f", "raw", "other"), mapping.Phone("f", "raw", "other", "CO")
	amount, flag := mapping.Number("f", raw, other), mapping.Bool("f", raw, other)
	date, moment := mapping.Date("f", raw, other), mapping.DateTime("f", raw, other)
	multi := mapping.Multi("f", raw, other)
	stage := mapping.Enum("f", "raw", "other", stages...)
	clean := func(c ...mapping.Cleaner) mapping.Field { return plain.WithClean(c...) }
	for _, tt := range []struct {
		field mapping.Field
		raw   sync.Value
		want  sync.Value
		rule  string
	}{
		{id, text(" 0042 "), text(" 0042 "), ""},
		{id, number("512"), text("512"), ""},
		{plain, text("  a  b "), text("a  b"), ""},
		{plain, text(" \t"), sync.Value{}, ""},
		{plain, sync.List("a", "b"), sync.Value{}, "single"},
		{plain.WithRule("max=3"), text("abcd"), sync.Value{}, "max=3"},
		{plain.WithRule("max=3"), text("ñññ"), text("ñññ"), ""},
		{plain.WithRule("alpha,oneof=a b"), text("c"), sync.Value{}, "oneof=a b"},
		{plain.WithRequired().To(sync.Right), text(" "), sync.Value{}, "required"},
		{plain.WithRequired(), text(" "), sync.Value{}, "required"},
		{plain.WithRequired().To(sync.Left), text(" "), sync.Value{}, ""},
		{email, text(" Ana.Perez+lead@Example.COM\n"), text("ana.perez+lead@example.com"), ""},
		{email, text("ana at example.com"), sync.Value{}, "email.format"},
		{phone, text("300 123 4567"), text("+573001234567"), ""},
		{phone, text("+57 (300) 123-4567"), text("+573001234567"), ""},
		{phone, text("0057 300 123 4567"), sync.Value{}, "phone.e164"},
		{phone, text("12345"), sync.Value{}, "phone.e164"},
		{phone, text("nobody"), sync.Value{}, "phone.e164"},
		{phone, text("+57 300 123 4567 ext. 9"), sync.Value{}, "phone.extension"},
		{mapping.Phone("f", "raw", "other", "ZZ"), text("300 123 4567"), sync.Value{}, "phone.e164"},
		{mapping.Phone("f", "raw", "other", "IT"), text("06 698 12345"), text("+390669812345"), ""},
		{phone.WithRule("startswith=+57"), text("+44 20 7946 0018"), sync.Value{}, "startswith=+57"},
		{mapping.Name("f", raw, other), text("  Ana\u00a0María   Pérez "), text("Ana María Pérez"), ""},
		{stage, text("tour_scheduled"), text("appointmentscheduled"), ""},
		{stage, text("Lead"), sync.Value{}, "enum.listed"},
		{stage.WithClean(mapping.Lower), text("LEAD"), text("qualifiedtobuy"), ""},
		{stage.WithDefault("qualified", ""), text("new"), text("appointmentscheduled"), ""},
		{stage, sync.List("lead"), sync.Value{}, "single"},
		{amount, text("0012.500"), number("12.5"), ""},
		{amount, number("-0.0"), number("0"), ""},
		{amount, text("+.5"), number("0.5"), ""},
		{amount, text("12345678901234567890.10"), number("12345678901234567890.1"), ""},
		{amount, number("1.25e3"), number("1250"), ""},
		{amount, number("125E-4"), number("0.0125"), ""},
		{amount, number("1e999"), sync.Value{}, "number.format"},
		{amount, text("1,000"), sync.Value{}, "number.format"},
		{amount, text("."), sync.Value{}, "number.format"},
		{amount, sync.Bool(true), sync.Value{}, "number.format"},
		{amount.WithRule("min=1,max=10"), text("10.5"), sync.Value{}, "max=10"},
		{flag, text(" TRUE "), sync.Bool(true), ""},
		{flag, sync.Bool(false), sync.Bool(false), ""},
		{flag, text("False"), sync.Bool(false), ""},
		{flag, text("yes"), sync.Value{}, "bool.format"},
		{flag, number("1"), sync.Value{}, "bool.format"},
		{date, text("2024-02-29"), text("2024-02-29"), ""},
		{date, text("2023-02-29"), sync.Value{}, "date.day"},
		{date, number("1709164800000"), text("2024-02-29"), ""},
		{date, text("-86400000"), text("1969-12-31"), ""},
		{date, number("1709164800001"), sync.Value{}, "date.day"},
		{date, text("2024-02-29T00:00:00Z"), sync.Value{}, "date.day"},
		{moment, text("2024-12-31T23:30:00-05:00"), text("2025-01-01T04:30:00.000Z"), ""},
		{moment, text("2024-12-31t23:30:00.1239z"), text("2024-12-31T23:30:00.123Z"), ""},
		{moment, text("2024-12-31T23:30:00+0100"), text("2024-12-31T22:30:00.000Z"), ""},
		{moment, number("1709164800001"), text("2024-02-29T00:00:00.001Z"), ""},
		{moment, number("9223372036854775807"), sync.Value{}, "datetime.rfc3339"},
		{moment, text("2024-12-31T23:30:00"), sync.Value{}, "datetime.rfc3339"},
		{multi, text(";b; a;;b"), sync.List("a", "b"), ""},
		{multi, sync.List("b", "a"), sync.List("a", "b"), ""},
		{multi, sync.List("a;b"), sync.Value{}, "multi.separator"},
		{multi, text(" ; "), sync.Value{}, ""},
		{multi.WithRule("max=2"), text("a;bbb"), sync.Value{}, "max=2"},
		{multi.WithClean(mapping.Lower), sync.List("A", "a"), sync.List("a"), ""},
		{clean(mapping.CollapseSpace), text(" a \t b "), text("a b"), ""},
		{clean(mapping.Upper), text("ñ"), text("Ñ"), ""},
		{clean(mapping.Title), text("anne-MARIE o'NEIL"), text("Anne-Marie O'neil"), ""},
		{clean(mapping.Digits), text("CC 1.234-5"), text("12345"), ""},
		{clean(mapping.Digits), text("none"), sync.Value{}, ""},
		{clean(mapping.StripHTML, mapping.CollapseSpace), text("<p>1 < 2<br/>&lt;b></p>"), text("1 < 2 &lt;b>"), ""},
	} {
		name := string(tt.field.Type) + " " + tt.raw.String()
		got, err := lensOf(t, tt.field).Get(sync.Fields{"raw": tt.raw})
		if rule := ruleOf(t, err); rule != tt.rule || got != tt.want {
			t.Errorf("%s: got %#v by rule %q, want %#v by %q", name, got, rule, tt.want, tt.rule)
		}
	}
}

// ruleOf returns the rule of an error and makes sure of its kind.
func ruleOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != sync.Invalid || e.Field != "f" || e.Hint == "" {
		t.Errorf("error %#v", err)
		return ""
	}
	return e.Rule
}

func TestErrorsTellTheShapeOnly(t *testing.T) {
	l := lensOf(t, mapping.Phone("phone", "raw", "other", "CO"))
	_, err := l.Get(sync.Fields{"raw": sync.Text("300 secret")})
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "300 s") {
		t.Errorf("error: %v", err)
	}
	for _, want := range []string{"phone.e164", "field phone", "text of 10 characters"} {
		if err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestPut(t *testing.T) {
	text := sync.Text
	names := mapping.Name("f", mapping.At("first", "last"), other)
	stage := mapping.Enum("f", "raw", "other", stages...)
	for _, tt := range []struct {
		name    string
		field   mapping.Field
		value   sync.Value
		current sync.Fields
		want    sync.Fields
	}{
		{"text", mapping.Text("f", "raw", "other"), text("a"), nil, sync.Fields{"raw": text("a")}},
		{"null clears", mapping.Text("f", "raw", "other"), sync.Value{}, sync.Fields{"raw": text("a")}, sync.Fields{"raw": {}}},
		{"spelling stays", mapping.Email("f", "raw", "other"), text("a@example.com"), sync.Fields{"raw": text(" A@example.com")}, sync.Fields{"raw": text(" A@example.com")}},
		{"invalid goes", mapping.Email("f", "raw", "other"), text("a@example.com"), sync.Fields{"raw": text("?")}, sync.Fields{"raw": text("a@example.com")}},
		{"name splits", names, text("Ana María Pérez"), nil, sync.Fields{"first": text("Ana"), "last": text("María Pérez")}},
		{"name of one word", names, text("Ana"), sync.Fields{"last": text("Pérez")}, sync.Fields{"first": text("Ana"), "last": {}}},
		{"split stays", names, text("Ana María Pérez"), sync.Fields{"first": text("Ana María "), "last": text("Pérez")},
			sync.Fields{"first": text("Ana María "), "last": text("Pérez")}},
		{"split of another name goes", names, text("Ana Pérez"), sync.Fields{"first": text("Ana María"), "last": text("Pérez")},
			sync.Fields{"first": text("Ana"), "last": text("Pérez")}},
		{"first row", stage, text("appointmentscheduled"), nil, sync.Fields{"raw": text("qualified")}},
		{"finer stage stays", stage, text("appointmentscheduled"), sync.Fields{"raw": text("tour_scheduled")}, sync.Fields{"raw": text("tour_scheduled")}},
		{"finer stage goes", stage, text("qualifiedtobuy"), sync.Fields{"raw": text("tour_scheduled")}, sync.Fields{"raw": text("lead")}},
		{"number form", mapping.Number("f", raw.As(mapping.FormNumber), other), sync.Number("1.5"), nil, sync.Fields{"raw": sync.Number("1.5")}},
		{"number text", mapping.Number("f", raw, other), sync.Number("1.5"), nil, sync.Fields{"raw": text("1.5")}},
		{"bool form", mapping.Bool("f", raw.As(mapping.FormBool), other), sync.Bool(true), nil, sync.Fields{"raw": sync.Bool(true)}},
		{"bool text", mapping.Bool("f", raw, other), sync.Bool(false), nil, sync.Fields{"raw": text("false")}},
		{"date form", mapping.Date("f", raw.As(mapping.FormEpochMS), other), text("2024-02-29"), nil, sync.Fields{"raw": sync.Number("1709164800000")}},
		{"moment form", mapping.DateTime("f", raw.As(mapping.FormEpochMSText), other), text("2024-02-29T00:00:00.001Z"), nil, sync.Fields{"raw": text("1709164800001")}},
		{"microseconds stay", mapping.DateTime("f", raw, other), text("2024-02-29T00:00:00.001Z"), sync.Fields{"raw": text("2024-02-29T00:00:00.001999Z")},
			sync.Fields{"raw": text("2024-02-29T00:00:00.001999Z")}},
		{"list form", mapping.Multi("f", raw.As(mapping.FormList), other), sync.List("a", "b"), nil, sync.Fields{"raw": sync.List("a", "b")}},
		{"semicolons", mapping.Multi("f", raw, other), sync.List("a", "b"), nil, sync.Fields{"raw": text("a;b")}},
		{"enum of booleans", mapping.Enum("f", "raw", "other", mapping.Option{Left: "true", Right: "yes"}).WithForm(sync.Left, mapping.FormBool),
			text("yes"), nil, sync.Fields{"raw": sync.Bool(true)}},
	} {
		got, err := lensOf(t, tt.field).Put(tt.value, tt.current)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if diff := cmp.Diff(tt.want, got, cmp.Comparer(func(a, b sync.Value) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestPutRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		field mapping.Field
		value sync.Value
		rule  string
	}{
		"blank where required": {mapping.Text("f", "raw", "other").WithRequired(), sync.Value{}, "required"},
		"unlisted option":      {mapping.Enum("f", "raw", "other", stages...), sync.Text("?"), "enum.listed"},
		"broken rule":          {mapping.Text("f", "raw", "other").WithRule("max=1"), sync.Text("ab"), "max=1"},
		"no day":               {mapping.Date("f", raw.As(mapping.FormEpochMS), other), sync.Text("today"), "date.day"},
	} {
		got, err := lensOf(t, tt.field).Put(tt.value, nil)
		if rule := ruleOf(t, err); rule != tt.rule || got != nil {
			t.Errorf("%s: %v by rule %q", name, got, rule)
		}
	}
}

func TestFlowKeepsNothingOfTheSpec(t *testing.T) {
	spec := specOf(mapping.Enum("f", "raw", "other", stages...))
	flow, err := spec.Flow()
	if err != nil {
		t.Fatal(err)
	}
	spec.Fields[0].Left.Names[0], spec.Fields[0].Options[0].Left = "else", "else"
	got, err := flow.Fields[0].Left.Get(sync.Fields{"raw": sync.Text("lead")})
	if err != nil || got != sync.Text("qualifiedtobuy") {
		t.Errorf("got %v, %v", got, err)
	}
}
