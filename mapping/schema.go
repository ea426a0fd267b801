package mapping

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/urbanhub/crmsync/sync"
)

// A Schema tells which raw fields a system's records have, by raw name.
type Schema map[string]Property

// A Property is one raw field as its system defines it.
type Property struct {
	// Type is what the field holds; "" is TypeText.
	Type Type
	// Form is how the system's API writes it; "" is the type's default.
	Form Form
	// Options are the values of an enum, or the possible items of a multi.
	Options []string
	// MaxLen is the longest text in characters, 0 without a limit.
	MaxLen int
	// ReadOnly is set for what the system computes itself.
	ReadOnly bool
}

// validate refuses types that do not exist and forms that they do not have.
func (s Schema) validate(side sync.Side) error {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		p := s[name]
		if p.Type == "" {
			p.Type = TypeText
		}
		if p.Form != "" && !slices.Contains(kinds[p.Type].forms, p.Form) || kinds[p.Type].forms == nil {
			return &sync.Error{Op: "mapping: check", Action: sync.Fatal, Field: name, Rule: "schema.type",
				Hint: fmt.Sprintf("the %s schema gives type %q in form %q; use one of: %s", side, p.Type, p.Form, typeNames())}
		}
	}
	return nil
}

func (p Property) complete() Property {
	if p.Type == "" {
		p.Type = TypeText
	}
	if p.Form == "" {
		p.Form = kinds[p.Type].forms[0]
	}
	return p
}

// refuses says why the property cannot hold a value, "" when it can.
func (p Property) refuses(v sync.Value) string {
	p = p.complete()
	if v.Blank() {
		return ""
	}
	if !p.Form.is(v) {
		return fmt.Sprintf("the property holds a %s in the form %s, not a %s", p.Type, p.Form, v.Shape())
	}
	if n := utf8.RuneCountInString(v.String()); p.MaxLen > 0 && n > p.MaxLen {
		return fmt.Sprintf("the property holds %d characters, not %d", p.MaxLen, n)
	}
	return p.misfit(v)
}

func (p Property) misfit(v sync.Value) string {
	if p.Type == TypeEnum {
		if len(p.Options) > 0 && !slices.Contains(p.Options, v.String()) {
			return fmt.Sprintf("%q is not an option of the property", v.String())
		}
		return ""
	}
	canonical, bad := p.codec().decode(v)
	if bad != nil {
		return fmt.Sprintf("it does not read as %s", p.Type)
	}
	if p.Type == TypeMulti && len(p.Options) > 0 {
		for _, item := range canonical.Items() {
			if !slices.Contains(p.Options, item) {
				return fmt.Sprintf("%q is not an option of the property", item)
			}
		}
	}
	return ""
}

// codec reads the property by its type alone.
func (p Property) codec() codec {
	return kinds[p.Type].codec(&Field{Type: p.Type, Region: anyCountry}, sync.Left, p.Form)
}

// is reports whether a raw value has the form.
func (form Form) is(v sync.Value) bool {
	switch form {
	case FormNumber, FormEpochMS:
		return v.IsNumber()
	case FormBool:
		return v.IsBool()
	case FormList:
		return v.IsList()
	}
	return !v.IsNumber() && !v.IsBool() && !v.IsList()
}
