package hubspottest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// associationInput links a new record to an existing one.
type associationInput struct {
	To struct {
		ID string `json:"id"`
	} `json:"to"`
	Types []associationSpec `json:"types"`
}

// associationSpec names a kind of association.
type associationSpec struct {
	Category string `json:"associationCategory"`
	TypeID   int    `json:"associationTypeId"`
}

// definition is one direction of a kind of association that the vendor defines.
type definition struct {
	id       int
	from, to string // singular names
}

// definitions come in pairs, forth and back.
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
var definitions = []definition{
	{202, "note", "contact"}, {201, "contact", "note"},
	{214, "note", "deal"}, {213, "deal", "note"},
	{204, "task", "contact"}, {203, "contact", "task"},
	{216, "task", "deal"}, {215, "deal", "task"},
	{200, "meeting", "contact"}, {199, "contact", "meeting"},
	{212, "meeting", "deal"}, {211, "deal", "meeting"},
	{81, "communication", "contact"}, {82, "contact", "communication"},
	{85, "communication", "deal"}, {86, "deal", "communication"},
	{3, "deal", "contact"}, {4, "contact", "deal"},
}

// links holds every association in both directions.
type links map[link]bool

type link struct {
	from, to *object
	id       int
}

// linked is what a record shows of its associations to one type.
type linked struct {
	Results []linkedRecord `json:"results"`
}

type linkedRecord struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// defined is the definition of a kind of association that starts at a type.
func defined(from *objectType, spec associationSpec) (definition, bool) {
	i := slices.IndexFunc(definitions, func(d definition) bool { return d.id == spec.TypeID && d.from == from.singular })
	if i < 0 {
		return definition{}, false
	}
	return definitions[i], true
}

// associable says what is wrong with the associations of a new record of a type, nil when nothing is.
func (a *Account) associable(from *objectType, to []associationInput) *apiError {
	for _, in := range to {
		for _, spec := range in.Types {
			d, ok := defined(from, spec)
			if !ok {
				return invalidAssociation("INVALID_ASSOCIATION_TYPE_ID", fmt.Sprintf("%s=%d is not a valid association definition id", spec.Category, spec.TypeID))
			}
			t := typeNamed(d.to)
			if a.stores[t].find(in.To.ID, true) == nil {
				e := invalidAssociation("INVALID_OBJECT_IDS", fmt.Sprintf("%s=%s is not valid", t.legacy, in.To.ID))
				e.Context["objectId"], e.Context["objectType"] = []string{in.To.ID}, []string{t.legacy}
				return e
			}
		}
	}
	return nil
}

func invalidAssociation(key, text string) *apiError {
	e := fail(http.StatusBadRequest, validation, "One or more associations are invalid")
	e.Context = map[string][]string{key: {text}}
	return e
}

// associate links a record to others. The input has passed associable.
func (a *Account) associate(from *object, to []associationInput, by Actor) {
	for _, in := range to {
		for _, spec := range in.Types {
			d, _ := defined(from.typ, spec)
			a.link(from, a.stores[typeNamed(d.to)].find(in.To.ID, true), d, by)
		}
	}
}

// link stores an association in both directions and tells of it.
func (a *Account) link(from, to *object, d definition, by Actor) {
	forth := link{from, to, d.id}
	if a.links[forth] {
		return
	}
	back := definitions[slices.Index(definitions, d)^1]
	a.links[forth], a.links[link{to, from, back.id}] = true, true
	a.emitAssociation(by, forth, false)
	a.emitAssociation(by, link{to, from, back.id}, false)
}

// unlink removes all associations of a record and tells of it.
func (a *Account) unlink(o *object, by Actor) {
	for _, l := range a.linksOf(o) {
		delete(a.links, l)
		a.emitAssociation(by, l, true)
	}
}

// relink moves the associations of a record to another one.
func (a *Account) relink(old, now *object) {
	for _, l := range a.linksOf(old) {
		delete(a.links, l)
		if l.from == old {
			l.from = now
		} else {
			l.to = now
		}
		a.links[l] = true
	}
}

// linksOf are the associations from and to a record, in a fixed order.
func (a *Account) linksOf(o *object) []link {
	var all []link
	for l := range a.links {
		if l.from == o || l.to == o {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(x, y link) int {
		return slices.Compare([]int64{x.from.id, x.to.id, int64(x.id)}, []int64{y.from.id, y.to.id, int64(y.id)})
	})
	return all
}

// related are the ids of the live records of a type that a record is associated with.
func (a *Account) related(o *object, t *objectType) []string {
	var ids []string
	for _, l := range a.linksOf(o) {
		if l.from == o && l.to.typ == t && l.to.live() {
			ids = append(ids, strconv.FormatInt(l.to.id, 10))
		}
	}
	return slices.Compact(ids)
}

// linkedTo shows the associations to the named types.
func (a *Account) linkedTo(o *object, types []string) map[string]linked {
	all := map[string]linked{}
	for _, name := range types {
		if t := typeNamed(name); t != nil {
			var out linked
			for _, id := range a.related(o, t) {
				out.Results = append(out.Results, linkedRecord{id, o.typ.singular + "_to_" + t.singular})
			}
			if out.Results != nil {
				all[t.plural] = out
			}
		}
	}
	return all
}
