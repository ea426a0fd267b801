package hubspottest

import (
	"net/http"
	"strconv"
)

// associationRoutes are the calls about associations, which have stood under v4 since the dated versions' time.
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (a *Account) associationRoutes(version string) []route {
	if version == "v3" {
		version = "v4"
	}
	one := crm("objects", version) + "/{object}/{id}/associations"
	all := crm("associations", version) + "/{object}/{to}"
	return []route{
		{pattern: "PUT " + one + "/default/{to}/{toId}", handle: a.associateByDefault},
		{pattern: "PUT " + one + "/{to}/{toId}", handle: a.associateLabelled},
		{pattern: "GET " + one + "/{to}", handle: a.listAssociations},
		{pattern: "DELETE " + one + "/{to}/{toId}", handle: a.dissociate},
		{pattern: "POST " + all + "/batch/read", handle: a.batchReadAssociations},
		{pattern: "POST " + all + "/batch/create", handle: a.batchAssociate},
		{pattern: "POST " + all + "/batch/associate/default", handle: a.batchAssociateByDefault},
		{pattern: "POST " + all + "/batch/archive", handle: a.batchDissociate},
		{pattern: "POST " + all + "/batch/labels/archive", handle: a.batchUnlabel},
		{pattern: "GET " + all + "/labels", handle: a.listLabels},
		{pattern: "POST " + all + "/labels", handle: a.createLabel},
		{pattern: "PUT " + all + "/labels", handle: a.updateLabel},
		{pattern: "DELETE " + all + "/labels/{typeId}", handle: a.archiveLabel},
	}
}

// far is the object type that a path names as {to}.
func (q *request) far() (*objectType, *response) {
	if typ := typeNamed(q.PathValue("to")); typ != nil {
		return typ, nil
	}
	r := resourceNotFound()
	return nil, &r
}

// ends are the two records that the path names.
func (a *Account) ends(q *request) (from, to *object, bad *response) {
	typ, bad := q.far()
	if bad != nil {
		return nil, nil, bad
	}
	from, to, refused := a.pair(q.store.typ, q.PathValue("id"), typ, q.PathValue("toId"))
	if refused != nil {
		r := refused.response()
		return nil, nil, &r
	}
	return from, to, nil
}

func (a *Account) associateByDefault(q *request) response {
	from, to, bad := a.ends(q)
	if bad != nil {
		return *bad
	}
	both, refused := a.linkPlainly(from, to, q.actor)
	if refused != nil {
		return refused.response()
	}
	return a.envelope(http.StatusOK, both, nil)
}

// defaultAssociation is one direction of an unlabelled association in the answer to its making.
type defaultAssociation struct {
	From reference       `json:"from"`
	To   reference       `json:"to"`
	Spec associationSpec `json:"associationSpec"`
}

// linkPlainly associates two records without a label and shows both directions.
func (a *Account) linkPlainly(from, to *object, by Actor) ([]any, *apiError) {
	t := a.associations.plain(from.typ, to.typ)
	if t == nil { // the vendor's words are not published
		return nil, invalid("No default association type exists between %s and %s", from.typ.id, to.typ.id)
	}
	a.link(from, to, t, by)
	return []any{
		defaultAssociation{reference{from.key()}, reference{to.key()}, t.spec()},
		defaultAssociation{reference{to.key()}, reference{from.key()}, t.inverse.spec()},
	}, nil
}

func (a *Account) associateLabelled(q *request) response {
	var specs []associationSpec
	if bad := q.decode(&specs); bad != nil {
		return *bad
	}
	from, to, bad := a.ends(q)
	if bad != nil {
		return *bad
	}
	types, refused := a.joining(from.typ, to.typ, specs)
	if refused != nil {
		return refused.response()
	}
	return response{http.StatusCreated, a.label(from, to, types, q.actor)}
}

// labelled is the answer to a labelled association.
type labelled struct {
	FromTypeID string   `json:"fromObjectTypeId"`
	FromID     int64    `json:"fromObjectId"`
	ToTypeID   string   `json:"toObjectTypeId"`
	ToID       int64    `json:"toObjectId"`
	Labels     []string `json:"labels"`
}

// label associates two records by several types.
func (a *Account) label(from, to *object, types []*associationType, by Actor) labelled {
	out := labelled{from.typ.id, from.id, to.typ.id, to.id, []string{}}
	for _, t := range types {
		a.link(from, to, t, by)
		if t.label != "" {
			out.Labels = append(out.Labels, t.label)
		}
	}
	return out
}

// dissociate removes all associations of two records. Doing it twice is no error.
func (a *Account) dissociate(q *request) response {
	to, bad := q.far()
	if bad != nil {
		return *bad
	}
	from, other, refused := a.pair(q.store.typ, q.PathValue("id"), to, q.PathValue("toId"))
	if refused == nil {
		a.sever(from, other, a.links[from][other], q.actor)
	}
	return noContent()
}

// associated is one record that another is associated with.
type associated struct {
	ToObjectID int64      `json:"toObjectId"`
	Types      []typeWire `json:"associationTypes"`
}

const maxAssociated = 500 // records in a page of associations

// associatedPage is what a record is associated with from an id on; the cursor is the id to go on from.
func (a *Account) associatedPage(o *object, typ *objectType, after string, limit int) ([]associated, *paging) {
	from, _ := parseID(after)
	out := []associated{}
	for _, other := range a.related(o, typ) {
		if other.id < from {
			continue
		}
		if len(out) == limit {
			return out, &paging{next{After: other.key()}}
		}
		x := associated{ToObjectID: other.id}
		for _, t := range a.links[o][other] {
			x.Types = append(x.Types, t.wire())
		}
		out = append(out, x)
	}
	return out, nil
}

// listAssociations pages through what one record is associated with.
func (a *Account) listAssociations(q *request) response {
	to, bad := q.far()
	if bad != nil {
		return *bad
	}
	o := q.store.find(q.PathValue("id"), true)
	if o == nil {
		return noSuchRecord(q.PathValue("id"))
	}
	limit := maxAssociated
	if text := q.URL.Query().Get("limit"); text != "" {
		limit, _ = strconv.Atoi(text)
	}
	if limit < 1 || limit > maxAssociated {
		return invalid("limit must be between 1 and %d.", maxAssociated).response()
	}
	found, more := a.associatedPage(o, to, q.URL.Query().Get("after"), limit)
	return ok(struct {
		Results []associated `json:"results"`
		Paging  *paging      `json:"paging,omitempty"`
	}{found, more})
}
