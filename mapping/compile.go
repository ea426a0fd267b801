package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// Flow compiles the spec. The error joins everything that is wrong with it,
// each an [*sync.Error] of action Fatal with a [*Position] inside. The flow
// keeps no reference to the spec and may be used concurrently.
func (s *Spec) Flow() (*sync.Flow, error) {
	flow, problems := s.compile()
	if len(problems) > 0 {
		return nil, fail("mapping "+s.Name, problems, nil)
	}
	return flow, nil
}

// A compiler turns one spec into a flow.
type compiler struct {
	spec     *Spec
	flow     *sync.Flow
	problems []problem
	asked    [2][]string // raw names that conditions read, by side
}

func (s *Spec) compile() (*sync.Flow, []problem) {
	c := &compiler{spec: s, flow: &sync.Flow{Name: s.Name, FirstSync: s.FirstSync}}
	c.flow.Left = c.endpoint(sync.Left)
	c.flow.Right = c.endpoint(sync.Right)
	for i := range s.Fields {
		c.field(i)
	}
	c.identity()
	if len(c.problems) == 0 {
		c.watch(sync.Left)
		c.watch(sync.Right)
		c.validate()
	}
	return c.flow, c.problems
}

func (c *compiler) problem(path, field, rule, hint string) {
	c.problems = append(c.problems, problem{path: path, field: field, rule: rule, hint: hint})
}

func (c *compiler) endpoint(side sync.Side) sync.Endpoint {
	end := c.spec.end(side)
	out := sync.Endpoint{System: end.System, Kind: end.Kind, CreateKey: end.CreateKey}
	var guards []guard
	for i, w := range end.Leave {
		g, p := newGuard(w)
		if p != nil {
			p.path = fmt.Sprintf("%s.leave[%d].when", side, i)
			c.problems = append(c.problems, *p)
			continue
		}
		guards = append(guards, g)
		c.asked[side] = append(c.asked[side], g.names...)
	}
	out.Leave = all(guards)
	for i, r := range end.Relate {
		out.Relate = append(out.Relate, c.association(fmt.Sprintf("%s.relate[%d]", side, i), side, r))
	}
	return out
}

// association compiles an association of a side, whose records are named on
// the other one.
func (c *compiler) association(path string, side sync.Side, r Relate) sync.Association {
	if r.Flow == "" || r.Kind == "" || r.Field == "" {
		c.problem(path, "", "relate.complete", "name the flow, and the kind and the raw field of the other side's record")
	}
	other := side.Other()
	c.asked[other] = append(c.asked[other], r.Field)
	system := c.spec.end(other).System
	return sync.Association{Flow: r.Flow, Required: r.Required, Of: func(rec sync.Record) (sync.Ref, bool) {
		ref := sync.Ref{System: system, Kind: r.Kind, ID: rec.Fields[r.Field].String()}
		return ref, !ref.Zero()
	}}
}

// field compiles one field. The flow's copy is apart from the spec, which the
// caller may go on changing.
func (c *compiler) field(i int) {
	f := c.spec.Fields[i]
	f.Options = slices.Clone(f.Options)
	f.Policy.Order = slices.Clone(f.Policy.Order)
	path := fmt.Sprintf("fields[%d]", i)
	k, ok := kinds[f.Type]
	if !ok {
		c.problem(path+".type", f.Name, "type.known", "use one of: "+typeNames())
		return
	}
	before := len(c.problems)
	c.checkField(path, &f)
	left, right := c.lens(path, k, &f, sync.Left), c.lens(path, k, &f, sync.Right)
	if len(c.problems) > before {
		return
	}
	c.flow.Fields = append(c.flow.Fields, sync.Field{Name: f.Name, Left: left, Right: right,
		Direction: f.Direction, Policy: f.Policy, Group: f.Group, KeepBlank: f.KeepBlank})
}

// checkField reports what is wrong with a field apart from its places.
func (c *compiler) checkField(path string, f *Field) {
	if f.Name == "" {
		c.problem(path, "", "field.complete", "give the field a name")
	}
	for i, name := range f.Clean {
		if cleaners[name] == nil {
			c.problem(fmt.Sprintf("%s.clean[%d]", path, i), f.Name, "clean.known", "use one of: "+cleanerNames())
		}
	}
	if f.Rule != "" {
		if hint := checkTag(f.Rule, f.Type); hint != "" {
			c.problem(path+".rule", f.Name, "rule.known", hint)
		}
	}
	if f.Type == TypePhone && !knownRegion(f.Region) {
		c.problem(path+".region", f.Name, "phone.region",
			"give the country of numbers without a country code, such as CO, or ZZ to refuse those numbers")
	}
	if f.Type == TypeEnum {
		if part, hint := checkOptions(f); hint != "" {
			c.problem(path+part, f.Name, "enum.table", hint)
		}
		c.checkOrder(path, f)
	}
	c.checkUnused(path, f)
}

// checkOrder wants the canonical values of an enum in the policy's order.
func (c *compiler) checkOrder(path string, f *Field) {
	for i, v := range f.Policy.Order {
		if !slices.ContainsFunc(rows(f.Options), func(r row) bool { return r.canonical == v }) {
			c.problem(fmt.Sprintf("%s.policy.order[%d]", path, i), f.Name, "policy.order",
				"an enum is ordered by the right values of its table; where options fold together, by the first one's")
		}
	}
}

