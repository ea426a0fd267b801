package hubspottest

import (
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// contact is one record. Its values are the newest revisions of its history.
type contact struct {
	id       int64
	history  map[string][]Revision // oldest first
	created  time.Time
	updated  time.Time
	archived time.Time // zero while live
}

func (c *contact) key() string { return strconv.FormatInt(c.id, 10) }

func (c *contact) live() bool { return c.archived.IsZero() }

// value is the present value of a property, "" when unset.
func (c *contact) value(property string) string { return c.valueAt(property, time.Time{}) }

// valueAt is the value a property had at a time; the zero time means now.
func (c *contact) valueAt(property string, at time.Time) string {
	if from, ok := calculated[property]; ok {
		return searchablePhone(c.valueAt(from, at))
	}
	all := c.history[property]
	for i := len(all) - 1; i >= 0; i-- {
		if at.IsZero() || !all[i].At.After(at) {
			return all[i].Value
		}
	}
	return ""
}

func (c *contact) set(property string, r Revision) {
	c.history[property] = append(c.history[property], r)
}

// emails are all addresses of the contact, the primary one first.
func (c *contact) emails() []string {
	return emailsOf(c.value(propEmail), c.value(propMoreEmails))
}

func emailsOf(primary, additional string) []string {
	var all []string
	for _, e := range append([]string{primary}, strings.Split(additional, ";")...) {
		if e = foldEmail(e); e != "" {
			all = append(all, e)
		}
	}
	return all
}

// store holds the contacts and the index of their unique values.
type store struct {
	schema  *schema
	nextID  int64
	byID    map[int64]*contact
	order   []*contact // by id
	unique  map[uniqueValue]int64
	movedTo map[int64]int64 // ids of merged records
	writes  map[writeKey]int
	noops   map[writeKey]int
}

type uniqueValue struct{ property, value string }

type writeKey struct{ id, property string }

const firstID = 106_314_000_001 // larger than 32 bits, as the vendor's are

func newStore(schema *schema) *store {
	return &store{
		schema: schema, nextID: firstID,
		byID: map[int64]*contact{}, unique: map[uniqueValue]int64{}, movedTo: map[int64]int64{},
		writes: map[writeKey]int{}, noops: map[writeKey]int{},
	}
}

func (st *store) mint() int64 {
	id := st.nextID
	st.nextID++
	return id
}

func (st *store) insert(c *contact) {
	st.byID[c.id] = c
	st.order = slices.Insert(st.order, st.position(c.id), c)
}

// position is where in the order the first id of at least n stands.
func (st *store) position(n int64) int {
	return sort.Search(len(st.order), func(i int) bool { return st.order[i].id >= n })
}

func (st *store) remove(c *contact) {
	st.unindex(c)
	delete(st.byID, c.id)
	st.order = slices.DeleteFunc(st.order, func(x *contact) bool { return x == c })
}

// find returns the live contact of an id; follow resolves the ids of merged records.
func (st *store) find(id string, follow bool) *contact {
	n, ok := parseID(id)
	if !ok {
		return nil
	}
	for next, moved := st.movedTo[n]; moved && follow; next, moved = st.movedTo[n] {
		n = next
	}
	if c := st.byID[n]; c != nil && c.live() {
		return c
	}
	return nil
}

// findBy returns the live contact that holds a unique value. An email matches additional addresses too.
func (st *store) findBy(property, value string) *contact {
	return st.byID[st.unique[uniqueKey(property, value)]]
}

func uniqueKey(property, value string) uniqueValue {
	return uniqueValue{property, foldEmail(value)}
}

// keys are the unique values a contact with these values would hold.
func (st *store) keys(value func(property string) string) []uniqueValue {
	var all []uniqueValue
	for _, e := range emailsOf(value(propEmail), value(propMoreEmails)) {
		all = append(all, uniqueKey(propEmail, e))
	}
	for _, name := range st.schema.unique {
		if v := value(name); v != "" {
			all = append(all, uniqueKey(name, v))
		}
	}
	return all
}

func (st *store) index(c *contact) {
	for _, k := range st.keys(c.value) {
		if _, taken := st.unique[k]; !taken {
			st.unique[k] = c.id
		}
	}
}

func (st *store) unindex(c *contact) {
	for _, k := range st.keys(c.value) {
		if st.unique[k] == c.id {
			delete(st.unique, k)
		}
	}
}

func parseID(id string) (int64, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	return n, err == nil && n >= 0
}
