package bird

import (
	"cmp"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

const (
	phoneKey       = "phonenumber"
	emailKey       = "emailaddress"
	displayNameKey = "displayName"

	attributePrefix  = "attributes."
	identifierPrefix = "identifiers."
)

// A place is where a raw field lives in a contact.
type place struct {
	kind placeKind
	key  string // of the identifier or attribute
}

type placeKind uint8

const (
	attributePlace placeKind = iota
	identifierPlace
	namePlace
	idPlace
	anonymousPlace
)

// placeOf finds the place of a raw name. A name that means nothing else is the
// key of an attribute.
func placeOf(name, externalIDKey string) place {
	switch name {
	case sync.IDField:
		return place{idPlace, ""}
	case FieldExternalID:
		return place{identifierPlace, externalIDKey}
	case FieldPhone:
		return place{identifierPlace, phoneKey}
	case FieldEmail:
		return place{identifierPlace, emailKey}
	case FieldName:
		return place{namePlace, displayNameKey}
	case FieldAnonymous:
		return place{anonymousPlace, ""}
	}
	if key, ok := strings.CutPrefix(name, identifierPrefix); ok {
		return place{identifierPlace, key}
	}
	return place{attributePlace, strings.TrimPrefix(name, attributePrefix)}
}

// value reads the place from a contact.
func (p place) value(c *contact) sync.Value {
	switch p.kind {
	case idPlace:
		return sync.Text(c.ID)
	case identifierPlace:
		return p.identifierValue(c)
	case namePlace:
		return c.displayName()
	case anonymousPlace:
		return sync.Bool(c.IsAnonymous && c.identifier(emailKey) == "" && c.identifier(phoneKey) == "")
	}
	return c.Attributes[p.key]
}

func (p place) identifierValue(c *contact) sync.Value {
	v := c.identifier(p.key)
	if v == "" {
		return sync.Value{}
	}
	if p.key == phoneKey {
		v = international(v)
	}
	return sync.Text(v)
}

// identifier returns the contact's first identifier of a key, the newest one
// of a complete contact. The mirror in
// the attributes steps in where the selection of featured ones leaves it out,
// and for a phone that some answers give without its "+".
func (c *contact) identifier(key string) string {
	featured := ""
	for _, i := range c.FeaturedIdentifiers {
		if i.Key == key {
			featured = i.Value
			break
		}
	}
	if featured != "" && (key != phoneKey || strings.HasPrefix(featured, "+")) {
		return featured
	}
	for _, mirrored := range c.Attributes[key].Items() {
		if featured == "" || samePhone(mirrored, featured) {
			return mirrored
		}
	}
	return featured
}

// displayName returns the contact's name. A computed name that only repeats an
// identifier says nothing about what the person is called.
func (c *contact) displayName() sync.Value {
	if v := c.Attributes[displayNameKey]; !v.Blank() {
		return v
	}
	for _, i := range c.FeaturedIdentifiers {
		if c.ComputedDisplayName == i.Value || i.Key == phoneKey && samePhone(c.ComputedDisplayName, i.Value) {
			return sync.Value{}
		}
	}
	if c.ComputedDisplayName == "" {
		return sync.Value{}
	}
	return sync.Text(c.ComputedDisplayName)
}

// complete reports whether the contact tells everything about the places. Its
// featured identifiers are only a selection, and they do not say which of
// several is the newest.
func (c *contact) complete(places map[string]place) bool {
	for _, p := range places {
		if p.kind != identifierPlace || c.whole {
			continue
		}
		if n := len(c.identifiers(p.key)); n > 1 || n == 0 && !c.knowsAll() {
			return false
		}
	}
	return true
}

// knowsAll reports whether no identifier is left out.
func (c *contact) knowsAll() bool {
	return c.whole || c.IdentifierCount <= len(c.FeaturedIdentifiers)
}

// claims is what an answer claims of a contact, nil if it may not show all.
func (a *Adapter) claims(c *contact) map[string]string {
	if !c.complete(a.places) {
		return nil
	}
	fields := a.record(c).Fields
	claims := map[string]string{sync.IDField: fields[sync.IDField].Digest()}
	for name := range a.places {
		claims[name] = fields[name].Digest() // a missing one claims a blank
	}
	return claims
}

// setIdentifiers gives the contact the full list of its identifiers. The
// newest come first, so that an identifier just written is the one read.
func (c *contact) setIdentifiers(all []identifier) {
	slices.SortStableFunc(all, func(x, y identifier) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt.Time), strings.Compare(x.Value, y.Value))
	})
	c.FeaturedIdentifiers, c.whole = all, true
}

// international gives a phone of 11 to 15 bare digits the "+" that some of
// Bird's answers leave out. A shorter one may lack its country code as well
// and stays as it is.
func international(phone string) string {
	if n := len(phone); n >= 11 && n <= 15 && digits(phone) == phone {
		return "+" + phone
	}
	return phone
}

// samePhone compares two phones without regard to "+", blanks and hyphens.
func samePhone(a, b string) bool {
	d := digits(a)
	return d != "" && d == digits(b)
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}
