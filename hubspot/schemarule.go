package hubspot

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// fieldTypes are the field types that each type of property may have, the
// usual one first. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
var fieldTypes = map[string][]string{
	"string":      {"text", "textarea", "html", "phonenumber", "file"},
	"number":      {"number"},
	"bool":        {"booleancheckbox"},
	"enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
	"date":        {"date"},
	"datetime":    {"date"},
}

// maxUnique is how many unique properties a kind may have. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
const maxUnique = 10

// What new names may be: of properties and groups, and of events and their
// properties. Source:
// https://developers.hubspot.com/docs/api-reference/latest/events/define-events/guide
var (
	newNameForm  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)
	newEventForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)
)

// Validate reports everything that HubSpot would refuse, or that contradicts
// itself, without asking HubSpot. The error joins [*sync.Error]s, each of
// which names the property, pipeline or event.
func (s Schema) Validate() error {
	s = s.complete()
	var errs []error
	bad := func(field, rule, hint string) { errs = append(errs, schemaError(field, rule, hint, nil)) }
	if len(s.Activities) > 0 && !newNameForm.MatchString(s.ActivityKey.Name) {
		bad("activityKey", "property.name", nameHint)
	}
	s.checkGroup(bad)
	s.checkKinds(bad)
	for _, p := range s.Properties {
		p.check(bad)
	}
	for _, p := range s.Pipelines {
		p.check(bad)
	}
	for _, e := range s.Events {
		e.check(bad)
	}
	return errors.Join(errs...)
}

const nameHint = "an internal name begins with a letter and has up to 100 lower-case letters, digits and underscores"

// A complaint is how a check says what is wrong.
type complaint func(field, rule, hint string)

// checkGroup makes sure that what may be created has a group to go to.
func (s *Schema) checkGroup(bad complaint) {
	ours := slices.ContainsFunc(s.Properties, func(p Property) bool { return !p.Existing })
	if ours && !newNameForm.MatchString(s.Group) {
		bad("group", "group.name", nameHint)
	}
}

// checkKinds looks at what concerns several properties at once.
func (s *Schema) checkKinds(bad complaint) {
	seen, unique := map[string]bool{}, map[sync.Kind]int{}
	for _, p := range s.Properties {
		at := string(p.Kind) + "." + p.Name
		if seen[at] {
			bad(at, "property.once", "name each property of a kind once")
		}
		seen[at] = true
		if p.Unique {
			unique[p.Kind]++
		}
		if p.Unique && unique[p.Kind] == maxUnique+1 {
			bad(at, "property.unique", fmt.Sprintf("a kind may have %d unique properties", maxUnique))
		}
	}
}

func (p Property) check(bad complaint) {
	at := string(p.Kind) + "." + p.Name
	if objectTypes[p.Kind] == nil {
		bad(at, "kind.known", "give a kind that this package knows")
	}
	if p.Existing && !propertyForm.MatchString(p.Name) || !p.Existing && !newNameForm.MatchString(p.Name) {
		bad(at, "property.name", nameHint)
	}
	if p.Existing && p.Type == "" {
		return
	}
	p.checkType(at, bad)
}

func (p Property) checkType(at string, bad complaint) {
	forms, known := fieldTypes[p.Type]
	switch {
	case !known:
		bad(at, "property.type", "give string, number, bool, enumeration, date or datetime as the type")
	case p.FieldType != "" && !slices.Contains(forms, p.FieldType):
		bad(at, "property.field-type", "a "+p.Type+" has one of the field types "+strings.Join(forms, ", "))
	case p.Type == "enumeration" && len(p.Options) == 0 && !p.Existing:
		bad(at, "property.options", "give an enumeration its options")
	case p.Type != "enumeration" && p.Type != "bool" && len(p.Options) > 0:
		bad(at, "property.options", "only an enumeration has options")
	case p.Unique && p.Type != "string" && p.Type != "number":
		bad(at, "property.unique", "only texts and numbers can be unique")
	}
	seen := map[string]bool{}
	for _, o := range p.Options {
		if o.Value == "" || strings.Contains(o.Value, ";") || seen[o.Value] {
			bad(at, "property.options", "the values of options differ, are not blank and have no semicolons")
			return
		}
		seen[o.Value] = true
	}
}

func (p Pipeline) check(bad complaint) {
	at := string(p.Kind) + "." + p.ID
	if p.Kind != Deal {
		bad(at, "pipeline.kind", "only deals move through pipelines here")
	}
	if p.ID == "" || slices.Contains(p.Stages, "") {
		bad(at, "pipeline.id", "name pipelines and stages by their ids")
	}
}

func (e EventDefinition) check(bad complaint) {
	if !newEventForm.MatchString(e.Name) {
		bad(e.Name, "event.name", "an event's name begins with a letter and has up to 50 lower-case letters, digits and underscores")
	}
	if e.Label == "" || e.Kind != Contact && e.Kind != Deal {
		bad(e.Name, "event.form", "give the event a label, and a contact or a deal as its kind")
	}
	if len(e.Properties) > maxEventProperties {
		bad(e.Name, "event.properties", fmt.Sprintf("an event has up to %d properties", maxEventProperties))
	}
	for _, p := range e.Properties {
		if !newEventForm.MatchString(p.Name) {
			bad(e.Name+"."+p.Name, "event.name", "name it like an event")
		}
		p.checkType(e.Name+"."+p.Name, bad)
	}
}
