package hubspottest

import (
	"fmt"
	"maps"
	"slices"
)

// draft is a checked write that has not happened yet.
type draft struct {
	target *contact // nil creates
	id     int64
	values map[string]string
}

// claims are the unique values that earlier drafts of the same batch will take.
type claims map[uniqueValue]int64

// plan checks a write against the schema, the rules and the unique values, and changes nothing. Drafts planned with the
// same claims can all be applied.
func (s *Server) plan(target *contact, values map[string]string, version string, taken claims) (*draft, *apiError) {
	d := &draft{target: target, values: map[string]string{}}
	if target != nil {
		d.id = target.id
	} else {
		d.id = s.store.mint()
	}
	if problems := s.check(d, values); len(problems) > 0 {
		return nil, s.propertiesInvalid(problems)
	}
	if version == "2026-09" {
		if problems := s.missing(d); len(problems) > 0 {
			return nil, s.propertiesInvalid(problems)
		}
	}
	return d, s.claim(d, taken)
}

// check normalises the values into the draft and returns what is wrong with them.
func (s *Server) check(d *draft, values map[string]string) []problem {
	var problems []problem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		p, ok := s.schema.properties[name]
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

// missing applies the administrator's rules. The vendor's error code for them is not published.
func (s *Server) missing(d *draft) []problem {
	var problems []problem
	for _, r := range s.opts.Rules {
		if r.When == "" && d.target != nil || r.When != "" && d.after(r.When) != r.Is {
			continue
		}
		for _, name := range r.Require {
			if d.after(name) == "" {
				problems = append(problems, problem{name, "REQUIRED_FIELD", fmt.Sprintf("%q is required.", name)})
			}
		}
	}
	return problems
}

// claim takes the draft's unique values, or says which record has one already.
func (s *Server) claim(d *draft, taken claims) *apiError {
	keys := s.store.keys(d.after)
	for _, k := range keys {
		holder, held := s.store.unique[k]
		if !held {
			holder, held = taken[k]
		}
		if !held || holder == d.id {
			continue
		}
		if d.target == nil && k.property == propEmail && !s.opts.CreateConflictAs400 {
			return contactExists(holder)
		}
		return s.valueTaken(k.property, k.value, d.id, holder)
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

// apply carries a draft out: history, modified time, index, counts and events. A write of equal values changes nothing.
func (s *Server) apply(d *draft, by Actor) *contact {
	c := d.target
	if c == nil {
		c = s.born(d.id, by)
	}
	changed := s.changes(c, d)
	s.count(c, d, changed, by)
	if len(changed) == 0 {
		return c
	}
	s.store.unindex(c)
	at := s.now()
	for _, name := range changed {
		c.set(name, Revision{d.values[name], at, by})
		s.emit(by, c.id, propertyChanged{name, webhookValue(s.schema.properties[name], d.values[name])})
	}
	s.touch(c, by)
	s.store.index(c)
	return c
}

// changes are the names, in order, whose value the draft really changes.
func (s *Server) changes(c *contact, d *draft) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(d.values)) {
		if c.value(name) != d.values[name] {
			names = append(names, name)
		}
	}
	return names
}

// born creates an empty record.
func (s *Server) born(id int64, by Actor) *contact {
	at := s.now()
	c := &contact{id: id, history: map[string][]Revision{}, created: at}
	c.set(propID, Revision{c.key(), at, by})
	c.set(propCreated, Revision{at.Format(timeLayout), at, by})
	c.set(propSource, Revision{by.Source, at, by})
	c.set(propSourceID, Revision{by.ID, at, by})
	s.store.insert(c)
	s.touch(c, by)
	s.emit(by, id, created{})
	return c
}

// touch moves the modified time.
func (s *Server) touch(c *contact, by Actor) {
	c.updated = s.now()
	c.set(propModified, Revision{c.updated.Format(timeLayout), c.updated, by})
}

// count keeps the books of what the account's own app wrote.
func (s *Server) count(c *contact, d *draft, changed []string, by Actor) {
	if by != app(s.AppID) {
		return
	}
	for name := range d.values {
		books := s.store.noops
		if slices.Contains(changed, name) {
			books = s.store.writes
		}
		books[writeKey{c.key(), name}]++
	}
}