// checkUnused refuses settings that the field's type ignores.
func (c *compiler) checkUnused(path string, f *Field) {
	if f.Region != "" && f.Type != TypePhone {
		c.problem(path+".region", f.Name, "field.unused", "only type phone has a region; leave it out")
	}
	if len(f.Options) > 0 && f.Type != TypeEnum {
		c.problem(path+".options", f.Name, "field.unused", "only type enum has options; leave them out")
	}
	if f.Default != (Option{}) && f.Type != TypeEnum {
		c.problem(path+".default", f.Name, "field.unused", "only type enum has a default; leave it out")
	}
}

func (c *compiler) lens(path string, k kind, f *Field, s sync.Side) *lens {
	place := f.place(s)
	path += "." + s.String()
	most := 1
	switch {
	case f.Type == TypeName:
		most = 2
	case place.Template != "":
		most = maxTemplateNames
	}
	if n := len(place.Names); n < 1 || n > most || slices.Contains(place.Names, "") {
		c.problem(path, f.Name, "place.names", "give one raw name; type name may have a first and a last one")
		return nil
	}
	form := place.Form
	if form == "" {
		form = k.forms[0]
	}
	if !slices.Contains(k.forms, form) {
		c.problem(path+".form", f.Name, "place.form", fmt.Sprintf("type %s is written as one of: %v", f.Type, k.forms))
		return nil
	}
	l := &lens{field: f, side: s, names: slices.Clone(place.Names), form: form, codec: k.codec(f, s, form)}
	if !c.complete(path, l, place) {
		return nil
	}
	if _, text := l.codec.(textCodec); text {
		l.clean = append(l.clean, plain)
	}
	for _, name := range f.Clean {
		l.clean = append(l.clean, cleaners[name])
	}
	l.required = f.Required && travels(f.Direction, s.Other())
	return l
}

// complete gives a lens the template of its place and what is written along.
func (c *compiler) complete(path string, l *lens, place *Place) bool {
	f := l.field
	if (place.Template != "") != (f.Type == TypeTemplate && !travels(f.Direction, l.side)) || f.Type == TypeTemplate && f.Direction == sync.Both {
		c.problem(path, f.Name, "place.template", "type template goes one way, and the place that it leaves has the template")
		return false
	}
	if len(place.With) > 0 && (len(l.names) > 1 || slices.Contains(slices.Collect(maps.Keys(place.With)), l.names[0])) {
		c.problem(path+".with", f.Name, "place.with", "write other raw fields along with a value of one raw name")
		return false
	}
	for n, text := range place.With {
		l.along(n, text)
	}
	if place.Template == "" {
		return true
	}
	t, p := newTemplate(f.Name, place.Template, templateOf(l.names))
	if p != nil {
		p.path, p.field = path+".template", f.Name
		c.problems = append(c.problems, *p)
		return false
	}
	l.template = t
	return true
}

func (c *compiler) identity() {
	for i, name := range c.spec.Identity {
		path := fmt.Sprintf("identity[%d]", i)
		at := slices.IndexFunc(c.flow.Fields, func(f sync.Field) bool { return f.Name == name })
		if at < 0 {
			if !slices.ContainsFunc(c.spec.Fields, func(f Field) bool { return f.Name == name }) {
				c.problem(path, name, "identity.field", "name a field of this map")
			}
			continue
		}
		f := &c.flow.Fields[at]
		if len(f.Left.Names()) != 1 || len(f.Right.Names()) != 1 {
			c.problem(path, name, "identity.single", "name a field with one raw name on each side")
			continue
		}
		c.flow.Identity = append(c.flow.Identity, sync.Identity{Name: name, Left: f.Left, Right: f.Right})
	}
}

// watch makes a side read what its conditions ask for beyond the fields.
func (c *compiler) watch(s sync.Side) {
	mapped := c.flow.Names(s)
	var names []string
	for _, n := range c.asked[s] {
		if !slices.Contains(mapped, n) && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return
	}
	f := sync.Field{Name: s.String() + " conditions", Left: watch{}, Right: watch{names}, Direction: sync.ToLeft}
	if s == sync.Left {
		f.Left, f.Right, f.Direction = f.Right, f.Left, sync.ToRight
	}
	c.flow.Fields = append(c.flow.Fields, f)
}

// validate adds what the core has against the flow.
func (c *compiler) validate() {
	err := c.flow.Validate()
	if err == nil {
		return
	}
	var e *sync.Error
	if !errors.As(err, &e) {
		e = &sync.Error{Rule: "flow", Hint: err.Error()}
	}
	c.problem(c.pathOf(e), e.Field, e.Rule, e.Hint)
}

// pathOf finds the part of the spec that the core's error is about.
func (c *compiler) pathOf(e *sync.Error) string {
	if e.Field == "" {
		return ""
	}
	for i := len(c.spec.Fields) - 1; i >= 0; i-- {
		if c.spec.Fields[i].Name == e.Field {
			return fmt.Sprintf("fields[%d]", i)
		}
	}
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		if c.spec.end(s).CreateKey == e.Field {
			return s.String() + ".create_key"
		}
	}
	return ""
}

// typeNames lists the types for hints.
func typeNames() string {
	var names []string
	for t := range kinds {
		names = append(names, string(t))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
