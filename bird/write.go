package bird

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A wish is an identifier that a contact shall have; an empty value means
// none of its key.
type wish struct{ identifier }

type wishes []wish

// replace adds to the patch what fulfils every wish.
func (ws wishes) replace(current *contact, p *patch) {
	for _, w := range ws {
		w.replace(current, p)
	}
}

// split sorts the fields of a write into attributes and identifiers.
func (a *Adapter) split(w sync.Write) (patch, wishes, error) {
	p := patch{Attributes: map[string]sync.Value{}}
	var wanted wishes
	for name, v := range w.Fields {
		switch at := placeOf(name, a.opts.ExternalIDKey); at.kind {
		case idPlace, anonymousPlace:
			return p, nil, unwritable(w.Ref, name, "id.given", "map the field one way only; Bird gives it", v)
		case identifierPlace:
			wanted = append(wanted, wish{identifier{Key: at.key, Value: strings.TrimSpace(v.String())}})
		default:
			t := a.attributeType(at.key)
			typed, ok := t.convert(v)
			if !ok {
				return p, nil, unwritable(w.Ref, name, "attribute."+string(t),
					"map the field to the attribute's type, or declare another one", v)
			}
			p.Attributes[at.key] = typed
		}
	}
	slices.SortFunc(wanted, func(x, y wish) int { return strings.Compare(x.Key, y.Key) })
	return p, wanted, nil
}

func unwritable(ref sync.Ref, field, rule, hint string, v sync.Value) error {
	return &sync.Error{Op: "bird: write contact", Action: sync.Invalid, Ref: ref, Field: field, Rule: rule, Hint: hint,
		Err: errors.New("a " + v.Shape() + " cannot be written there")}
}

// convert returns the value in the form in which an attribute of the type is
// written. A blank becomes null, which clears: Bird refuses empty arrays.
func (t AttributeType) convert(v sync.Value) (sync.Value, bool) {
	if v.Blank() {
		return sync.Value{}, true
	}
	switch text := v.String(); t {
	case StringAttribute:
		return sync.Text(text), !v.IsList()
	case NumberAttribute:
		n := sync.Number(text) // which leaves a text what is no number
		return n, !v.IsList() && n.IsNumber()
	case BooleanAttribute:
		return sync.Bool(text == "true"), !v.IsList() && (text == "true" || text == "false")
	case DatetimeAttribute:
		return sync.Text(text), !v.IsList() && isTime(text)
	case ManyAttribute:
		return sync.List(v.Items()...), true
	}
	return v, true
}

func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	_, dateErr := time.Parse(time.DateOnly, s)
	return err == nil || dateErr == nil
}

// replace adds to the patch what makes the wished identifier the contact's
// newest of its key. The one that was newest goes; older ones, which a merge
// leaves behind, stay, unless none at all is wished.
func (w wish) replace(current *contact, p *patch) {
	held := current.identifiers(w.Key)
	at := slices.IndexFunc(held, func(v string) bool { return sameIdentifier(w.Key, v, w.Value) })
	gone := held
	switch {
	case at >= 0:
		gone = held[:at]
	case w.Value != "":
		p.AddIdentifiers = append(p.AddIdentifiers, w.identifier)
		gone = held[:min(len(held), 1)]
	}
	for _, v := range gone {
		p.RemoveIdentifiers = append(p.RemoveIdentifiers, identifier{Key: w.Key, Value: v})
	}
}

// supersede adds to the patch the removal of what was the newest identifier
// before the answer c to an upsert, which adds identifiers and removes none.
// One that is as old as the answer was just added.
func (w wish) supersede(c *contact, p *patch) {
	held := c.identifiers(w.Key)
	if len(held) < 2 || !sameIdentifier(w.Key, held[0], w.Value) {
		return
	}
	for _, i := range c.FeaturedIdentifiers {
		if i.Key == w.Key && i.Value == held[0] && c.UpdatedAt.Sub(i.CreatedAt.Time).Abs() < time.Second {
			p.RemoveIdentifiers = append(p.RemoveIdentifiers, identifier{Key: w.Key, Value: held[1]})
		}
	}
}

// e164 matches the phones that Bird takes.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)

// withoutPhones returns the write without those of its phones that are bad,
// and what was left out: Bird refuses a whole contact for its phone. A phone
// that is the key stays, for without it there is no contact.
func (a *Adapter) withoutPhones(w sync.Write, bad func(phone string) bool) (sync.Write, map[string]string) {
	var dropped map[string]string
	fields := w.Fields.Clone()
	for name, v := range w.Fields {
		at := placeOf(name, a.opts.ExternalIDKey)
		if at.kind != identifierPlace || at.key != phoneKey || w.Ref.ID == "" && name == w.Key {
			continue
		}
		if phone := strings.TrimSpace(v.String()); phone != "" && bad(phone) {
			if dropped == nil {
				dropped = map[string]string{}
			}
			dropped[name] = phoneRule
			delete(fields, name)
		}
	}
	w.Fields = fields
	return w, dropped
}

func notE164(phone string) bool { return !e164.MatchString(phone) }

func anyPhone(string) bool { return true }

// identifiers returns the contact's identifiers of a key, the one that
// [contact.identifier] chooses first.
func (c *contact) identifiers(key string) []string {
	var held []string
	add := func(v string) {
		if v != "" && !slices.ContainsFunc(held, func(h string) bool { return sameIdentifier(key, h, v) }) {
			held = append(held, v)
		}
	}
	add(c.identifier(key))
	for _, i := range c.FeaturedIdentifiers {
		if i.Key == key {
			add(i.Value)
		}
	}
	if key == phoneKey || key == emailKey {
		for _, v := range c.Attributes[key].Items() {
			add(v)
		}
	}
	return held
}

// sameIdentifier compares two values of one key as Bird does: phones by their
// digits, e-mails without regard to case.
func sameIdentifier(key, a, b string) bool {
	switch key {
	case phoneKey:
		return a == b || samePhone(a, b)
	case emailKey:
		return strings.EqualFold(a, b)
	}
	return a == b
}
