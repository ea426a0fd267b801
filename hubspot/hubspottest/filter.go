package hubspottest

import (
	"path"
	"slices"
	"strings"
)

// filter is one condition of a search.
type filter struct {
	Property  string   `json:"propertyName"`
	Operator  string   `json:"operator"`
	Value     string   `json:"value"`
	HighValue string   `json:"highValue"`
	Values    []string `json:"values"`
}

// operators say whether a property's value passes. Values are never "" here, except for those in unsetToo.
var operators = map[string]func(f filter, p *Property, v string) bool{
	"EQ":                 func(f filter, p *Property, v string) bool { return equal(p, v, f.Value) },
	"NEQ":                func(f filter, p *Property, v string) bool { return !equal(p, v, f.Value) },
	"LT":                 func(f filter, p *Property, v string) bool { return compare(p, v, f.Value) < 0 },
	"LTE":                func(f filter, p *Property, v string) bool { return compare(p, v, f.Value) <= 0 },
	"GT":                 func(f filter, p *Property, v string) bool { return compare(p, v, f.Value) > 0 },
	"GTE":                func(f filter, p *Property, v string) bool { return compare(p, v, f.Value) >= 0 },
	"BETWEEN":            between,
	"IN":                 in,
	"NOT_IN":             func(f filter, p *Property, v string) bool { return !in(f, p, v) },
	"HAS_PROPERTY":       func(filter, *Property, string) bool { return true },
	"NOT_HAS_PROPERTY":   func(_ filter, _ *Property, v string) bool { return v == "" },
	"CONTAINS_TOKEN":     func(f filter, _ *Property, v string) bool { return containsToken(v, f.Value) },
	"NOT_CONTAINS_TOKEN": func(f filter, _ *Property, v string) bool { return !containsToken(v, f.Value) },
}

// unsetToo are the operators that an unset property can pass.
var unsetToo = []string{"NEQ", "NOT_IN", "NOT_HAS_PROPERTY", "NOT_CONTAINS_TOKEN"}

func (f filter) check(s *schema) *apiError {
	switch {
	case operators[f.Operator] == nil:
		return invalid("Invalid input JSON: %q is not a filter operator.", f.Operator)
	case s.properties[f.Property] == nil && f.associated() == nil:
		return invalid("There was a problem with the request: unknown property %q.", f.Property)
	case (f.Operator == "IN" || f.Operator == "NOT_IN") && len(f.Values) == 0:
		return invalid("The operator %s requires values.", f.Operator)
	case f.Operator == "BETWEEN" && f.HighValue == "":
		return invalid("The operator BETWEEN requires value and highValue.")
	}
	return nil
}

// associated is the type whose ids the pseudo property "associations.contact" and its like stand for; nil for others.
func (f filter) associated() *objectType {
	name, ok := strings.CutPrefix(f.Property, "associations.")
	if !ok {
		return nil
	}
	return typeNamed(name)
}

// acceptsAny decides by the ids of associated records: one of them must pass, or all must when the operator denies.
func (f filter) acceptsAny(ids []string) bool {
	if len(ids) == 0 {
		ids = []string{""}
	}
	fails := func(id string) bool { return !f.accepts(&Property{Type: "number"}, id) }
	if slices.Contains(unsetToo, f.Operator) {
		return !slices.ContainsFunc(ids, fails)
	}
	return slices.ContainsFunc(ids, func(id string) bool { return !fails(id) })
}

func (f filter) accepts(p *Property, v string) bool {
	if v == "" && !slices.Contains(unsetToo, f.Operator) {
		return false
	}
	return operators[f.Operator](f, p, v)
}

// equal minds case in enumerations only.
func equal(p *Property, a, b string) bool {
	if p.Type == "enumeration" {
		return a == b || p.FieldType == "checkbox" && slices.Contains(strings.Split(a, ";"), b)
	}
	return compare(p, a, b) == 0
}

func between(f filter, p *Property, v string) bool {
	return compare(p, v, f.Value) >= 0 && compare(p, v, f.HighValue) <= 0
}

// in finds text only when the wanted values are in lower case.
func in(f filter, p *Property, v string) bool {
	if p.Type == "string" {
		return slices.Contains(f.Values, strings.ToLower(v))
	}
	return slices.ContainsFunc(f.Values, func(want string) bool { return equal(p, v, want) })
}

// containsToken looks for a word, in which * stands for anything. The whole value counts as a word too.
func containsToken(v, pattern string) bool {
	v, pattern = strings.ToLower(v), strings.ToLower(pattern)
	words := append(strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(" @.,;-_/", r) }), v)
	return slices.ContainsFunc(words, func(w string) bool {
		ok, err := path.Match(pattern, w)
		return ok && err == nil
	})
}
