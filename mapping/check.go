package mapping

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urbanhub/crmsync/sync"
)

// A Law is something that must hold for a flow to be trusted with data.
type Law string

// The laws.
const (
	// LawKnown: every raw name is a property of its side.
	LawKnown Law = "known"
	// LawWritable: nothing is written to a read-only property.
	LawWritable Law = "writable"
	// LawExclusive: no two fields write the same property.
	LawExclusive Law = "exclusive"
	// LawTotal: every option is understood, and whatever one side says can be
	// said on the other.
	LawTotal Law = "total"
	// LawReads: some value of the property can be read at all, and no value
	// makes a lens panic or fail otherwise than by a rule.
	LawReads Law = "reads"
	// LawIdempotent: what a side wrote, it reads as the same value.
	LawIdempotent Law = "idempotent"
	// LawGetPut: writing back what was just read changes nothing.
	LawGetPut Law = "get-put"
	// LawPutGet: what arrives on the other side is what left this one.
	LawPutGet Law = "put-get"
	// LawLossless: writing back what was just read on a two-way field keeps
	// the raw value, or an equivalent one.
	LawLossless Law = "lossless"
	// LawFits: what is written is of the property's form, type, length and
	// options.
	LawFits Law = "fits"
)

// An Equivalence is a [sync.Lens] that declares when two states of its raw
// fields mean the same, such as two spellings of one name. Without it only
// the same raw values do.
type Equivalence interface {
	sync.Lens
	Equivalent(a, b sync.Fields) bool
}

// A Violation is a broken law with the smallest example found. Its values
// were generated or come from the schemas; they are nobody's data.
type Violation struct {
	Field string
	Law   Law
	// Side is where the example starts.
	Side sync.Side
	// Given holds the raw fields of that side.
	Given sync.Fields
	// Present holds what the other side held, when it matters.
	Present sync.Fields
	// Detail says what happened.
	Detail string
}

// Error implements error.
func (v *Violation) Error() string {
	out := v.Side.String()
	if v.Given != nil {
		out += " " + show(v.Given)
	}
	if len(v.Present) > 0 {
		out += " with " + v.Side.Other().String() + " " + show(v.Present)
	}
	return out + ": " + v.Detail
}

// Check proves the laws of every field of a flow against the properties that
// its two sides have. A nil schema is unknown: then names, sizes and options
// of that side are taken from the flow. The same flow and schemas always give
// the same verdict. The error joins all violations, each an [*sync.Error] of
// action Fatal with a [*Violation] inside.
//
// The proof is by trial on generated records: every option, every boundary of
// length, and the awkward values of each type. It takes well under a second
// and is meant for start-up and for tests.
func Check(flow *sync.Flow, left, right Schema) error {
	if err := flow.Validate(); err != nil {
		return err
	}
	for s, schema := range []Schema{left, right} {
		if err := schema.validate(sync.Side(s)); err != nil {
			return err
		}
	}
	c := &checker{flow: flow, schemas: [2]Schema{left, right}, rng: rand.New(rand.NewPCG(7, 11))}
	c.names()
	for i := range flow.Fields {
		if _, ok := c.lens(&flow.Fields[i], sync.Left).(watch); ok {
			continue
		}
		if _, ok := c.lens(&flow.Fields[i], sync.Right).(watch); !ok {
			c.field(&flow.Fields[i])
		}
	}
	return c.verdict()
}

type checker struct {
	flow    *sync.Flow
	schemas [2]Schema
	rng     *rand.Rand
	found   []*Violation
}

func (c *checker) verdict() error {
	errs := make([]error, len(c.found))
	for i, v := range c.found {
		errs[i] = &sync.Error{Op: "mapping: check " + c.flow.Name, Action: sync.Fatal, Field: v.Field,
			Rule: "law." + string(v.Law), Hint: remedies[v.Law], Err: v}
	}
	return errors.Join(errs...)
}

