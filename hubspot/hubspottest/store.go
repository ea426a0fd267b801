package hubspottest

import (
	"slices"
	"sort"
	"strconv"
)

// store holds the records of one type and the index of their unique values.
type store struct {
	typ     *objectType
	schema  *schema
	nextID  int64
	byID    map[int64]*object
	order   []*object // by id
	unique  map[uniqueValue]int64
	movedTo map[int64]int64 // ids of merged records
	writes  map[writeKey]int
	noops   map[writeKey]int
}

type uniqueValue struct{ property, value string }

type writeKey struct{ id, property string }

func newStore(typ *objectType) *store {
	return &store{
		typ: typ, schema: newSchema(typ), nextID: typ.firstID,
		byID: map[int64]*object{}, unique: map[uniqueValue]int64{}, movedTo: map[int64]int64{},
		writes: map[writeKey]int{}, noops: map[writeKey]int{},
	}
}

func newStores() map[*objectType]*store {
	all := map[*objectType]*store{}
	for _, t := range objectTypes {
		all[t] = newStore(t)
	}
	return all
}

func (st *store) mint() int64 {
	id := st.nextID
	st.nextID++
	return id
}

func (st *store) insert(o *object) {
	st.byID[o.id] = o
	st.order = slices.Insert(st.order, st.position(o.id), o)
}

// position is where in the order the first id of at least n stands.
func (st *store) position(n int64) int {
	return sort.Search(len(st.order), func(i int) bool { return st.order[i].id >= n })
}

func (st *store) remove(o *object) {
	st.unindex(o)
	delete(st.byID, o.id)
	st.order = slices.DeleteFunc(st.order, func(x *object) bool { return x == o })
}

// find returns the live record of an id; follow resolves the ids of merged records.
func (st *store) find(id string, follow bool) *object {
	n, ok := parseID(id)
	if !ok {
		return nil
	}
	for next, moved := st.movedTo[n]; moved && follow; next, moved = st.movedTo[n] {
		n = next
	}
	if o := st.byID[n]; o != nil && o.live() {
		return o
	}
	return nil
}

// findArchived returns the record of an id that is in the recycle bin.
func (st *store) findArchived(id string) *object {
	if n, ok := parseID(id); ok && st.byID[n] != nil && !st.byID[n].live() {
		return st.byID[n]
	}
	return nil
}

// findBy returns the live record that holds a unique value. An email matches additional addresses too.
func (st *store) findBy(property, value string) *object {
	return st.byID[st.unique[uniqueKey(property, value)]]
}

// identifies reports whether the property names one record: a unique one, or the email of contacts.
func (st *store) identifies(property string) bool {
	return st.schema.isKey(property) || property == propEmail && st.hasEmail()
}

// hasEmail reports whether the type has the vendor's own email property, which is unique in its own way.
func (st *store) hasEmail() bool {
	p := st.schema.properties[propEmail]
	return p != nil && p.HubspotDefined
}

func uniqueKey(property, value string) uniqueValue {
	return uniqueValue{property, foldEmail(value)}
}

// keys are the unique values a record with these values would hold.
func (st *store) keys(value func(property string) string) []uniqueValue {
	var all []uniqueValue
	if st.hasEmail() {
		for _, e := range emailsOf(value(propEmail), value(propMoreEmails)) {
			all = append(all, uniqueKey(propEmail, e))
		}
	}
	for _, name := range st.schema.unique {
		if v := value(name); v != "" {
			all = append(all, uniqueKey(name, v))
		}
	}
	return all
}

func (st *store) index(o *object) {
	for _, k := range st.keys(o.value) {
		if _, taken := st.unique[k]; !taken {
			st.unique[k] = o.id
		}
	}
}

func (st *store) unindex(o *object) {
	for _, k := range st.keys(o.value) {
		if st.unique[k] == o.id {
			delete(st.unique, k)
		}
	}
}

func parseID(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n >= 0
}
