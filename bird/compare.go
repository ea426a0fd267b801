package bird

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A Finding says how one thing that a [Schema] names is in the workspace.
type Finding struct {
	// What it is: "attribute", "identifier", "events", "webhook",
	// "deliveries" or "channel", or as the task by hand says.
	What string    `json:"what"`
	Kind sync.Kind `json:"kind,omitempty"`
	// Name is the attribute's or identifier's key, the event with its filters,
	// or the channel's id.
	Name string `json:"name"`
	// Field is the attribute that cannot be synced while this is wrong.
	Field string `json:"field,omitempty"`
	// Rule is the rule that is broken, such as "attribute.type"; "" is right.
	Rule string `json:"rule,omitempty"`
	// Note says what is there, what is needed and what mends it.
	Note string `json:"note,omitempty"`
}

const (
	whatAttribute = "attribute"
	whatWebhook   = "webhook"
	whatChannel   = "channel"
)

// The rules of findings.
const (
	ruleExists      = "attribute.exists"
	ruleArchived    = "attribute.active"
	ruleType        = "attribute.type"
	ruleCardinality = "attribute.cardinality"
	ruleWritable    = "attribute.writable"
	rulePII         = "attribute.pii"

	ruleWebhook = "webhook.exists"
	ruleRoom    = "webhook.room"
	ruleOffered = "webhook.event"
	ruleFilter  = "webhook.filter"
	ruleUnknown = "webhook.unknown"
	ruleAddress = "webhook.url"
	ruleActive  = "webhook.active"
	ruleDialect = "webhook.template"

	ruleConversational = "channel.conversational"
)

// perFilter is how many subscriptions may have the same event and filters.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/create-a-webhook-subscription.
const perFilter = 5

// compare finds how the workspace has each thing that is needed, in the order
// of the schema, which is complete. It says nothing about what was not read.
func compare(need Schema, have live) []Finding {
	var found []Finding
	for i := range need.Attributes {
		if have.definitions != nil {
			found = append(found, compareAttribute(&need.Attributes[i], have))
		}
	}
	for _, w := range need.Webhooks {
		if have.subscribed {
			found = append(found, compareWebhook(w, have))
		}
	}
	for _, id := range need.Channels {
		if status, read := have.conversational[id]; read {
			found = append(found, compareChannel(id, status))
		}
	}
	return found
}

func compareAttribute(need *AttributeDefinition, have live) Finding {
	f := Finding{What: whatAttribute, Kind: Contact, Name: need.Key, Field: need.Key}
	d, known := have.definitions[need.Key]
	switch {
	case !known:
		f.Rule, f.Note = ruleExists, "there is no attribute of this key: define it, or correct the key"
	case d.Archived:
		f.Rule, f.Note = ruleArchived, "it is archived: restore it in Bird's settings, or use another key"
	default:
		f.Rule, f.Note = need.differs(&d)
	}
	return f
}

// differs tells the first thing in which a definition is not as needed. Bird
// has no call that changes one.
func (d *AttributeDefinition) differs(have *AttributeDefinition) (rule, note string) {
	switch {
	case have.Type != d.Type:
		return ruleType, fmt.Sprintf("Bird has type %s, type %s is needed: use another key, or change the map", have.Type, d.Type)
	case have.Cardinality != d.Cardinality:
		return ruleCardinality, fmt.Sprintf("Bird has cardinality %s, cardinality %s is needed: use another key, or change the map", have.Cardinality, d.Cardinality)
	case have.ReadOnly && !d.ReadOnly && !d.Builtin:
		return ruleWritable, "Bird lets only Flows and Journeys write it: use another key"
	case d.PII && !have.PII && !d.Builtin:
		return rulePII, "Bird does not treat it as personal data: mark it so in Bird's settings"
	}
	return "", ""
}

func compareWebhook(w Webhook, have live) Finding {
	f := Finding{What: whatWebhook, Name: w.name()}
	ours, others := w.parted(have.subscriptions)
	if events, read := have.offered[w.Service]; read {
		if f.Rule, f.Note = w.refused(events); f.Rule != "" {
			return f
		}
	}
	switch {
	case len(ours) > 0:
		f.Rule, f.Note = w.differs(ours[0])
	case len(others) >= perFilter:
		f.Rule = ruleRoom
		f.Note = fmt.Sprintf("Bird takes %d subscriptions with the same event and filters: remove one of %s", perFilter, hosts(others))
	default:
		f.Rule, f.Note = ruleWebhook, "there is no subscription with these filters that goes to the endpoint: run the set-up"
	}
	return f
}

// refused tells why a workspace that offers these events has none like it.
func (w Webhook) refused(events map[string][]string) (rule, note string) {
	keys, offers := events[w.Event]
	if !offers {
		return ruleOffered, fmt.Sprintf("the workspace offers no such event of %s, but %s: install the platform in Bird, or leave the event out",
			w.Service, listed(w.near(events)))
	}
	for _, filter := range w.Filters {
		if !slices.Contains(keys, filter.Key) {
			return ruleFilter, fmt.Sprintf("the event can be filtered by %s, not by %s", listed(keys), filter.Key)
		}
	}
	return "", ""
}

// near are the events of the same platform, or else those with the same
// ending, or else all.
func (w Webhook) near(events map[string][]string) []string {
	all := slices.Sorted(maps.Keys(events))
	platform, ending, _ := strings.Cut(w.Event, ".")
	for _, like := range []func(string) bool{
		func(name string) bool { return strings.HasPrefix(name, platform+".") },
		func(name string) bool { return strings.HasSuffix(name, "."+ending) },
	} {
		same := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !like(name) })
		if len(same) > 0 {
			return same
		}
	}
	return all
}

// differs tells in what a subscription of ours is not as needed.
func (w Webhook) differs(s subscription) (rule, note string) {
	switch {
	case s.URL != w.Endpoint.URL:
		return ruleAddress, "it goes to another address of ours: run the set-up"
	case s.Status != activeStatus:
		return ruleActive, "it is switched off: run the set-up"
	case s.Template != "":
		return ruleDialect, "its payloads are in the dialect " + s.Template + ", not in Bird's own: run the set-up"
	}
	return "", ""
}

func compareChannel(id, status string) Finding {
	f := Finding{What: whatChannel, Name: id}
	if status != activeStatus {
		f.Rule, f.Note = ruleConversational, "conversations are off, so that it has no conversation events: "+
			"switch them on in the channel's settings, or run the set-up with EnableChannels"
	}
	return f
}

// listed gives names for a note, at most a dozen.
func listed(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "(none)"
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d others", len(names)-most)
	}
	return list
}
