package hubspottest

// Associate associates two live records as a user, without a label. It panics when they cannot be.
func (a *Account) Associate(fromType, fromID, toType, toID string) {
	a.AssociateAs(admin, fromType, fromID, toType, toID)
}

// AssociateAs is Associate by anyone: another user, a workflow, an import.
func (a *Account) AssociateAs(by Actor, fromType, fromID, toType, toID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from, to := a.both(fromType, fromID, toType, toID)
	if _, bad := a.linkPlainly(from, to, by); bad != nil {
		panic(bad)
	}
}

// Dissociate removes all associations of two live records as a user. It panics when one of them does not exist.
func (a *Account) Dissociate(fromType, fromID, toType, toID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from, to := a.both(fromType, fromID, toType, toID)
	a.sever(from, to, a.links[from][to], admin)
}

// DefineLabel makes a label as in the account's settings and returns the ids of its types, from the one object type to the
// other and back.
func (a *Account) DefineLabel(fromType, toType, name, label, inverseLabel string) (there, back int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.associations.define(a.in(fromType).typ, a.in(toType).typ, name, label, inverseLabel)
	return t.id, t.inverse.id
}

// Associated returns the ids of the live records of a type that a live record is associated with, in order.
func (a *Account) Associated(objectType, id, withType string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live(objectType, id)
	if err != nil {
		return nil
	}
	return keys(a.related(o, a.in(withType).typ))
}

func (a *Account) both(fromType, fromID, toType, toID string) (from, to *object) {
	from, err := a.live(fromType, fromID)
	must(err)
	to, err = a.live(toType, toID)
	must(err)
	return from, to
}

func keys(records []*object) []string {
	var ids []string
	for _, o := range records {
		ids = append(ids, o.key())
	}
	return ids
}
