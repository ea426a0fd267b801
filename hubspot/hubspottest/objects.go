package hubspottest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// input is one record of a write call.
type input struct {
	ID           string             `json:"id"`
	IDProperty   string             `json:"idProperty"`
	Properties   values             `json:"properties"`
	Associations []associationInput `json:"associations"`
	TraceID      string             `json:"objectWriteTraceId"`
}

func (a *Account) create(q *request) response {
	var in input
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	d, bad := a.plan(q.store, nil, in, q.version, claims{})
	if bad != nil {
		return bad.response()
	}
	return response{http.StatusCreated, a.written(a.apply(d, q.actor), in.Properties)}
}

// written is the answer to a write: what was written and the default properties.
func (a *Account) written(o *object, v values) record {
	return a.record(o, view{properties: slices.Concat(o.typ.shown, slices.Sorted(maps.Keys(v)))})
}

// read answers one record by id, by the id of a record merged into it, or by a unique property.
func (a *Account) read(q *request) response {
	o, bad := one(q)
	if bad != nil {
		return *bad
	}
	return ok(a.record(o, q.view()))
}

// one finds the record a single call names.
func one(q *request) (*object, *response) {
	id, property := q.PathValue("id"), q.URL.Query().Get("idProperty")
	if property != "" && property != propID {
		return oneBy(q.store, property, id)
	}
	if q.archived() {
		if o := q.store.findArchived(id); o != nil {
			return o, nil
		}
	} else if o := q.store.find(id, true); o != nil {
		return o, nil
	}
	r := noSuchRecord(id)
	return nil, &r
}

func oneBy(st *store, property, value string) (*object, *response) {
	if !st.identifies(property) {
		r := st.nonUnique("read").response()
		return nil, &r
	}
	if o := st.findBy(property, value); o != nil {
		return o, nil
	}
	r := resourceNotFound()
	return nil, &r
}

func (st *store) nonUnique(verb string) *apiError {
	return invalid("Unable to perform %s by non-unique %s property", verb, st.typ.id)
}

func (a *Account) update(q *request) response {
	var in input
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	o, missing := one(q)
	if missing != nil {
		return *missing
	}
	d, bad := a.plan(q.store, o, in, q.version, claims{})
	if bad != nil {
		return bad.response()
	}
	return ok(a.written(a.apply(d, q.actor), in.Properties))
}

// archive moves a record to the recycle bin. Doing it twice is no error.
func (a *Account) archive(q *request) response {
	id := q.PathValue("id")
	n, numeric := parseID(id)
	if !numeric || q.store.byID[n] == nil {
		return noSuchRecord(id)
	}
	a.bin(q.store.byID[n], q.actor)
	return noContent()
}

// bin archives a live record and frees its unique values.
func (a *Account) bin(o *object, by Actor) {
	if !o.live() {
		return
	}
	o.store.unindex(o)
	o.archived = a.now()
	a.emit(by, o, deleted{})
}

// restore takes a record out of the recycle bin. A unique value that another one took in the meantime stays there.
func (a *Account) restore(o *object, by Actor) {
	o.archived = time.Time{}
	a.touch(o, by)
	o.store.index(o)
	a.emit(by, o, restored{})
}

// gdprDelete erases a contact for good. https://knowledge.hubspot.com/privacy-and-consent/how-do-i-perform-a-gdpr-delete-in-hubspot
func (a *Account) gdprDelete(q *request) response {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	if q.store.typ.plural != "contacts" {
		return resourceNotFound()
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	o := q.store.find(in.ObjectID, true)
	if in.IDProperty != "" {
		o = q.store.findBy(in.IDProperty, in.ObjectID)
	}
	if o != nil {
		a.erase(o, q.actor)
	}
	return noContent()
}

// erase removes a record and tells of it twice, in either order, as the vendor does.
func (a *Account) erase(o *object, by Actor) {
	o.store.remove(o)
	a.unlink(o, by)
	events := []event{privacyDeleted{}, deleted{}}
	if a.rand.IntN(2) == 0 {
		slices.Reverse(events)
	}
	for _, e := range events {
		a.emit(by, o, e)
	}
}

type page struct {
	Results []record `json:"results"`
	Paging  *paging  `json:"paging,omitempty"`
}

type paging struct {
	Next next `json:"next"`
}

type next struct {
	After string `json:"after"`
	Link  string `json:"link,omitempty"`
}

const (
	listDefault        = 10
	listMax            = 100
	listMaxWithHistory = 50
)

// list pages through all records by id; the cursor is the id to go on from.
func (a *Account) list(q *request) response {
	limit, v := listDefault, q.view()
	if text := q.URL.Query().Get("limit"); text != "" {
		limit, _ = strconv.Atoi(text)
	}
	most := listMax
	if len(v.history) > 0 {
		most = listMaxWithHistory
	}
	if limit < 1 || limit > most {
		return invalid("limit must be between 1 and %d.", most).response()
	}
	after, _ := parseID(q.URL.Query().Get("after"))
	out := page{Results: []record{}}
	for _, o := range q.store.order[q.store.position(after):] {
		if o.live() == q.archived() {
			continue
		}
		if len(out.Results) == limit {
			out.Paging = &paging{next{o.key(), a.URL + q.URL.Path + "?after=" + o.key()}}
			break
		}
		out.Results = append(out.Results, a.record(o, v))
	}
	return ok(out)
}
