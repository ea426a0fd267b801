package hubspottest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// input is one record of a write call.
type input struct {
	ID         string `json:"id"`
	IDProperty string `json:"idProperty"`
	Properties values `json:"properties"`
	TraceID    string `json:"objectWriteTraceId"`
}

func (s *Server) create(q *request) response {
	var in input
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	d, bad := s.plan(nil, in.Properties, q.version, claims{})
	if bad != nil {
		return bad.response()
	}
	return response{http.StatusCreated, s.written(s.apply(d, q.actor), in.Properties)}
}

// written is the answer to a write: what was written and the default properties.
func (s *Server) written(c *contact, v values) record {
	return s.record(c, view{properties: slices.Concat(shownByDefault, slices.Sorted(maps.Keys(v)))})
}

// read answers one contact by id, by the id of a record merged into it, or by a unique property.
func (s *Server) read(q *request) response {
	c, bad := s.one(q)
	if bad != nil {
		return *bad
	}
	return ok(s.record(c, q.view()))
}

// one finds the contact a single call names.
func (s *Server) one(q *request) (*contact, *response) {
	id, property := q.PathValue("id"), q.URL.Query().Get("idProperty")
	if property != "" && property != propID {
		return s.oneBy(property, id)
	}
	if q.archived() {
		if n, ok := parseID(id); ok && s.store.byID[n] != nil && !s.store.byID[n].live() {
			return s.store.byID[n], nil
		}
	} else if c := s.store.find(id, true); c != nil {
		return c, nil
	}
	r := noSuchContact(id)
	return nil, &r
}

func (s *Server) oneBy(property, value string) (*contact, *response) {
	if property != propEmail && !s.schema.isKey(property) {
		r := nonUnique("read").response()
		return nil, &r
	}
	if c := s.store.findBy(property, value); c != nil {
		return c, nil
	}
	r := resourceNotFound()
	return nil, &r
}

func nonUnique(verb string) *apiError {
	return invalid("Unable to perform %s by non-unique %s property", verb, objectTypeID)
}

func (s *Server) update(q *request) response {
	var in input
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	c, missing := s.one(q)
	if missing != nil {
		return *missing
	}
	d, bad := s.plan(c, in.Properties, q.version, claims{})
	if bad != nil {
		return bad.response()
	}
	return ok(s.written(s.apply(d, q.actor), in.Properties))
}

// archive moves a contact to the recycle bin. Doing it twice is no error.
func (s *Server) archive(q *request) response {
	n, numeric := parseID(q.PathValue("id"))
	if !numeric || s.store.byID[n] == nil {
		return noSuchContact(q.PathValue("id"))
	}
	s.bin(s.store.byID[n], q.actor)
	return noContent()
}

// bin archives a live contact and frees its unique values.
func (s *Server) bin(c *contact, by Actor) {
	if !c.live() {
		return
	}
	s.store.unindex(c)
	c.archived = s.now()
	s.emit(by, c.id, deleted{})
}

// gdprDelete erases a contact for good. https://knowledge.hubspot.com/privacy-and-consent/how-do-i-perform-a-gdpr-delete-in-hubspot
func (s *Server) gdprDelete(q *request) response {
	var in struct {
		ObjectID   string `json:"objectId"`
		IDProperty string `json:"idProperty"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	c := s.store.find(in.ObjectID, true)
	if in.IDProperty != "" {
		c = s.store.findBy(in.IDProperty, in.ObjectID)
	}
	if c != nil {
		s.erase(c, q.actor)
	}
	return noContent()
}

// erase removes a contact and tells of it twice, as the vendor does.
func (s *Server) erase(c *contact, by Actor) {
	s.store.remove(c)
	s.emit(by, c.id, privacyDeleted{})
	s.emit(by, c.id, deleted{})
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

// list pages through all contacts by id; the cursor is the id to go on from.
func (s *Server) list(q *request) response {
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
	for _, c := range s.store.order[s.store.position(after):] {
		if c.live() == q.archived() {
			continue
		}
		if len(out.Results) == limit {
			out.Paging = &paging{next{c.key(), s.URL + q.URL.Path + "?after=" + c.key()}}
			break
		}
		out.Results = append(out.Results, s.record(c, v))
	}
	return ok(out)
}
