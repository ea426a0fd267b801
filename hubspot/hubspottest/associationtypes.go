package hubspottest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	hubspotDefined = "HUBSPOT_DEFINED"
	userDefined    = "USER_DEFINED"
)

// associationType is what an association means, seen from one side. Its inverse is what it means from the other.
type associationType struct {
	category string
	id       int
	from, to *objectType
	label    string // "" for the plain types that say only that two records belong together
	name     string // in records that are read with their associations: note_to_contact
	primary  bool
	inverse  *associationType
}

// associationSpec names a type on the wire.
type associationSpec struct {
	Category string `json:"associationCategory"`
	TypeID   int    `json:"associationTypeId"`
}

func (s associationSpec) String() string { return fmt.Sprintf("%s=%d", s.Category, s.TypeID) }

func (t *associationType) spec() associationSpec { return associationSpec{t.category, t.id} }

// plain reports whether the type carries no label: the one that every associated pair has.
func (t *associationType) plain() bool { return t.label == "" && !t.primary }

// typeWire is a type as reads and label calls show it.
type typeWire struct {
	Category string  `json:"category"`
	TypeID   int     `json:"typeId"`
	Label    *string `json:"label"`
}

func (t *associationType) wire() typeWire {
	return typeWire{t.category, t.id, orNull(t.label)}
}

// stockAssociations are the vendor's own types with their inverses.
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
var stockAssociations = []struct {
	from, to    string
	id, inverse int
	label       string
}{
	{"note", "contact", 202, 201, ""}, {"note", "deal", 214, 213, ""}, {"note", "company", 190, 189, ""},
	{"task", "contact", 204, 203, ""}, {"task", "deal", 216, 215, ""}, {"task", "company", 192, 191, ""},
	{"meeting", "contact", 200, 199, ""}, {"meeting", "deal", 212, 211, ""}, {"meeting", "company", 188, 187, ""},
	{"communication", "contact", 81, 82, ""}, {"communication", "deal", 85, 86, ""}, {"communication", "company", 87, 88, ""},
	{"deal", "contact", 3, 4, ""}, {"deal", "company", 341, 342, ""}, {"deal", "company", 5, 6, "Primary"},
	{"contact", "company", 279, 280, ""}, {"contact", "company", 1, 2, "Primary"},
	{"contact", "contact", 449, 449, ""}, {"deal", "deal", 451, 451, ""},
}

// companies can be associated by type, but none exist.
var companies = &objectType{plural: "companies", singular: "company", id: "0-2", legacy: "COMPANY"}

// sideNamed is the object type of one side of an association.
func sideNamed(name string) *objectType { return or(typeNamed(name), companies) }

// associationTypes are the types an account knows: the vendor's and its own labels.
type associationTypes struct {
	all    []*associationType
	lastID int // of the account's own
}

func newAssociationTypes() *associationTypes {
	ts := &associationTypes{}
	for _, row := range stockAssociations {
		from, to := sideNamed(row.from), sideNamed(row.to)
		there := &associationType{category: hubspotDefined, id: row.id, from: from, to: to, label: row.label}
		back := &associationType{category: hubspotDefined, id: row.inverse, from: to, to: from, label: row.label}
		ts.add(there, back)
	}
	return ts
}

// add takes a type and its inverse; a type that reads the same both ways is its own.
func (ts *associationTypes) add(there, back *associationType) {
	if *there == *back {
		back = there
		ts.all = append(ts.all, there)
	} else {
		ts.all = append(ts.all, there, back)
	}
	there.inverse, back.inverse = back, there
	for _, t := range []*associationType{there, back} {
		t.primary = t.category == hubspotDefined && t.label != ""
		t.name = or(t.name, t.from.word()+"_to_"+t.to.word())
	}
}

// define adds a label of the account's own, with an id for each direction. "" lets the inverse have the same label.
func (ts *associationTypes) define(from, to *objectType, name, label, inverseLabel string) *associationType {
	ts.lastID += 2
	there := &associationType{category: userDefined, id: ts.lastID - 1, from: from, to: to, label: label, name: name}
	back := &associationType{category: userDefined, id: ts.lastID, from: to, to: from, label: or(inverseLabel, label), name: name}
	ts.add(there, back)
	return there
}

// remove forgets a type and its inverse.
func (ts *associationTypes) remove(t *associationType) {
	ts.all = slices.DeleteFunc(ts.all, func(x *associationType) bool { return x == t || x == t.inverse })
}

// find returns the type a spec names; nil when there is none.
func (ts *associationTypes) find(s associationSpec) *associationType {
	for _, t := range ts.all {
		if t.spec() == s {
			return t
		}
	}
	return nil
}

// between are the types from one object type to another, by id.
func (ts *associationTypes) between(from, to *objectType) []*associationType {
	var found []*associationType
	for _, t := range ts.all {
		if t.from == from && t.to == to {
			found = append(found, t)
		}
	}
	slices.SortFunc(found, func(a, b *associationType) int { return cmp.Compare(a.id, b.id) })
	return found
}

// plain returns the unlabelled type from one object type to another; nil when such records cannot be associated.
func (ts *associationTypes) plain(from, to *objectType) *associationType {
	for _, t := range ts.between(from, to) {
		if t.plain() {
			return t
		}
	}
	return nil
}

// word is the type's name in the names of associations.
func (t *objectType) word() string { return strings.ToLower(t.legacy) }
