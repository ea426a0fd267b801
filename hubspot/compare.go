package hubspot

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A Finding says how one thing that a [Schema] names is in the account.
type Finding struct {
	// What it is: "account", "scope", "group", "property", "pipeline", "stage"
	// or "event".
	What string    `json:"what"`
	Kind sync.Kind `json:"kind,omitempty"`
	// Name is HubSpot's internal name, or its id.
	Name string `json:"name"`
	// Field is the raw field that cannot be synced while this is wrong.
	Field string `json:"field,omitempty"`
	// Rule is the rule that is broken, such as "property.type"; "" is right.
	Rule string `json:"rule,omitempty"`
	// Note says what is there, what is needed and what mends it.
	Note string `json:"note,omitempty"`
}

// The rules of findings.
const (
	ruleGroup    = "group.exists"
	ruleExists   = "property.exists"
	ruleArchived = "property.active"
	ruleType     = "property.type"
	ruleField    = "property.field-type"
	ruleUnique   = "property.unique"
	ruleWritable = "property.writable"
	ruleOptions  = "property.options"
	rulePipeline = "pipeline.exists"
	ruleStage    = "stage.exists"
)

// A live schema is what an account has, as far as it was read: a kind that is
// missing was not.
type live struct {
	groups     map[sync.Kind]map[string]bool
	properties map[sync.Kind]map[string]definition
	archived   map[sync.Kind]map[string]bool
	pipelines  map[sync.Kind][]pipeline
}

// compare finds how the account has each thing that is needed, in the order of
// the schema, which is complete. It says nothing about what was not read.
func compare(need Schema, have live) []Finding {
	var found []Finding
	for _, kind := range need.kinds() {
		if groups := have.groups[kind]; groups != nil && slices.ContainsFunc(need.of(kind), Property.ours) {
			found = append(found, compareGroup(need, kind, groups))
		}
		if have.properties[kind] == nil {
			continue
		}
		for _, p := range need.of(kind) {
			found = append(found, compareProperty(p, have))
		}
	}
	for _, p := range need.Pipelines {
		if have.pipelines[p.Kind] != nil {
			found = append(found, comparePipeline(p, have.pipelines[p.Kind])...)
		}
	}
	return found
}

func compareGroup(need Schema, kind sync.Kind, groups map[string]bool) Finding {
	f := Finding{What: "group", Kind: kind, Name: need.Group}
	if !groups[need.Group] {
		f.Rule, f.Note = ruleGroup, "create the property group"
	}
	return f
}

func compareProperty(p Property, have live) Finding {
	f := Finding{What: "property", Kind: p.Kind, Name: p.Name, Field: p.Name}
	d, known := have.properties[p.Kind][p.Name]
	switch {
	case known:
		f.Rule, f.Note = p.differs(d)
	case have.archived[p.Kind][p.Name]:
		f.Rule, f.Note = ruleArchived, "it is archived: restore it in HubSpot's settings, or delete it there for good"
	default:
		f.Rule, f.Note = ruleExists, "there is no property of this name: create it, or correct the name"
	}
	return f
}

// differs tells the first thing in which a definition is not as needed.
func (p Property) differs(d definition) (rule, note string) {
	switch {
	case p.Type != "" && d.Type != p.Type:
		return ruleType, fmt.Sprintf("HubSpot has type %s, type %s is needed: archive it there, or change the map", d.Type, p.Type)
	case p.FieldType != "" && !alike(d.FieldType, p.FieldType):
		return ruleField, fmt.Sprintf("HubSpot has field type %s, field type %s is needed: change it there, or change the map", d.FieldType, p.FieldType)
	case p.Unique && !d.Unique:
		return ruleUnique, "HubSpot has it without unique values, which cannot be switched on: archive it there and run the set-up again"
	case p.ours() && !p.ReadOnly && d.Modification.ReadOnlyValue:
		return ruleWritable, "HubSpot alone sets its values: use another name"
	}
	if lost := p.lacks(d); len(lost) > 0 {
		return ruleOptions, fmt.Sprintf("HubSpot has the options %s and lacks %s: add these there, or change the map",
			listed(d.values()), listed(valuesOf(lost)))
	}
	return "", ""
}

// single are the field types whose values are one text or one option each:
// among those of a row people may change without harm.
var single = [][]string{{"text", "textarea", "html", "phonenumber"}, {"select", "radio", "booleancheckbox"}}

// alike reports whether two field types of one type hold the same values.
func alike(a, b string) bool {
	return a == b || slices.ContainsFunc(single, func(row []string) bool { return slices.Contains(row, a) && slices.Contains(row, b) })
}

// ours reports whether the property is created when it is missing.
func (p Property) ours() bool { return !p.Existing }

// lacks are the needed options that a definition does not have.
func (p Property) lacks(d definition) []Option {
	if p.Type != "enumeration" {
		return nil
	}
	have := d.values()
	return slices.DeleteFunc(slices.Clone(p.Options), func(o Option) bool { return slices.Contains(have, o.Value) })
}

func comparePipeline(need Pipeline, have []pipeline) []Finding {
	f := Finding{What: "pipeline", Kind: need.Kind, Name: need.ID, Field: "pipeline"}
	i := slices.IndexFunc(have, func(p pipeline) bool { return p.ID == need.ID && !p.Archived })
	var stages []string
	if i >= 0 {
		stages = have[i].stages()
	} else {
		f.Rule, f.Note = rulePipeline, "HubSpot has the pipelines "+listed(ids(have))+": take one of these ids, or create it"
	}
	found := []Finding{f}
	for _, id := range need.Stages {
		s := Finding{What: "stage", Kind: need.Kind, Name: id, Field: "dealstage"}
		switch {
		case i < 0:
			s.Rule, s.Note = ruleStage, "its pipeline is missing"
		case !slices.Contains(stages, id):
			s.Rule, s.Note = ruleStage, fmt.Sprintf("the pipeline %s has the stages %s: take one of these ids, or create it", need.ID, listed(stages))
		}
		found = append(found, s)
	}
	return found
}

// listed gives names for a note, at most a dozen.
func listed(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "(none)"
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d others", len(names)-most)
	}
	return list
}

func valuesOf(options []Option) []string {
	values := make([]string, len(options))
	for i, o := range options {
		values[i] = o.Value
	}
	return values
}