var remedies = map[Law]string{
	LawKnown:      "correct the raw name, or create the property",
	LawWritable:   "make the field one-way from this side, or map another property",
	LawExclusive:  "let one field write the property and make the other one-way from it",
	LawTotal:      "add rows to the table or a default, or make the field one-way",
	LawReads:      "use the type that the property has",
	LawIdempotent: "make reading and writing agree on one spelling",
	LawGetPut:     "make writing the inverse of reading",
	LawPutGet:     "make both sides see the same canonical value, or make the field one-way",
	LawLossless:   "keep the present raw value while it still says the same, or make the field one-way",
	LawFits:       "set the form of the place, or a rule such as max=… that keeps the values within bounds",
}

// report notes a violation, the first one of its law and field only.
func (c *checker) report(v *Violation) {
	if !c.reported(v.Field, v.Law) {
		c.found = append(c.found, v)
	}
}

func (c *checker) reported(field string, law Law) bool {
	return slices.ContainsFunc(c.found, func(v *Violation) bool { return v.Field == field && v.Law == law })
}

func (c *checker) lens(f *sync.Field, s sync.Side) sync.Lens {
	if s == sync.Left {
		return f.Left
	}
	return f.Right
}

// writes reports whether a field's values travel to the side.
func writes(f *sync.Field, to sync.Side) bool { return travels(f.Direction, to) }

func travels(d sync.Direction, to sync.Side) bool {
	return d == sync.Both || (d == sync.ToRight) == (to == sync.Right)
}

// property returns what is known about a raw name of a side. Every record has
// its own id.
func (c *checker) property(s sync.Side, name string) (Property, bool) {
	if p, ok := c.schemas[s][name]; ok {
		return p, true
	}
	return Property{Type: TypeID, ReadOnly: true}, name == sync.IDField
}

// names checks the laws that need no values.
func (c *checker) names() {
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		writer := map[string]string{}
		for i := range c.flow.Fields {
			f := &c.flow.Fields[i]
			for _, n := range c.lens(f, s).Names() {
				c.name(f, s, n, writer)
			}
		}
	}
}

func (c *checker) name(f *sync.Field, s sync.Side, name string, writer map[string]string) {
	broken := func(law Law, detail string) {
		c.report(&Violation{Field: f.Name, Law: law, Side: s, Detail: detail})
	}
	p, ok := c.property(s, name)
	if !ok && c.schemas[s] != nil {
		broken(LawKnown, fmt.Sprintf("there is no property %q%s", name, c.nearest(s, name)))
	}
	if !writes(f, s) {
		return
	}
	if ok && p.ReadOnly {
		broken(LawWritable, fmt.Sprintf("the property %q is read-only", name))
	}
	if other := writer[name]; other != "" && other != f.Name {
		broken(LawExclusive, fmt.Sprintf("the property %q is written by the field %q too", name, other))
	}
	writer[name] = f.Name
}

// nearest suggests the property whose name shares most of its letters.
func (c *checker) nearest(s sync.Side, name string) string {
	best, most := "", len(name)/2
	for _, have := range slices.Sorted(maps.Keys(c.schemas[s])) {
		if n := common(have, name); n > most {
			best, most = have, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; is it %q?", best)
}

// common counts the letters that two names share at their ends.
func common(a, b string) int {
	n := min(len(a), len(b))
	head := 0
	for head < n && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return head + tail
}

// show prints raw fields, long texts shortened.
func show(f sync.Fields) string {
	var parts []string
	for _, n := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, n+": "+showValue(f[n]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func showValue(v sync.Value) string {
	const most = 60
	switch n := utf8.RuneCountInString(v.String()); {
	case v.Null():
		return "null"
	case n > most:
		return fmt.Sprintf("%q… (%s)", string([]rune(v.String())[:12]), v.Shape())
	case v.IsNumber() || v.IsBool():
		return v.String()
	case v.IsList():
		return fmt.Sprintf("%q", v.Items())
	}
	return fmt.Sprintf("%q", v.String())
}
