package hubspottest

import "fmt"

// admin is the person who works in the account's user interface.
var admin = User(1)

// CreateObject makes a record of a type as a user and returns its id. It panics when the account would refuse it; see
// CreateObjectAs.
func (a *Account) CreateObject(objectType string, props map[string]string) string {
	id, err := a.CreateObjectAs(admin, objectType, props)
	must(err)
	return id
}

// CreateObjectAs makes a record of a type as anyone and returns its id.
func (a *Account) CreateObjectAs(by Actor, objectType string, props map[string]string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, bad := a.plan(a.in(objectType), nil, input{Properties: props}, "", claims{})
	if bad != nil {
		return "", bad
	}
	return a.apply(d, by).key(), nil
}

// EditObject changes a record as a user; "" clears. It panics when the account would refuse it; see EditObjectAs.
func (a *Account) EditObject(objectType, id string, props map[string]string) {
	must(a.EditObjectAs(admin, objectType, id, props))
}

// EditObjectAs changes a record as anyone: another user, a workflow, an import.
func (a *Account) EditObjectAs(by Actor, objectType, id string, props map[string]string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live(objectType, id)
	if err != nil {
		return err
	}
	d, bad := a.plan(o.store, o, input{Properties: props}, "", claims{})
	if bad != nil {
		return bad
	}
	a.apply(d, by)
	return nil
}

// ArchiveObject moves a record to the recycle bin as a user. It panics when there is none.
func (a *Account) ArchiveObject(objectType, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live(objectType, id)
	must(err)
	a.bin(o, admin)
}

// RestoreObject takes a record out of the recycle bin as a user. It panics when it is not there.
func (a *Account) RestoreObject(objectType, id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.in(objectType).findArchived(id)
	if o == nil {
		panic(absent(objectType, id))
	}
	a.restore(o, admin)
}

// MergeObjects merges the other record into the primary one as a user and returns the id of the survivor, which is a new
// one unless Options say otherwise. It panics when one of them does not exist.
func (a *Account) MergeObjects(objectType, primary, other string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.join(a.in(objectType), primary, other, admin)
	must(err)
	return o.key()
}

// Erase deletes a contact for good, as a privacy request does. It panics when there is none.
func (a *Account) Erase(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, err := a.live("contacts", id)
	must(err)
	a.erase(o, admin)
}

// Create is CreateObject for contacts.
func (a *Account) Create(props map[string]string) string { return a.CreateObject("contacts", props) }

// CreateAs is CreateObjectAs for contacts.
func (a *Account) CreateAs(by Actor, props map[string]string) (string, error) {
	return a.CreateObjectAs(by, "contacts", props)
}

// Edit is EditObject for contacts.
func (a *Account) Edit(id string, props map[string]string) { a.EditObject("contacts", id, props) }

// EditAs is EditObjectAs for contacts.
func (a *Account) EditAs(by Actor, id string, props map[string]string) error {
	return a.EditObjectAs(by, "contacts", id, props)
}

// Archive is ArchiveObject for contacts.
func (a *Account) Archive(id string) { a.ArchiveObject("contacts", id) }

// Restore is RestoreObject for contacts.
func (a *Account) Restore(id string) { a.RestoreObject("contacts", id) }

// Merge is MergeObjects for contacts.
func (a *Account) Merge(primary, other string) string {
	return a.MergeObjects("contacts", primary, other)
}

// live finds a live record by its id or by that of a record merged into it. The lock is held.
func (a *Account) live(objectType, id string) (*object, error) {
	if o := a.in(objectType).find(id, true); o != nil {
		return o, nil
	}
	return nil, absent(objectType, id)
}

func absent(objectType, id string) error {
	return fmt.Errorf("hubspottest: no %s %s in that state", objectType, id)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
