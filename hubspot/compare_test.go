package hubspot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

// defined is an account with one property of deals, and an archived one.
func defined(d definition) live {
	return live{
		properties: map[sync.Kind]map[string]definition{Deal: {d.Name: d}},
		archived:   map[sync.Kind]map[string]bool{Deal: {"old": true}},
	}
}

func TestCompareProperties(t *testing.T) {
	text := definition{Name: "p", Type: "string", FieldType: "text"}
	choice := definition{Name: "p", Type: "enumeration", FieldType: "select", Options: []option{{Value: "a"}, {Value: "b", Hidden: true}}}
	area, unique, computed, radio, boxes, renamed := text, text, text, choice, choice, text
	area.FieldType, unique.Unique, radio.FieldType, boxes.FieldType, renamed.Label = "textarea", true, "radio", "checkbox", "Something else"
	computed.Modification.ReadOnlyValue = true
	for name, c := range map[string]struct {
		need Property
		have definition
		rule string
	}{
		"equal":                         {Property{Name: "p"}, text, ""},
		"another label":                 {Property{Name: "p", Label: "P"}, renamed, ""},
		"another way to edit a text":    {Property{Name: "p"}, area, ""},
		"another way to pick an option": {Property{Name: "p", Type: "enumeration", Options: []Option{{Value: "a"}}}, radio, ""},
		"hidden options are options":    {Property{Name: "p", Type: "enumeration", Options: []Option{{Value: "b"}}}, choice, ""},
		"one option or several":         {Property{Name: "p", Type: "enumeration", Options: []Option{{Value: "a"}}}, boxes, ruleField},
		"options lost":                  {Property{Name: "p", Type: "enumeration", Options: []Option{{Value: "a"}, {Value: "c"}}}, choice, ruleOptions},
		"another type":                  {Property{Name: "p", Type: "number"}, text, ruleType},
		"any type":                      {Property{Name: "p", Existing: true}, choice, ""},
		"an existing one of its type":   {Property{Name: "p", Existing: true, Type: "string"}, area, ""},
		"an existing one of another":    {Property{Name: "p", Existing: true, Type: "string"}, choice, ruleType},
		"unique and more than needed":   {Property{Name: "p"}, unique, ""},
		"unique":                        {Property{Name: "p", Unique: true}, unique, ""},
		"not unique":                    {Property{Name: "p", Unique: true}, text, ruleUnique},
		"computed by HubSpot":           {Property{Name: "p"}, computed, ruleWritable},
		"computed and only read":        {Property{Name: "p", Existing: true}, computed, ""},
		"missing":                       {Property{Name: "q"}, text, ruleExists},
		"archived":                      {Property{Name: "old"}, text, ruleArchived},
		"missing and existing":          {Property{Name: "q", Existing: true}, text, ruleExists},
	} {
		t.Run(name, func(t *testing.T) {
			c.need.Kind = Deal
			need := Schema{Properties: []Property{c.need}}.complete()
			found := compare(need, defined(c.have))
			if len(found) != 1 || found[0].Rule != c.rule || found[0].Field != c.need.Name || (c.rule != "") != (found[0].Note != "") {
				t.Errorf("found %+v, want rule %q", found, c.rule)
			}
		})
	}
}

func TestCompareKeepsTheOrderOfTheSchema(t *testing.T) {
	need := Schema{Group: "ours", ActivityKey: Property{Name: "key"}, Activities: []sync.Kind{Note},
		Properties: []Property{{Kind: Deal, Name: "a"}, {Kind: Contact, Name: "email", Existing: true}, {Kind: Deal, Name: "b"}},
		Pipelines:  []Pipeline{{Kind: Deal, ID: "rent", Stages: []string{"won", "lost"}}, {Kind: Deal, ID: "gone", Stages: []string{"open"}}},
	}.complete()
	have := live{
		groups:     map[sync.Kind]map[string]bool{Deal: {"ours": true}, Note: {}},
		properties: map[sync.Kind]map[string]definition{Deal: {}, Contact: {"email": {}}, Note: {}},
		pipelines:  map[sync.Kind][]pipeline{Deal: {{ID: "rent", Stages: []pipeline{{ID: "won"}, {ID: "lost", Archived: true}}}}},
	}
	var got []string
	for _, f := range compare(need, have) {
		got = append(got, strings.Join([]string{f.What, string(f.Kind), f.Name, f.Field, f.Rule}, " "))
	}
	want := []string{
		"group deal ours  ", "property deal a a property.exists", "property deal b b property.exists",
		"property contact email email ",
		"group note ours  group.exists", "property note key key property.exists",
		"pipeline deal rent pipeline ", "stage deal won dealstage ", "stage deal lost dealstage stage.exists",
		"pipeline deal gone pipeline pipeline.exists", "stage deal open dealstage stage.exists",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCompareIsSilentAboutWhatWasNotRead(t *testing.T) {
	need := Schema{Group: "ours", Properties: []Property{{Kind: Deal, Name: "a"}},
		Pipelines: []Pipeline{{Kind: Deal, ID: "rent"}}}.complete()
	if found := compare(need, live{}); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

func TestOneFindingForEachField(t *testing.T) {
	right, stage := Finding{Kind: Deal, Field: "dealstage"}, Finding{Kind: Deal, Field: "dealstage", Rule: ruleStage}
	later := Finding{Kind: Deal, Field: "dealstage", Rule: ruleExists}
	email := Finding{Kind: Contact, Field: "email"}
	got := byField([]Finding{right, {What: "group", Kind: Deal, Rule: ruleGroup}, email, stage, later})
	if diff := cmp.Diff([]Finding{stage, email}, got); diff != "" {
		t.Error(diff)
	}
}
