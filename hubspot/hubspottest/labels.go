package hubspottest

import (
	"net/http"
	"strconv"
)

// listLabels answers all types of association from one object type to another.
func (a *Account) listLabels(q *request) response {
	to, bad := q.far()
	if bad != nil {
		return *bad
	}
	return ok(results{wires(a.associations.between(q.store.typ, to)...)})
}

func wires(types ...*associationType) []typeWire {
	out := []typeWire{}
	for _, t := range types {
		out = append(out, t.wire())
	}
	return out
}

// createLabel makes a type with a label and answers both of its directions.
func (a *Account) createLabel(q *request) response {
	var in struct {
		Name         string `json:"name"`
		Label        string `json:"label"`
		InverseLabel string `json:"inverseLabel"`
	}
	to, bad := q.far()
	if bad == nil {
		bad = q.decode(&in)
	}
	if bad != nil {
		return *bad
	}
	if !propertyName.MatchString(in.Name) || in.Label == "" { // the vendor's words are not published
		return invalid("The association label %q lacks a valid name or a label.", in.Name).response()
	}
	t := a.associations.define(q.store.typ, to, in.Name, in.Label, in.InverseLabel)
	return ok(results{wires(t, t.inverse)})
}

// updateLabel renames a label of the account's own.
func (a *Account) updateLabel(q *request) response {
	var in struct {
		TypeID       int    `json:"associationTypeId"`
		Label        string `json:"label"`
		InverseLabel string `json:"inverseLabel"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	t := a.associations.find(associationSpec{userDefined, in.TypeID})
	if t == nil || t.from != q.store.typ {
		return resourceNotFound()
	}
	t.label = or(in.Label, t.label)
	t.inverse.label = or(in.InverseLabel, t.inverse.label)
	return noContent()
}

// archiveLabel removes a label of the account's own from all records that carry it. Doing it twice is no error.
func (a *Account) archiveLabel(q *request) response {
	id, _ := strconv.Atoi(q.PathValue("typeId"))
	if t := a.associations.find(associationSpec{userDefined, id}); t != nil {
		a.unlabel(t, q.actor)
		a.associations.remove(t)
	}
	return response{status: http.StatusNoContent}
}

// unlabel takes a type away from every pair that has it.
func (a *Account) unlabel(t *associationType, by Actor) {
	for _, from := range a.stores[t.from].order {
		for _, to := range a.links.of(from) {
			a.sever(from, to, []*associationType{t}, by)
		}
	}
}
