package hubspottest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (a *Account) merge(q *request) response {
	var in struct {
		Primary string `json:"primaryObjectId"`
		Other   string `json:"objectIdToMerge"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	o, err := a.join(q.store, in.Primary, in.Other, q.actor)
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		return refused.response()
	case err != nil:
		return invalid("%s", err.Error()).response()
	}
	return ok(a.record(o, view{}))
}

// join merges two records. Each value is the primary's, or the other's where the primary has none, with its own history;
// no propertyChange is sent. Both old ids lead to the survivor, which inherits the associations of both.
func (a *Account) join(st *store, primaryID, otherID string, by Actor) (*object, error) {
	primary, other := st.find(primaryID, true), st.find(otherID, true)
	if primary == nil || other == nil || primary == other {
		return nil, fmt.Errorf("cannot merge %s %s and %s: both must exist and differ", st.typ.plural, primaryID, otherID)
	}
	if primary.identities()+other.identities() >= maxIdentities {
		return nil, fail(http.StatusRequestURITooLong, "", "Cannot have more than 250 identities on a profile")
	}
	survivor := &object{store: st, id: primary.id, history: maps.Clone(primary.history), born: primary.born}
	if !a.opts.MergeKeepsPrimaryID {
		survivor.id = st.mint()
	}
	moved := adopt(survivor, other)
	st.remove(primary)
	st.remove(other)
	st.insert(survivor)
	a.stampMerge(survivor, primary, other, by)
	st.index(survivor)
	a.relink(primary, survivor)
	a.relink(other, survivor)
	a.emit(by, primary, merged{primary.id, other.id, survivor.id, moved})
	a.emit(by, other, deleted{})
	return survivor, nil
}

// maxIdentities is the number of other ids that can lead to a record.
// https://developers.hubspot.com/docs/api-reference/error-handling
const maxIdentities = 250

// identities is the number of other ids that lead to this record.
func (o *object) identities() int {
	ids := o.value(propMergedIDs)
	if ids == "" {
		return 0
	}
	return strings.Count(ids, ";") + 1
}

// adopt gives the survivor what only the other has, and counts it.
func adopt(survivor, other *object) int {
	own := append(survivor.typ.always(), propMergedIDs, propMoreEmails, propSource, propSourceID) // the merge computes these
	moved := 0
	for name, revisions := range other.history {
		if !slices.Contains(own, name) && survivor.value(name) == "" && other.value(name) != "" {
			survivor.history[name] = revisions
			moved++
		}
	}
	return moved
}

// stampMerge writes what the merge itself decides: ids, addresses, times, and where the old ids lead.
func (a *Account) stampMerge(survivor, primary, other *object, by Actor) {
	at := a.now()
	var ids []string
	for _, o := range []*object{primary, other} {
		if old := o.value(propMergedIDs); old != "" {
			ids = append(ids, strings.Split(old, ";")...)
		}
		if o.id != survivor.id {
			ids = append(ids, o.key())
			o.store.movedTo[o.id] = survivor.id
		}
	}
	addresses := slices.DeleteFunc(append(primary.emails(), other.emails()...), func(e string) bool { return e == survivor.value(propEmail) })
	by.Source = "MERGE_OBJECTS"
	survivor.set(propID, Revision{strconv.FormatInt(survivor.id, 10), at, by})
	survivor.set(propMergedIDs, Revision{strings.Join(ids, ";"), at, by})
	if len(addresses) > 0 && survivor.store.hasEmail() {
		survivor.set(propMoreEmails, Revision{strings.Join(addresses, ";"), at, by})
	}
	a.touch(survivor, by)
}
