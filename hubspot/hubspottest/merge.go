package hubspottest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) merge(q *request) response {
	var in struct {
		Primary string `json:"primaryObjectId"`
		Other   string `json:"objectIdToMerge"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	c, err := s.join(in.Primary, in.Other, q.actor)
	if err != nil {
		return invalid("%s", err.Error()).response()
	}
	return ok(s.record(c, view{}))
}

// join merges two contacts. Each value is the primary's, or the other's where the primary has none, with its own history;
// no propertyChange is sent. Both old ids lead to the survivor.
func (s *Server) join(primaryID, otherID string, by Actor) (*contact, error) {
	primary, other := s.store.find(primaryID, true), s.store.find(otherID, true)
	if primary == nil || other == nil || primary == other {
		return nil, fmt.Errorf("cannot merge contacts %s and %s: both must exist and differ", primaryID, otherID)
	}
	survivor := &contact{id: primary.id, history: maps.Clone(primary.history), created: primary.created}
	if !s.opts.MergeKeepsPrimaryID {
		survivor.id = s.store.mint()
	}
	moved := adopt(survivor, other)
	s.store.remove(primary)
	s.store.remove(other)
	s.store.insert(survivor)
	s.stampMerge(survivor, primary, other, by)
	s.store.index(survivor)
	s.emit(by, primary.id, merged{primary.id, other.id, survivor.id, moved})
	s.emit(by, other.id, deleted{})
	return survivor, nil
}

// ownedBySimulator are the properties that a merge computes instead of moving.
var ownedBySimulator = []string{propID, propCreated, propModified, propMergedIDs, propMoreEmails, propSource, propSourceID}

// adopt gives the survivor what only the other has, and counts it.
func adopt(survivor, other *contact) int {
	moved := 0
	for name, revisions := range other.history {
		if !slices.Contains(ownedBySimulator, name) && survivor.value(name) == "" && other.value(name) != "" {
			survivor.history[name] = revisions
			moved++
		}
	}
	return moved
}

// stampMerge writes what the merge itself decides: ids, addresses, times, and where the old ids lead.
func (s *Server) stampMerge(survivor, primary, other *contact, by Actor) {
	at := s.now()
	var ids []string
	for _, c := range []*contact{primary, other} {
		if old := c.value(propMergedIDs); old != "" {
			ids = append(ids, strings.Split(old, ";")...)
		}
		if c.id != survivor.id {
			ids = append(ids, c.key())
			s.store.movedTo[c.id] = survivor.id
		}
	}
	addresses := slices.DeleteFunc(append(primary.emails(), other.emails()...), func(e string) bool { return e == survivor.value(propEmail) })
	by.Source = "MERGE_OBJECTS"
	survivor.set(propID, Revision{strconv.FormatInt(survivor.id, 10), at, by})
	survivor.set(propMergedIDs, Revision{strings.Join(ids, ";"), at, by})
	if len(addresses) > 0 {
		survivor.set(propMoreEmails, Revision{strings.Join(addresses, ";"), at, by})
	}
	s.touch(survivor, by)
}
