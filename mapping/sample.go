package mapping

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/urbanhub/crmsync/sync"
)

// maxStates bounds the states tried per side of a field with several names.
const maxStates = 300

// states returns raw fields that a side may hold, the empty state first.
func (c *checker) states(f *sync.Field, s sync.Side) []sync.Fields {
	names := c.lens(f, s).Names()
	out := []sync.Fields{{}}
	values := make([][]sync.Value, len(names))
	for i, n := range names {
		values[i] = c.values(f, s, n)
		for _, v := range values[i] {
			out = append(out, sync.Fields{n: v})
		}
	}
	if len(names) < 2 {
		return out
	}
	for range maxStates {
		state := sync.Fields{}
		for i, n := range names {
			if len(values[i]) > 0 {
				state[n] = values[i][c.rng.IntN(len(values[i]))]
			}
		}
		out = append(out, state)
	}
	return out
}

// values returns raw values for one name: what its property may hold, and
// what the lens is made for as far as the property can hold it.
func (c *checker) values(f *sync.Field, s sync.Side, name string) []sync.Value {
	p, known := c.property(s, name)
	l, own := c.lens(f, s).(*lens)
	var all []sync.Value
	if own {
		all = samples(l.property(), l.field.Region, c.rng)
	}
	switch {
	case known:
		all = append(all, samples(p.complete(), "", c.rng)...)
	case !own:
		for _, t := range slices.Sorted(maps.Keys(kinds)) {
			for _, form := range kinds[t].forms {
				all = append(all, samples(Property{Type: t, Form: form}, "", c.rng)...)
			}
		}
	}
	all = append(all, c.lengths(f, s, p, own)...)
	var out []sync.Value
	for _, v := range all {
		if (!known || p.refuses(v) == "") && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// property is what a built-in lens is made for.
func (l *lens) property() Property {
	p := Property{Type: l.field.Type, Form: l.form}
	for _, o := range l.field.Options {
		raw := o.Left
		if l.side == sync.Right {
			raw = o.Right
		}
		p.Options = add(p.Options, raw)
	}
	return p
}

// lengths returns texts as long as this side's property and one longer than
// the other side's.
func (c *checker) lengths(f *sync.Field, s sync.Side, p Property, own bool) []sync.Value {
	if t := p.complete().Type; !own && t != TypeText && t != TypeName {
		return nil
	}
	sizes := []int{p.MaxLen, 300}
	for _, n := range c.lens(f, s.Other()).Names() {
		if q := c.schemas[s.Other()][n]; q.MaxLen > 0 {
			sizes = append(sizes, q.MaxLen, q.MaxLen+1)
		}
	}
	var out []sync.Value
	for _, n := range sizes {
		out = append(out, sync.Text(strings.Repeat("a", n)), sync.Text(longEmail(n)))
	}
	return out
}

// longEmail returns an address of n characters, "" when none is that long.
func longEmail(n int) string {
	const end = "@example.com"
	if n <= len(end) || n > 64+len(end) {
		return ""
	}
	return strings.Repeat("a", n-len(end)) + end
}

// samples returns raw values of a type: ordinary ones, boundaries, awkward
// ones and some random ones.
func samples(p Property, region string, rng *rand.Rand) []sync.Value {
	switch p.Type {
	case TypeEnum:
		return each(p.Options, p.Form.write)
	case TypeMulti:
		return multis(p, rng)
	case TypeBool:
		return each([]string{"true", "false"}, p.Form.write)
	case TypeNumber:
		return each(numbers, p.Form.write)
	case TypeDate, TypeDateTime:
		return times(p, rng)
	case TypePhone:
		return each(append(phones(region), texts...), sync.Text)
	case TypeID:
		return each([]string{"1", "512", "9007199254740993", "0042"}, p.Form.write)
	}
	return append(each(texts, sync.Text), each(randomTexts(rng), sync.Text)...)
}

func each(items []string, f func(string) sync.Value) []sync.Value {
	out := make([]sync.Value, len(items))
	for i, s := range items {
		out[i] = f(s)
	}
	return out
}

var numbers = []string{"0", "1", "-1", "7", "10", "12.50", "0.1", "-0.05", "100", "1000000", "9007199254740993", "12345678901234567890.123456789"}

var texts = []string{
	"a", "A", "ab", " a ", "a  b", "a b", "a b c", "Ana", "Ana María Pérez Gómez", "PÉREZ", "Anne-Marie", "José", "İz", "ß", "ﬁ",
	"a;b", ";a", "a, b", "a|b", "<b>a</b> c", "a<b", "&lt;b&gt;", "a\nb", "\ta", "a\u00a0b", "👩‍💻 a", `"a"`, "a'b", "0", "0042", "12.50", "1e3",
	"true", "TRUE", "false", "yes", "2024-02-29", "2024-12-31T23:30:00-05:00", "1709164800000", "+573000000000", "300 123 4567",
	"ana.perez@example.com", "Ana+lead@Example.COM", "https://example.com/a?b=c",
}

func phones(region string) []string {
	out := []string{"+57 300 123 4567", "+573001234567", "+1 (212) 555-0123", "+44 20 7946 0018", "12345", "+57 300 123 4567 ext. 9"}
	if n := phonenumbers.GetExampleNumber(region); n != nil {
		out = append(out, phonenumbers.Format(n, phonenumbers.NATIONAL), phonenumbers.Format(n, phonenumbers.INTERNATIONAL))
	}
	return out
}

func randomTexts(rng *rand.Rand) []string {
	const alphabet = "aAbBñÑ  ;,.-0123"
	letters := []rune(alphabet)
	out := make([]string, 40)
	for i := range out {
		s := make([]rune, 1+rng.IntN(12))
		for j := range s {
			s[j] = letters[rng.IntN(len(letters))]
		}
		out[i] = string(s)
	}
	return out
}

// times returns days or moments around boundaries and at random.
func times(p Property, rng *rand.Rand) []sync.Value {
	moments := []string{"1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "2024-02-29T00:00:00Z", "2024-12-31T23:30:00Z", "2025-01-01T04:59:59Z", "1899-12-31T12:00:00Z"}
	var out []sync.Value
	for i := range len(moments) + 20 {
		t := time.Unix(rng.Int64N(4e9)-1e9, rng.Int64N(1e9)).UTC()
		if i < len(moments) {
			t, _ = time.Parse(time.RFC3339Nano, moments[i]) // a literal above
		}
		if p.Type == TypeDate {
			t = t.Truncate(24 * time.Hour)
		}
		out = append(out, writeTime(p, t)...)
	}
	return out
}

func writeTime(p Property, t time.Time) []sync.Value {
	switch {
	case p.Form != FormText:
		return []sync.Value{p.Form.write(strconv.FormatInt(t.UnixMilli(), 10))}
	case p.Type == TypeDate:
		return []sync.Value{sync.Text(t.Format(time.DateOnly))}
	}
	bogota := time.FixedZone("", -5*60*60)
	return []sync.Value{sync.Text(t.Format(time.RFC3339Nano)), sync.Text(t.In(bogota).Format(time.RFC3339))}
}

// multis returns every option alone, all together, and random choices.
func multis(p Property, rng *rand.Rand) []sync.Value {
	options := p.Options
	if len(options) == 0 {
		options = []string{"a", "b", "C d", "a;b", " a", "ñ"}
	}
	write := func(items ...string) sync.Value {
		if p.Form == FormList {
			return sync.List(items...)
		}
		return sync.Text(strings.Join(items, ";"))
	}
	out := []sync.Value{write(options...)}
	for _, o := range options {
		out = append(out, write(o))
	}
	for range 20 {
		chosen := slices.Clone(options)
		rng.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		out = append(out, write(chosen[:1+rng.IntN(len(chosen))]...))
	}
	return out
}
