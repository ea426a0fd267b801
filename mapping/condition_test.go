package mapping_test

import (
	"strings"
	stdsync "sync"
	"testing"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

func TestConditions(t *testing.T) {
	rec := sync.Record{Ref: sync.Ref{System: "r", Kind: "contact", ID: "1"}, Fields: sync.Fields{
		"source": sync.Text("web"), "tags": sync.List("a", "b"), "age": sync.Number("7"), "attributes.city": sync.Text("Cali")}}
	for _, tt := range []struct {
		expr    string
		changed []string
		want    bool
	}{
		{`record.source in ["web", "fair"]`, nil, true},
		{`record["source"] not in ["fair"]`, nil, true},
		{`record.missing == ""`, nil, true},
		{`record["attributes.city"] startsWith "Ca"`, nil, true},
		{`lower(record.source) matches "^w.b$"`, nil, true},
		{`record.tags == "a;b" && record.age == "7"`, nil, true},
		{`any(changed, # in ["phone", "email"])`, []string{"source", "email"}, true},
		{`any(changed, # in ["phone", "email"])`, []string{"source"}, false},
		{`"phone" in changed`, []string{"phone"}, true},
		{`len(changed) == 0`, nil, true},
	} {
		spec := specOf(mapping.Text("f", "text", "text"))
		spec.Right.Leave = []mapping.When{{Expr: "true"}, {Expr: tt.expr, Why: "because"}}
		flow, err := spec.Flow()
		if err != nil {
			t.Fatal(err)
		}
		ok, why, err := flow.Right.Leave(rec, tt.changed)
		if err != nil || ok != tt.want || !ok && why != "because" {
			t.Errorf("%s: %v, %q, %v", tt.expr, ok, why, err)
		}
	}
}

func TestConditionsReadWhatTheyAskFor(t *testing.T) {
	spec := specOf(mapping.Text("f", "text", "text"))
	spec.Right.Leave = []mapping.When{{Expr: `record.source == record.text || any(changed, # == "score" || # in ["stage"]) || "tags" in changed`}}
	flow, err := spec.Flow()
	if err != nil {
		t.Fatal(err)
	}
	got := flow.Names(sync.Right)
	want := []string{"text", "source", "score", "stage", "tags"}
	if len(got) != len(want) {
		t.Fatalf("right names %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("right names %v, want %v", got, want)
		}
	}
	if left := flow.Names(sync.Left); len(left) != 1 {
		t.Errorf("left names %v", left)
	}
}

func TestConditionErrorKeepsTheRecordToItself(t *testing.T) {
	spec := specOf(mapping.Text("f", "text", "text"))
	spec.Right.Leave = []mapping.When{{Expr: `"a" matches record.pattern`}}
	flow, err := spec.Flow()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = flow.Right.Leave(sync.Record{Fields: sync.Fields{"pattern": sync.Text("secret(")}}, nil)
	if sync.ActionOf(err) != sync.Invalid || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	spec := specOf(mapping.Phone("f", "msisdn", "phone", "CO").WithRule("startswith=+57"), mapping.Enum("g", "stage", "stage", stages...))
	spec.Left.Leave = []mapping.When{{Expr: `record.msisdn != "" && any(changed, # in ["msisdn"])`}}
	flow, err := spec.Flow()
	if err != nil {
		t.Fatal(err)
	}
	rec := sync.Record{Fields: sync.Fields{"msisdn": sync.Text("300 123 4567"), "stage": sync.Text("lead")}}
	var workers stdsync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for i := range flow.Fields {
				v, err := flow.Fields[i].Left.Get(rec.Fields)
				if err == nil {
					_, err = flow.Fields[i].Right.Put(v, nil)
				}
				if ok, _, leave := flow.Left.Leave(rec, []string{"msisdn"}); err != nil || leave != nil || !ok {
					t.Errorf("field %d: %v, %v, %v", i, ok, err, leave)
				}
			}
		})
	}
	workers.Wait()
}
