package hubspottest

import (
	"cmp"
	"maps"
	"slices"
)

// links are the associations between records, each kept from both sides: links[a][b] are the types from a to b.
type links map[*object]map[*object][]*associationType

// add associates two records by a type; false when they are already.
func (l links) add(from, to *object, t *associationType) bool {
	if slices.Contains(l[from][to], t) {
		return false
	}
	l.put(from, to, t)
	l.put(to, from, t.inverse)
	return true
}

func (l links) put(from, to *object, t *associationType) {
	if l[from] == nil {
		l[from] = map[*object][]*associationType{}
	}
	types := append(slices.Clone(l[from][to]), t)
	slices.SortFunc(types, func(a, b *associationType) int { return cmp.Compare(a.id, b.id) })
	l[from][to] = slices.Compact(types)
}

// drop takes a type away from two associated records; false when they are not associated by it.
func (l links) drop(from, to *object, t *associationType) bool {
	if !slices.Contains(l[from][to], t) {
		return false
	}
	l.cut(from, to, t)
	l.cut(to, from, t.inverse)
	return true
}

func (l links) cut(from, to *object, t *associationType) {
	left := slices.DeleteFunc(slices.Clone(l[from][to]), func(x *associationType) bool { return x == t })
	if len(left) > 0 {
		l[from][to] = left
		return
	}
	delete(l[from], to)
	if len(l[from]) == 0 {
		delete(l, from)
	}
}

// of are the records that a record is associated with, by type and id.
func (l links) of(o *object) []*object {
	return slices.SortedFunc(maps.Keys(l[o]), func(a, b *object) int {
		return cmp.Or(cmp.Compare(a.typ.id, b.typ.id), cmp.Compare(a.id, b.id))
	})
}
