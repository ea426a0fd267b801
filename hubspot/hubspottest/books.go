package hubspottest

import "slices"

// Object returns the set values of a live record. The id of a merged record leads to its survivor.
func (a *Account) Object(objectType, id string) (map[string]string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live(objectType, id)
	if err != nil {
		return nil, false
	}
	return o.values(), true
}

// Objects returns the set values of all live records of a type by id.
func (a *Account) Objects(objectType string) map[string]map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := map[string]map[string]string{}
	for _, o := range a.in(objectType).order {
		if o.live() {
			all[o.key()] = o.values()
		}
	}
	return all
}

// HistoryOf returns the values a property of a live record had, oldest first.
func (a *Account) HistoryOf(objectType, id, property string) []Revision {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live(objectType, id)
	if err != nil {
		return nil
	}
	return slices.Clone(o.history[property])
}

// Contact is Object for contacts.
func (a *Account) Contact(id string) (map[string]string, bool) { return a.Object("contacts", id) }

// Contacts is Objects for contacts.
func (a *Account) Contacts() map[string]map[string]string { return a.Objects("contacts") }

// History is HistoryOf for contacts.
func (a *Account) History(id, property string) []Revision {
	return a.HistoryOf("contacts", id, property)
}

// WriteCountOf is how often the account's own app changed a property of a record; "" counts all properties or records.
func (a *Account) WriteCountOf(objectType, id, property string) int {
	return a.sum(objectType, id, property, false)
}

// NoopCountOf is how often the account's own app wrote a property the value it already had; "" counts all.
func (a *Account) NoopCountOf(objectType, id, property string) int {
	return a.sum(objectType, id, property, true)
}

// WriteCount is WriteCountOf for contacts.
func (a *Account) WriteCount(id, property string) int {
	return a.WriteCountOf("contacts", id, property)
}

// NoopCount is NoopCountOf for contacts.
func (a *Account) NoopCount(id, property string) int { return a.NoopCountOf("contacts", id, property) }

func (a *Account) sum(objectType, id, property string, noops bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	books := a.in(objectType).writes
	if noops {
		books = a.in(objectType).noops
	}
	total := 0
	for k, n := range books {
		if (id == "" || k.id == id) && (property == "" || k.property == property) {
			total += n
		}
	}
	return total
}

// ResetCounts forgets the counts of writes of all types.
func (a *Account) ResetCounts() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, st := range a.stores {
		clear(st.writes)
		clear(st.noops)
	}
}
