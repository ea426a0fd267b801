package hubspottest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Owner is a person who can own records, in the vendor's wire shape. ID is what hubspot_owner_id holds; UserID is not.
// https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide
type Owner struct {
	ID        string `json:"id"`
	Email     string `json:"email"`
	Type      string `json:"type"` // PERSON or QUEUE; "" means PERSON
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	UserID    int64  `json:"userId,omitempty"` // archived owners have none
	OldUserID int64  `json:"userIdIncludingInactive,omitempty"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`
	Archived  bool   `json:"archived"`
}

// stockOwners are the people of an account whose Options name none.
func stockOwners() []Owner {
	return []Owner{
		{ID: "41629779", Email: "laura.gomez@example.com", FirstName: "Laura", LastName: "Gómez", UserID: 9586504},
		{ID: "41629780", Email: "mateo.rios@example.com", FirstName: "Mateo", LastName: "Ríos", UserID: 9586505},
	}
}

// newOwners fills in what the host application left out, by id.
func newOwners(seeds []Owner) []Owner {
	if seeds == nil {
		seeds = stockOwners()
	}
	all := slices.Clone(seeds)
	for i, o := range all {
		o.Type = or(o.Type, "PERSON")
		o.OldUserID = or(o.OldUserID, o.UserID)
		o.CreatedAt, o.UpdatedAt = or(o.CreatedAt, epoch), or(o.UpdatedAt, epoch)
		if o.Archived {
			o.UserID = 0
		}
		all[i] = o
	}
	slices.SortFunc(all, func(a, b Owner) int { return compareIDs(a.ID, b.ID) })
	return all
}

func compareIDs(a, b string) int {
	x, _ := parseID(a)
	y, _ := parseID(b)
	return cmp.Compare(x, y)
}

func (a *Account) ownerRoutes(version string) []route {
	base := crm("owners", version)
	return []route{
		{pattern: "GET " + base, handle: a.listOwners},
		{pattern: "GET " + base + "/{$}", handle: a.listOwners}, // as HubSpot's own client writes it
		{pattern: "GET " + base + "/{id}", handle: a.readOwner},
	}
}

const maxOwners = 500 // owners in a page

// listOwners pages through the owners by id; the cursor is the id to go on from.
func (a *Account) listOwners(q *request) response {
	limit, query := 100, q.URL.Query()
	if text := query.Get("limit"); text != "" {
		limit, _ = strconv.Atoi(text)
	}
	if limit < 1 || limit > maxOwners {
		return invalid("limit must be between 1 and %d.", maxOwners).response()
	}
	out := struct {
		Results []Owner `json:"results"`
		Paging  *paging `json:"paging,omitempty"`
	}{Results: []Owner{}}
	for _, o := range a.owners {
		switch {
		case o.Archived != q.archived() || compareIDs(o.ID, query.Get("after")) < 0:
		case query.Has("email") && !strings.EqualFold(o.Email, query.Get("email")):
		case len(out.Results) == limit:
			out.Paging = &paging{next{After: o.ID}}
			return ok(out)
		default:
			out.Results = append(out.Results, o)
		}
	}
	return ok(out)
}

// readOwner finds an owner by its id, or by the id of its user.
func (a *Account) readOwner(q *request) response {
	id, by := q.PathValue("id"), q.URL.Query().Get("idProperty")
	for _, o := range a.owners {
		named := o.ID
		if by == "userId" {
			named = strconv.FormatInt(o.OldUserID, 10)
		}
		if named == id && o.Archived == q.archived() {
			return response{http.StatusOK, o}
		}
	}
	return resourceNotFound()
}

// Owners returns the people who can own records, by id.
func (a *Account) Owners() []Owner {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.owners)
}

// AddOwner adds a person who can own records, or replaces the one with the same ID.
func (a *Account) AddOwner(o Owner) {
	a.mu.Lock()
	defer a.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(a.owners), func(x Owner) bool { return x.ID == o.ID })
	a.owners = newOwners(append(others, o))
}
