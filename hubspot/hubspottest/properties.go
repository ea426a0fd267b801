package hubspottest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
)

// results is the envelope of lists without pages.
type results struct {
	Results any `json:"results"`
}

func (a *Account) listProperties(q *request) response {
	all := slices.DeleteFunc(q.store.schema.sorted(), func(p *Property) bool { return p.Archived != q.archived() })
	return ok(results{all})
}

// property finds the definition the path names. An archived one shows only with archived=true.
func (q *request) property() (*Property, *response) {
	if p := q.store.schema.properties[q.PathValue("name")]; p != nil && p.Archived == q.archived() {
		return p, nil
	}
	r := resourceNotFound()
	return nil, &r
}

func (a *Account) readProperty(q *request) response {
	p, missing := q.property()
	if missing != nil {
		return *missing
	}
	return ok(p)
}

func (a *Account) createProperty(q *request) response {
	var p Property
	if bad := q.decode(&p); bad != nil {
		return *bad
	}
	if bad := a.checkDefinition(q.store, p); bad != nil {
		return bad.response()
	}
	return response{http.StatusCreated, a.define(q.store, p)}
}

// define adds a checked definition to the schema of a type.
func (a *Account) define(st *store, p Property) *Property {
	p.CreatedAt = a.now().Format(timeLayout)
	p.UpdatedAt = p.CreatedAt
	p.HubspotDefined, p.Archived = false, false
	return st.schema.define(p)
}

// updateProperty changes what may be changed: not the name, and not whether values are unique.
func (a *Account) updateProperty(q *request) response {
	p, missing := q.property()
	if missing != nil {
		return *missing
	}
	if p.Modification.ReadOnlyDefinition {
		return invalid("The definition of property %q is read-only.", p.Name).response()
	}
	changed := *p
	changed.Options = nil // or else decoding would write into the present ones
	if bad := q.decode(&changed); bad != nil {
		return *bad
	}
	if changed.Options == nil {
		changed.Options = p.Options
	}
	changed.Name, changed.HasUniqueValue, changed.Modification = p.Name, p.HasUniqueValue, p.Modification
	changed.Archived, changed.CreatedAt, changed.UpdatedAt = false, p.CreatedAt, a.now().Format(timeLayout)
	if bad := checkForm(q.store.schema, changed); bad != nil {
		return bad.response()
	}
	*p = changed
	return ok(p)
}

// archiveProperty takes a custom property out of use; writes to it are refused from then on.
func (a *Account) archiveProperty(q *request) response {
	p, missing := q.property()
	if missing != nil {
		return *missing
	}
	if !p.Modification.Archivable {
		return invalid("Property %q cannot be archived.", p.Name).response()
	}
	q.store.schema.archive(p)
	return noContent()
}

var propertyName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// fieldTypes are the field types each type may have.
var fieldTypes = map[string][]string{
	"string":      {"text", "textarea", "html", "file", "phonenumber"},
	"number":      {"number"},
	"bool":        {"booleancheckbox"},
	"enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
	"date":        {"date"},
	"datetime":    {"date"},
}

// checkDefinition says what is wrong with a new property. The vendor's words for most of it are not published.
func (a *Account) checkDefinition(st *store, p Property) *apiError {
	old := st.schema.properties[p.Name]
	switch {
	case old != nil && !old.Archived:
		return fail(http.StatusConflict, "CONFLICT", fmt.Sprintf("A property named '%s' already exists.", p.Name))
	case p.HasUniqueValue && st.typ.activity && a.opts.RejectUniqueOnActivities:
		return invalid("Object type %s does not support unique properties.", st.typ.id)
	case p.HasUniqueValue && len(st.schema.unique) >= maxUnique:
		return invalid("The maximum of %d unique properties is reached.", maxUnique)
	}
	return checkForm(st.schema, p)
}

// checkForm says what is wrong with a definition in itself.
func checkForm(s *schema, p Property) *apiError {
	group := s.groups[p.GroupName]
	switch {
	case !propertyName.MatchString(p.Name):
		return invalid("The property name %q is not valid.", p.Name)
	case p.Label == "" || p.GroupName == "":
		return invalid("Property %q lacks a label or a groupName.", p.Name)
	case group == nil || group.Archived:
		return invalid("The property group %q does not exist.", p.GroupName)
	case !slices.Contains(fieldTypes[p.Type], p.FieldType):
		return invalid("Property %q has type %q with fieldType %q, which is not a valid pair.", p.Name, p.Type, p.FieldType)
	}
	return nil
}
