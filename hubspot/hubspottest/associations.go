package hubspottest

import "fmt"

// associationInput is an association that a record is created with.
type associationInput struct {
	To    reference         `json:"to"`
	Types []associationSpec `json:"types"`
}

// reference names a record on the wire.
type reference struct {
	ID string `json:"id"`
}

// associable says what is wrong with the associations of a new record of a type, nil when nothing is. All absent records
// are named together.
func (a *Account) associable(from *objectType, to []associationInput) *apiError {
	var missing absentees
	for _, in := range to {
		if len(in.Types) == 0 {
			return invalid("Invalid input JSON: each association needs at least one type") // the vendor's words are not published
		}
		for _, spec := range in.Types {
			t, bad := a.starting(from, spec)
			if bad != nil {
				return bad
			}
			a.resolve(t.to, in.To.ID, &missing)
		}
	}
	return missing.refusal()
}

// associate links a new record to others. The input has passed associable.
func (a *Account) associate(from *object, to []associationInput, by Actor) {
	for _, in := range to {
		for _, spec := range in.Types {
			t := a.associations.find(spec)
			a.link(from, a.resolve(t.to, in.To.ID, nil), t, by)
		}
	}
}

// resolve finds the live record that an association names, or notes that it is absent. The ids of merged records are not
// followed.
func (a *Account) resolve(typ *objectType, id string, missing *absentees) *object {
	if st := a.stores[typ]; st != nil {
		if o := st.find(id, false); o != nil {
			return o
		}
	}
	if missing != nil {
		*missing = append(*missing, absentee{typ, id})
	}
	return nil
}

// pair finds the two live records that an association call names.
func (a *Account) pair(from *objectType, fromID string, to *objectType, toID string) (x, y *object, bad *apiError) {
	var missing absentees
	x = a.resolve(from, fromID, &missing)
	y = a.resolve(to, toID, &missing)
	return x, y, missing.refusal()
}

// starting is the type of a spec, which must start at the object type.
func (a *Account) starting(from *objectType, spec associationSpec) (*associationType, *apiError) {
	t := a.associations.find(spec)
	if t == nil {
		return nil, noSuchAssociationType(spec)
	}
	if t.from != from {
		return nil, invalid("invalid from object type %s for associations to be created. expected: %s", from.id, t.from.id)
	}
	return t, nil
}

// joining are the types of the specs, which must lead from the one object type to the other.
func (a *Account) joining(from, to *objectType, specs []associationSpec) ([]*associationType, *apiError) {
	var types []*associationType
	for _, spec := range specs {
		t, bad := a.starting(from, spec)
		if bad != nil {
			return nil, bad
		}
		if t.to != to { // the vendor's words are not published
			return nil, invalid("invalid to object type %s for associations to be created. expected: %s", to.id, t.to.id)
		}
		types = append(types, t)
	}
	return types, nil
}

// link associates two records by a type and by the plain type, which every associated pair has. Each type that is new is
// an event on either side.
func (a *Account) link(from, to *object, t *associationType, by Actor) {
	for _, t := range []*associationType{a.associations.plain(from.typ, to.typ), t} {
		if t != nil && a.links.add(from, to, t) {
			a.emitAssociation(by, from, to, t, false)
		}
	}
}

// sever takes types away from two records; with the plain one go all.
func (a *Account) sever(from, to *object, types []*associationType, by Actor) {
	for _, t := range types {
		if t.plain() {
			types = a.links[from][to]
			break
		}
	}
	for _, t := range types {
		if a.links.drop(from, to, t) {
			a.emitAssociation(by, from, to, t, true)
		}
	}
}

// unlink removes all associations of a record and tells of it.
func (a *Account) unlink(o *object, by Actor) {
	for _, other := range a.links.of(o) {
		a.sever(o, other, a.links[o][other], by)
	}
}

// relink moves the associations of a record to the one it was merged into, and says nothing.
func (a *Account) relink(old, survivor *object) {
	for _, other := range a.links.of(old) {
		for _, t := range a.links[old][other] {
			a.links.drop(old, other, t)
			if other != survivor {
				a.links.add(survivor, other, t)
			}
		}
	}
}

// related are the live records of a type that a record is associated with, by id.
func (a *Account) related(o *object, typ *objectType) []*object {
	var live []*object
	for _, other := range a.links.of(o) {
		if other.typ == typ && other.live() {
			live = append(live, other)
		}
	}
	return live
}

// linked is what a record shows of its associations to one type.
type linked struct {
	Results []linkedRecord `json:"results"`
}

type linkedRecord struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// linkedTo shows the associations to the named types, by the plural of the type.
func (a *Account) linkedTo(o *object, types []string) map[string]linked {
	all := map[string]linked{}
	for _, name := range types {
		if typ := typeNamed(name); typ != nil {
			var out linked
			for _, other := range a.related(o, typ) {
				for _, t := range a.links[o][other] {
					out.Results = append(out.Results, linkedRecord{other.key(), t.name})
				}
			}
			if out.Results != nil {
				all[typ.plural] = out
			}
		}
	}
	return all
}

func noSuchAssociationType(spec associationSpec) *apiError {
	e := invalid("One or more associations are invalid")
	e.Context = map[string][]string{
		"associationSpec":             {spec.String()},
		"INVALID_ASSOCIATION_TYPE_ID": {spec.String() + " is not a valid association definition id"},
	}
	return e
}

// absentees are the sides of associations that have no record.
type absentees []absentee

type absentee struct {
	typ *objectType
	id  string
}

// refusal names all of them; nil when there are none.
func (missing absentees) refusal() *apiError {
	if len(missing) == 0 {
		return nil
	}
	e := invalid("One or more associations are invalid")
	e.Context = map[string][]string{}
	add := func(key, value string) { e.Context[key] = append(e.Context[key], value) }
	for _, m := range missing {
		add("INVALID_OBJECT_IDS", fmt.Sprintf("%s=%s is not valid", m.typ.legacy, m.id))
		add("objectId", m.id)
		add("objectType", m.typ.legacy)
	}
	return e
}
