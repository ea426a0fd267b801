package birdtest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// A definition declares an attribute.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-contact-attribute-definition.
type definition struct {
	ID           string `json:"id"`
	Key          string `json:"key"`
	DisplayName  string `json:"displayName"`
	Description  string `json:"description,omitempty"`
	Cardinality  string `json:"cardinality"`
	Type         string `json:"type"`
	Format       string `json:"format,omitempty"`
	PII          *bool  `json:"pii"`
	ReadOnly     *bool  `json:"readOnly"`
	IndexMapping any    `json:"indexMapping,omitempty"`
	ACL          any    `json:"acl,omitempty"`
	Builtin      bool   `json:"builtin"`
	Archived     bool   `json:"archived"`
	Version      int    `json:"version"`
	CreatedAt    string `json:"createdAt"`
	UpdatedAt    string `json:"updatedAt"`

	seq int
	at  time.Time
}

func (s *Server) definitionRoutes() []route {
	return []route{
		{"GET attribute-definitions", s.listDefinitions},
		{"POST attribute-definitions", s.createDefinition},
	}
}

// define adds what every workspace defines by itself.
// See https://docs.bird.com/applications/audience-and-contacts/contacts/concepts/data-model-for-contacts.
func (s *Server) defineBuiltins() {
	for _, b := range []struct {
		typ      string
		readOnly bool
		keys     []string
	}{
		{"string", false, []string{displayNameKey, "firstName", "lastName", "country", "countryCode", "city", "province", "postalCode", "locale", "timezone"}},
		{"string", true, []string{"initialReference", "initialSource"}},
		{"number", false, []string{"age"}},
		{"datetime", false, []string{"birthday"}},
		{"boolean", false, []string{"subscribedEmail", "subscribedSms", "subscribedWhatsApp"}},
	} {
		for _, key := range b.keys {
			no := false
			id := fmt.Sprintf("b0000000-0000-4000-8000-%012d", len(s.definitions)+1)
			s.define(&definition{ID: id, Key: key, DisplayName: key, Cardinality: "one", Type: b.typ, PII: &no, ReadOnly: &b.readOnly, Builtin: true})
		}
	}
}

func (s *Server) define(d *definition) {
	d.seq, d.at, d.Version = len(s.definitions)+1, s.now(), 1
	d.CreatedAt = d.at.Format(timeLayout)
	d.UpdatedAt = d.CreatedAt
	s.definitions = append(s.definitions, d)
}

// definition returns the definition of an attribute, nil if there is none.
func (s *Server) definition(key string) *definition {
	if i := slices.IndexFunc(s.definitions, func(d *definition) bool { return d.Key == key }); i >= 0 {
		return s.definitions[i]
	}
	return nil
}

func (s *Server) listDefinitions(r request) reply {
	return list(s, r, s.definitions, func(d *definition) (int, time.Time) { return d.seq, d.at }, func(d *definition) definition { return *d })
}

func (s *Server) createDefinition(r request) reply {
	d := &definition{}
	if bad := r.decode(d); bad != nil {
		return bad.reply()
	}
	if bad := d.check(); bad != nil {
		return bad.reply()
	}
	if s.definition(d.Key) != nil {
		return (&refusal{Status: http.StatusConflict, Code: "ResourceAlreadyExists", Message: "the key is taken"}).reply()
	}
	d.ID, d.Builtin, d.Archived = s.uuid(), false, false
	s.define(d)
	return reply{http.StatusCreated, *d}
}

var attributeKeyPattern = regexp.MustCompile(`^[A-Za-z\d_-]{1,64}$`)

func (d *definition) check() *refusal {
	setDefault(&d.Cardinality, "one")
	setDefault(&d.Type, "string")
	setDefault(&d.DisplayName, d.Key)
	switch {
	case !attributeKeyPattern.MatchString(d.Key):
		return invalid("key does not match the pattern")
	case d.PII == nil || d.ReadOnly == nil:
		return invalid("pii and readOnly are required")
	case !within(d.DisplayName, 1, 150) || !within(d.Description, 0, 500):
		return invalid("displayName or description is too long")
	case !slices.Contains([]string{"one", "many"}, d.Cardinality):
		return invalid("cardinality is unknown")
	case !slices.Contains([]string{"boolean", "datetime", "number", "string"}, d.Type):
		return invalid("type is unknown")
	}
	return nil
}

// checkAttributes holds the attributes of a write to the API's schema and to
// their definitions.
func (s *Server) checkAttributes(p patch) *refusal {
	for key, v := range p.Attributes {
		if name, ok := v.(string); ok && key == displayNameKey && !within(name, 0, 150) {
			return invalid("displayName is too long")
		}
		d := s.definition(key)
		mirrored := key == phoneKey || key == emailKey
		switch {
		case d == nil && s.opts.RefuseUnknownAttributes && !mirrored:
			return invalid("attribute " + key + " is not defined")
		case d != nil && *d.ReadOnly && !p.inside:
			return invalid("attribute " + key + " is read-only")
		case !attributeShape(v) || d != nil && v != nil && !d.allows(v):
			return invalid("attribute " + key + " has the wrong type")
		}
	}
	return nil
}

func (d *definition) allows(v any) bool {
	items, many := v.([]any)
	if many != (d.Cardinality == "many") {
		return false
	}
	if !many {
		items = []any{v}
	}
	for _, item := range items {
		if !d.allowsOne(item) {
			return false
		}
	}
	return true
}

func (d *definition) allowsOne(v any) bool {
	switch v.(type) {
	case bool:
		return d.Type == "boolean"
	case float64:
		return d.Type == "number"
	}
	return d.Type == "string" || d.Type == "datetime"
}
