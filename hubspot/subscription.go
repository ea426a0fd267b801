package hubspot

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// subscription is what HubSpot keeps in the journal for one account. Source:
// https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/guide
type subscription struct {
	ID           id       `json:"id,omitempty"`
	Type         string   `json:"subscriptionType"`
	PortalID     int64    `json:"portalId"`
	ObjectTypeID string   `json:"objectTypeId"`
	Actions      []string `json:"actions"`
	// Properties and ObjectIDs are present, if empty, where the specification
	// requires them; empty means all.
	Properties []string `json:"properties,omitzero"`
	ObjectIDs  []id     `json:"objectIds,omitzero"`
	Associated []string `json:"associatedObjectTypeIds,omitempty"`
}

// subscriptions returns what is needed for the objects of an account: their
// events, those of the associations between them, each pair once, and the
// deletions of persons for their privacy.
func subscriptions(portal int64, objects map[sync.Kind]Object) []subscription {
	var wanted []subscription
	kinds := slices.SortedFunc(maps.Keys(objects), byType)
	for i, kind := range kinds {
		t := objectTypes[kind]
		properties := slices.DeleteFunc(slices.Clone(objects[kind].Properties), func(n string) bool { return n == sync.IDField })
		if len(properties) == 0 {
			properties = t.defaults
		}
		wanted = append(wanted, subscription{Type: "OBJECT", PortalID: portal, ObjectTypeID: t.id, Properties: properties,
			Actions: []string{"CREATE", "UPDATE", "DELETE", "MERGE", "RESTORE"}, ObjectIDs: []id{}})
		if others := t.associable(kinds[i+1:]); len(others) > 0 {
			wanted = append(wanted, subscription{Type: "ASSOCIATION", PortalID: portal, ObjectTypeID: t.id,
				Associated: others, Actions: []string{"ASSOCIATION_ADDED", "ASSOCIATION_REMOVED"}, ObjectIDs: []id{}})
		}
		if kind == Contact {
			wanted = append(wanted, subscription{Type: "GDPR_PRIVACY_DELETION", PortalID: portal, ObjectTypeID: t.id,
				Actions: []string{"GDPR_DELETE"}})
		}
	}
	return wanted
}

// byType orders kinds by the number of their object type, contacts first.
func byType(a, b sync.Kind) int {
	x, y := objectTypes[a].id, objectTypes[b].id
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}

// associable returns the types of those kinds that records can be associated
// with.
func (t *objectType) associable(kinds []sync.Kind) []string {
	var types []string
	for _, kind := range kinds {
		if _, ok := t.associations[kind]; ok {
			types = append(types, objectTypes[kind].id)
		}
	}
	return types
}

// rivals reports whether two subscriptions are of what there should be one of.
func (s *subscription) rivals(o *subscription) bool {
	return s.Type == o.Type && s.PortalID == o.PortalID && s.ObjectTypeID == o.ObjectTypeID
}

// same reports whether two subscriptions keep the same.
func (s *subscription) same(o *subscription) bool {
	return len(s.ObjectIDs) == len(o.ObjectIDs) && sameSet(s.Actions, o.Actions) &&
		sameSet(s.Properties, o.Properties) && sameSet(s.Associated, o.Associated)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// Subscribe has HubSpot keep in the journal what the options ask for, and
// nothing twice. It creates what is missing and replaces what differs; since
// subscriptions cannot be changed, events in between are left to the sweeps.
// The subscriptions for one portal and kind therefore belong to one Journal.
// Calling it again is cheap and harmless; [Journal.Changes] does it at the
// beginning. Without JournalOptions.PortalID it is refused.
func (j *Journal) Subscribe(ctx context.Context) error {
	if j.portal == "" {
		return &sync.Error{Op: opJournalSubscribe.String(), Action: sync.Fatal, Field: "PortalID", Rule: "portal.set",
			Hint: "give the account's number, or subscribe to each account by a Journal of its own"}
	}
	var present struct{ Results []subscription }
	if _, err := j.client.call(ctx, opJournalSubscribed, target{}, nil, &present); err != nil {
		return err
	}
	for i := range j.wanted {
		if err := j.ensure(ctx, &j.wanted[i], present.Results); err != nil {
			return err
		}
	}
	return nil
}

// ensure leaves the wanted subscription and no rival of it.
func (j *Journal) ensure(ctx context.Context, want *subscription, present []subscription) error {
	kept := false
	for i := range present {
		have := &present[i]
		switch {
		case !have.rivals(want):
		case !kept && have.same(want):
			kept = true
		default:
			_, err := j.client.call(ctx, opJournalUnsubscribe, target{id: string(have.ID)}, nil, nil)
			if err != nil && sync.ActionOf(err) != sync.NotFound { // somebody else may have removed it
				return err
			}
		}
	}
	if kept {
		return nil
	}
	_, err := j.client.call(ctx, opJournalSubscribe, target{}, want, nil)
	return err
}
