package hubspottest

import (
	"maps"
	"slices"
	"strconv"
)

// journalSub is a subscription of the journal.
type journalSub struct {
	ID               int64    `json:"id"`
	AppID            int64    `json:"appId"`
	SubscriptionType string   `json:"subscriptionType"`
	PortalID         int64    `json:"portalId,omitempty"`
	ObjectTypeID     string   `json:"objectTypeId,omitempty"`
	OtherTypeIDs     []string `json:"associatedObjectTypeIds,omitempty"`
	Actions          []string `json:"actions,omitempty"`
	Properties       []string `json:"properties,omitempty"`
	ObjectIDs        []int64  `json:"objectIds,omitempty"`
	CreatedAt        string   `json:"createdAt"`
	UpdatedAt        string   `json:"updatedAt"`

	filters []*journalFilter
}

// journalActions are the actions each type of subscription knows. The types of lists and of the app's own life are
// accepted and never fire, because the account has neither.
var journalActions = map[string][]string{
	"OBJECT":                {"CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"},
	"ASSOCIATION":           {"ASSOCIATION_ADDED", "ASSOCIATION_REMOVED"},
	"GDPR_PRIVACY_DELETION": {"GDPR_DELETE"},
	"LIST_MEMBERSHIP":       {"ADDED_TO_LIST", "REMOVED_FROM_LIST"},
	"APP_LIFECYCLE_EVENT":   {},
}

// check refuses what cannot fire; the vendor's words are not published.
func (s *journalSub) check(in *Server) *apiError {
	actions, ok := journalActions[s.SubscriptionType]
	if !ok {
		return invalid("%q is not a known subscriptionType.", s.SubscriptionType)
	}
	for _, a := range s.Actions {
		if !slices.Contains(actions, a) {
			return invalid("%q is not an action of %s.", a, s.SubscriptionType)
		}
	}
	if s.SubscriptionType == "APP_LIFECYCLE_EVENT" {
		return nil
	}
	if len(s.Actions) == 0 {
		return invalid("actions is required.")
	}
	if in.account(s.PortalID) == nil {
		return invalid("The app is not installed in portal %d.", s.PortalID)
	}
	return nil
}

// add makes a subscription; what happened before belongs to the earlier ones.
func (j *journal) add(s journalSub) journalSub {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.publish()
	j.lastID++
	s.ID = j.lastID
	s.CreatedAt = j.clock.Now().Format(timeLayout)
	s.UpdatedAt = s.CreatedAt
	j.subs = append(j.subs, &s)
	return s
}

// removeSubs deletes the subscriptions that match and reports whether there were any.
func (j *journal) removeSubs(match func(*journalSub) bool) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.publish()
	before := len(j.subs)
	j.subs = slices.DeleteFunc(j.subs, match)
	return len(j.subs) < before
}

// listSubs copies the subscriptions that match.
func (j *journal) listSubs(match func(*journalSub) bool) []journalSub {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []journalSub{}
	for _, s := range j.subs {
		if match(s) {
			list = append(list, *s)
		}
	}
	return list
}

func withID(id string) func(*journalSub) bool {
	return func(s *journalSub) bool { return strconv.FormatInt(s.ID, 10) == id }
}

// wanted is the event as the subscriptions together want it: with the properties that one of them names. It is nil when
// none wants it. Snapshots come unasked.
func (j *journal) wanted(e *journalEvent) *journalEvent {
	if e.Action == "SNAPSHOT" {
		return e
	}
	shown, any := map[string]*string{}, false
	for _, s := range j.subs {
		if !s.concerns(e) || !s.passes(e) {
			continue
		}
		changes := s.visible(e)
		if e.Action == "UPDATE" && len(changes) == 0 {
			continue
		}
		maps.Copy(shown, changes)
		any = true
	}
	if !any {
		return nil
	}
	out := *e
	out.PropertyChanges = shown
	return &out
}

// concerns reports whether an event is of the kind, account and record that a subscription is for.
func (s *journalSub) concerns(e *journalEvent) bool {
	if s.PortalID != e.PortalID || !slices.Contains(s.Actions, e.Action) {
		return false
	}
	if l := e.journalLink; l != nil {
		return s.ObjectTypeID == l.FromTypeID && slices.Contains(s.OtherTypeIDs, l.ToTypeID) && s.has(l.FromID)
	}
	return s.ObjectTypeID == e.ObjectTypeID && s.has(e.ObjectID)
}

// has reports whether a subscription takes a record; without a list it takes all.
func (s *journalSub) has(id int64) bool {
	return len(s.ObjectIDs) == 0 || slices.Contains(s.ObjectIDs, id)
}

// visible are the changes that a subscription shows; without a list it shows all.
func (s *journalSub) visible(e *journalEvent) map[string]*string {
	if len(s.Properties) == 0 {
		return e.PropertyChanges
	}
	shown := map[string]*string{}
	for name, v := range e.PropertyChanges {
		if slices.Contains(s.Properties, name) {
			shown[name] = v
		}
	}
	return shown
}
