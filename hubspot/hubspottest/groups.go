package hubspottest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// Group gathers properties in the user interface.
type Group struct {
	Name         string `json:"name"`
	Label        string `json:"label"`
	DisplayOrder int    `json:"displayOrder"`
	Archived     bool   `json:"archived"`
}

func (a *Account) listGroups(q *request) response {
	all := []*Group{}
	for _, name := range slices.Sorted(maps.Keys(q.store.schema.groups)) {
		if g := q.store.schema.groups[name]; g.Archived == q.archived() {
			all = append(all, g)
		}
	}
	return ok(results{all})
}

// group finds the group the path names.
func (q *request) group() (*Group, *response) {
	if g := q.store.schema.groups[q.PathValue("name")]; g != nil && g.Archived == q.archived() {
		return g, nil
	}
	r := resourceNotFound()
	return nil, &r
}

func (a *Account) readGroup(q *request) response {
	g, missing := q.group()
	if missing != nil {
		return *missing
	}
	return ok(g)
}

func (a *Account) createGroup(q *request) response {
	var g Group
	if bad := q.decode(&g); bad != nil {
		return *bad
	}
	if old := q.store.schema.groups[g.Name]; old != nil && !old.Archived {
		return failure(http.StatusConflict, "CONFLICT", fmt.Sprintf("A property group named '%s' already exists.", g.Name))
	}
	if !propertyName.MatchString(g.Name) || g.Label == "" {
		return invalid("The property group %q lacks a valid name or a label.", g.Name).response()
	}
	g.Archived = false
	q.store.schema.groups[g.Name] = &g
	return response{http.StatusCreated, &g}
}

// updateGroup changes the label and the order; the name stays.
func (a *Account) updateGroup(q *request) response {
	g, missing := q.group()
	if missing != nil {
		return *missing
	}
	changed := *g
	if bad := q.decode(&changed); bad != nil {
		return *bad
	}
	g.Label, g.DisplayOrder = changed.Label, changed.DisplayOrder
	return ok(g)
}

// archiveGroup moves a group without live properties out of sight.
func (a *Account) archiveGroup(q *request) response {
	g, missing := q.group()
	if missing != nil {
		return *missing
	}
	for _, p := range q.store.schema.properties {
		if p.GroupName == g.Name && !p.Archived {
			return invalid("The property group %q still has properties.", g.Name).response()
		}
	}
	g.Archived = true
	return noContent()
}
