package hubspottest

import (
	"cmp"
	"strconv"
	"strings"
)

// rank is what a value sorts by: a number where its type has an order of its own, otherwise its text without case.
type rank struct {
	number  float64
	ordered bool
	text    string
}

// rankOf is the rank of a value of a property; times are epoch milliseconds.
func rankOf(p *Property, v string) rank {
	r := rank{text: strings.ToLower(v)}
	if p == nil || v == "" {
		return r
	}
	switch p.Type {
	case "number":
		n, err := strconv.ParseFloat(v, 64)
		r.number, r.ordered = n, err == nil
	case "date", "datetime":
		t, ok := parseTime(v)
		r.number, r.ordered = float64(t.UnixMilli()), ok
	}
	return r
}

func (r rank) compare(other rank) int {
	if r.ordered && other.ordered {
		return cmp.Compare(r.number, other.number)
	}
	return cmp.Compare(r.text, other.text)
}

// compare orders two values as the property's type does; unset ones come first.
func compare(p *Property, a, b string) int { return rankOf(p, a).compare(rankOf(p, b)) }
