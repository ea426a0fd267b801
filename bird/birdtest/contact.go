package birdtest

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// An Identifier is one address by which a contact is known.
type Identifier struct {
	Key        string         `json:"key"`
	Value      string         `json:"value"`
	Properties map[string]any `json:"properties,omitempty"`
	CreatedAt  time.Time      `json:"createdAt,omitzero"`
}

// A Contact is what the workspace holds of one person. Attributes hold text,
// float64, bool and arrays of those, as decoded from JSON, without the
// mirrors of identifiers that answers of the API have.
type Contact struct {
	ID          string
	Identifiers []Identifier
	Attributes  map[string]any
	// ListIDs and AccountIDs are the lists and the accounts it belongs to.
	ListIDs, AccountIDs []string
	// Anonymous is a visitor of whom nothing else is known.
	Anonymous bool
	CreatedAt time.Time
	UpdatedAt time.Time

	seq           int // orders the list
	externalIDKey string
}

const (
	phoneKey       = "phonenumber"
	emailKey       = "emailaddress"
	displayNameKey = "displayName"
)

// Field returns the value of a field by the name an adapter gives it: id,
// msisdn, email, name, external_id, else the attribute with or without the
// prefix "attributes.". It is nil when the contact has none.
func (c Contact) Field(name string) any {
	if name == "id" {
		return c.ID
	}
	if key := identifierKey(name, c.externalIDKey); key != "" {
		return c.newest(key)
	}
	return c.Attributes[attributeKey(name)]
}

// identifierKey returns the key of the identifier that a field name means, ""
// for other fields.
func identifierKey(name, externalIDKey string) string {
	switch name {
	case "msisdn":
		return phoneKey
	case "email":
		return emailKey
	case "external_id":
		return externalIDKey
	}
	return ""
}

func attributeKey(name string) string {
	if name == "name" {
		return displayNameKey
	}
	return strings.TrimPrefix(name, "attributes.")
}

// newest returns the value of the identifier of the key that was added last.
func (c *Contact) newest(key string) any {
	var found *Identifier
	for i := range c.Identifiers {
		if x := &c.Identifiers[i]; x.Key == key && (found == nil || !x.CreatedAt.Before(found.CreatedAt)) {
			found = x
		}
	}
	if found == nil {
		return nil
	}
	return found.Value
}

// values returns the values of all identifiers of a key.
func (c *Contact) values(key string) []any {
	var all []any
	for _, i := range c.Identifiers {
		if i.Key == key {
			all = append(all, i.Value)
		}
	}
	return all
}

func (c *Contact) clone() *Contact {
	d := *c
	d.Identifiers = slices.Clone(c.Identifiers)
	d.Attributes = maps.Clone(c.Attributes)
	d.ListIDs, d.AccountIDs = slices.Clone(c.ListIDs), slices.Clone(c.AccountIDs)
	return &d
}

// fields returns every value under the name by which writes are counted.
func (c *Contact) fields() map[string]any {
	f := map[string]any{}
	for _, name := range []string{"msisdn", "email", "external_id"} {
		if v := c.Field(name); v != nil {
			f[name] = v
		}
	}
	for key, v := range c.Attributes {
		switch key {
		case "initialReference", "timezone":
		default:
			f[countName(key)] = v
		}
	}
	return f
}

// countName returns the name under which writes to a field are counted.
func countName(name string) string {
	switch name {
	case "msisdn", "email", "external_id", "name":
		return name
	case displayNameKey, "attributes." + displayNameKey:
		return "name"
	}
	return "attributes." + strings.TrimPrefix(name, "attributes.")
}

// wireContact is a contact as the API answers it.
type wireContact struct {
	ID                  string         `json:"id"`
	ComputedDisplayName string         `json:"computedDisplayName"`
	FeaturedIdentifiers []Identifier   `json:"featuredIdentifiers,omitempty"`
	IdentifierCount     int            `json:"identifierCount"`
	Attributes          map[string]any `json:"attributes"`
	AccountIDs          []string       `json:"accountIds,omitempty"`
	ListIDs             []string       `json:"listIds,omitempty"`
	IsAnonymous         bool           `json:"isAnonymous,omitempty"`
	WorkspaceID         string         `json:"workspaceId"`
	CreatedAt           string         `json:"createdAt"`
	UpdatedAt           string         `json:"updatedAt"`
}

const timeLayout = "2006-01-02T15:04:05.000Z"

func (s *Server) wire(c *Contact) wireContact {
	w := wireContact{
		ID:                  c.ID,
		ComputedDisplayName: c.computedName(),
		FeaturedIdentifiers: s.featured(c),
		IdentifierCount:     len(c.Identifiers),
		Attributes:          maps.Clone(c.Attributes),
		AccountIDs:          c.AccountIDs,
		ListIDs:             c.ListIDs,
		IsAnonymous:         c.Anonymous,
		WorkspaceID:         s.WorkspaceID,
		CreatedAt:           c.CreatedAt.Format(timeLayout),
		UpdatedAt:           c.UpdatedAt.Format(timeLayout),
	}
	for _, key := range []string{phoneKey, emailKey} {
		if mirror := c.values(key); mirror != nil {
			w.Attributes[key] = mirror
		}
	}
	return w
}

func (c *Contact) computedName() string {
	for _, key := range []string{displayNameKey, "firstName"} {
		if name, ok := c.Attributes[key].(string); ok && name != "" {
			return name
		}
	}
	return ""
}

// featured returns the selection of identifiers that a contact shows.
func (s *Server) featured(c *Contact) []Identifier {
	shown := make([]Identifier, 0, s.opts.Featured)
	for _, i := range c.Identifiers[:min(len(c.Identifiers), s.opts.Featured)] {
		if s.plainPhones && i.Key == phoneKey {
			i.Value = strings.TrimPrefix(i.Value, "+")
		}
		shown = append(shown, Identifier{Key: i.Key, Value: i.Value})
	}
	return shown
}
