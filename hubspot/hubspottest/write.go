package hubspottest

import (
	"fmt"
	"maps"
	"slices"
)

// draft is a checked write that has not happened yet.
type draft struct {
	store        *store
	target       *object // nil creates
	id           int64
	values       map[string]string
	associations []associationInput
}

// claims are the unique values that earlier drafts of the same batch will take.
type claims map[uniqueValue]int64

// plan checks a write against the schema, the rules, the unique values and the associations, and changes nothing. Drafts
// planned with the same claims can all be applied.
func (a *Account) plan(st *store, target *object, in input, version string, taken claims) (*draft, *apiError) {
	d := &draft{store: st, target: target, values: map[string]string{}}
	if target != nil {
		d.id = target.id
	} else {
		d.id = st.mint()
		d.associations = in.Associations
	}
	if problems := a.problems(d, in.Properties, version); len(problems) > 0 {
		return nil, a.propertiesInvalid(problems)
	}
	if bad := a.associable(st.typ, d.associations); bad != nil {
		return nil, bad
	}
	return d, a.claim(d, taken)
}

// problems normalises the values into the draft and returns all that is wrong with it, each property once.
func (a *Account) problems(d *draft, values map[string]string, version string) []problem {
	problems := d.check(values)
	if d.target == nil {
		d.fill()
	}
	for _, p := range a.checkWhole(d, version) {
		if !slices.ContainsFunc(problems, func(known problem) bool { return known.property == p.property }) {
			problems = append(problems, p)
		}
	}
	return problems
}

// check normalises the values into the draft and returns what is wrong with them.
func (d *draft) check(values map[string]string) []problem {
	var problems []problem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, ok := d.store.schema.properties[name]
		if !ok || p.Archived {
			problems = append(problems, problem{name, "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name)})
			continue
		}
		v, bad := normalise(p, values[name], d.before(name))
		if bad != nil {
			problems = append(problems, *bad)
			continue
		}
		d.values[name] = v
	}
	return problems
}

// fill gives a new record what its type defaults to.
func (d *draft) fill() {
	for _, f := range d.store.typ.fallback {
		if v := or(f.value, d.after(f.from)); d.after(f.property) == "" && v != "" {
			d.values[f.property] = v
		}
	}
}

// checkWhole looks at the record as the draft would leave it: what a new one needs, the stage of a deal, the
// administrator's rules.
func (a *Account) checkWhole(d *draft, version string) []problem {
	var problems []problem
	if d.target == nil {
		problems = d.lacking(d.store.typ.required)
	}
	if bad := a.checkStage(d); bad != nil {
		problems = append(problems, *bad)
	}
	if version != "2026-09" {
		return problems
	}
	for _, r := range a.opts.Rules {
		if r.applies(d) {
			problems = append(problems, d.lacking(r.Require)...)
		}
	}
	return problems
}

// lacking names the properties that would stay without a value. The vendor's code for that is not published.
func (d *draft) lacking(required []string) []problem {
	var problems []problem
	for _, name := range required {
		if d.after(name) == "" {
			problems = append(problems, problem{name, "REQUIRED_FIELD", fmt.Sprintf("%q is required.", name)})
		}
	}
	return problems
}

// checkStage refuses a stage that the deal's pipeline lacks.
func (a *Account) checkStage(d *draft) *problem {
	_, pipeline := d.values[propPipeline]
	_, stage := d.values[propStage]
	if d.store.typ.plural != "deals" || !pipeline && !stage || d.after(propStage) == "" {
		return nil
	}
	return a.stageProblem(d.after(propPipeline), d.after(propStage))
}

func (r Rule) applies(d *draft) bool {
	if typeNamed(or(r.On, "contacts")) != d.store.typ {
		return false
	}
	return r.When == "" && d.target == nil || r.When != "" && d.after(r.When) == r.Is
}

// claim takes the draft's unique values, or says which record has one already.
func (a *Account) claim(d *draft, taken claims) *apiError {
	keys := d.store.keys(d.after)
	for _, k := range keys {
		holder, held := d.store.unique[k]
		if !held {
			holder, held = taken[k]
		}
		if !held || holder == d.id {
			continue
		}
		if d.target == nil && k.property == propEmail && !a.opts.CreateConflictAs400 {
			return contactExists(holder)
		}
		return a.valueTaken(d.store.typ, k.property, k.value, d.id, holder)
	}
	for _, k := range keys {
		taken[k] = d.id
	}
	return nil
}

func (d *draft) before(property string) string {
	if d.target == nil {
		return ""
	}
	return d.target.value(property)
}

func (d *draft) after(property string) string {
	if v, ok := d.values[property]; ok {
		return v
	}
	return d.before(property)
}

// apply carries a draft out: history, modified time, index, counts, events, associations. A write of equal values changes
// nothing.
func (a *Account) apply(d *draft, by Actor) *object {
	a.writes++
	o := d.target
	if o == nil {
		o = a.born(d.store, d.id, by)
		defer a.associate(o, d.associations, by)
	}
	changed := o.changes(d)
	a.count(o, d, changed, by)
	if len(changed) == 0 {
		return o
	}
	o.store.unindex(o)
	at := a.now()
	for _, name := range changed {
		o.set(name, Revision{d.values[name], at, by})
		if !slices.Contains(o.typ.silent, name) {
			a.emit(by, o, propertyChanged{name, webhookValue(o.schema.properties[name], d.values[name])})
		}
	}
	a.touch(o, by)
	o.store.index(o)
	return o
}

// changes are the names, in order, whose value the draft really changes.
func (o *object) changes(d *draft) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		if o.value(name) != d.values[name] {
			names = append(names, name)
		}
	}
	return names
}

// born creates an empty record.
func (a *Account) born(st *store, id int64, by Actor) *object {
	at := a.now()
	o := &object{store: st, id: id, history: map[string][]Revision{}, born: at}
	o.set(propID, Revision{o.key(), at, by})
	o.set(st.typ.created, Revision{at.Format(timeLayout), at, by})
	o.set(propSource, Revision{by.Source, at, by})
	o.set(propSourceID, Revision{by.ID, at, by})
	st.insert(o)
	a.touch(o, by)
	a.emit(by, o, created{})
	return o
}

// touch moves the modified time.
func (a *Account) touch(o *object, by Actor) {
	o.updated = a.now()
	o.set(o.typ.modified, Revision{o.updated.Format(timeLayout), o.updated, by})
}

// count keeps the books of what the account's own app wrote.
func (a *Account) count(o *object, d *draft, changed []string, by Actor) {
	if by != app(a.AppID) {
		return
	}
	for name := range d.values {
		books := o.store.noops
		if slices.Contains(changed, name) {
			books = o.store.writes
		}
		books[writeKey{o.key(), name}]++
	}
}
