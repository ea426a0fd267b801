package bird

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// subscription is a webhook as Bird tells it. The signing key is only in the
// answer to its creation, and is not read there either.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions.
type subscription struct {
	ID             string   `json:"id"`
	OrganizationID string   `json:"organizationId"`
	Service        string   `json:"service"`
	Event          string   `json:"event"`
	Filters        []Filter `json:"eventFilters"`
	Template       string   `json:"template"`
	URL            string   `json:"url"`
	Status         string   `json:"status"`
	CreatedAt      moment   `json:"createdAt"`
}

// newSubscription is a subscription as Bird is asked to create it. Its key
// is plain: it must go nowhere else.
type newSubscription struct {
	Service    string   `json:"service"`
	Event      string   `json:"event"`
	Filters    []Filter `json:"eventFilters,omitempty"`
	URL        string   `json:"url"`
	SigningKey string   `json:"signingKey"`
}

// subscriptionPatch is a change of a subscription; what is nil stays.
type subscriptionPatch struct {
	URL        *string `json:"url,omitempty"`
	Status     *string `json:"status,omitempty"`
	Template   *string `json:"template,omitempty"`
	SigningKey *string `json:"signingKey,omitempty"`
}

// patch is what makes a subscription as the webhook needs it.
func (w Webhook) patch(s subscription, rotate bool) subscriptionPatch {
	var p subscriptionPatch
	if s.URL != w.Endpoint.URL {
		p.URL = &w.Endpoint.URL
	}
	if status := activeStatus; s.Status != status {
		p.Status = &status
	}
	if s.Template != "" {
		p.Template = new(string)
	}
	if key := string(w.Endpoint.SigningKey); rotate {
		p.SigningKey = &key
	}
	return p
}

// String names what the patch changes, and not to what.
func (p subscriptionPatch) String() string {
	var names []string
	for _, part := range []struct {
		value *string
		name  string
	}{{p.URL, "the address"}, {p.Status, "it is switched on"}, {p.Template, "the payloads' dialect"},
		{p.SigningKey, "the signing key; the receiver should accept the old one for a day more"}} {
		if part.value != nil {
			names = append(names, part.name)
		}
	}
	return strings.Join(names, ", ")
}

const webhookKind sync.Kind = "webhook"

const activeStatus = "active"

func subscriptionRef(id string) sync.Ref { return sync.Ref{System: System, Kind: webhookKind, ID: id} }

func (a *Adapter) subscriptionPath(id string) string {
	return a.workspace + "/webhook-subscriptions/" + id
}

func (a *Adapter) subscriptions(ctx context.Context) ([]subscription, error) {
	return all[subscription](ctx, a, request{op: "bird: list webhooks", path: a.workspace + "/webhook-subscriptions"})
}

func (a *Adapter) subscribe(ctx context.Context, w Webhook) (subscription, error) {
	var made subscription
	r := request{op: "bird: create webhook", method: http.MethodPost, path: a.workspace + "/webhook-subscriptions", body: newSubscription{
		Service: w.Service, Event: w.Event, Filters: w.Filters, URL: w.Endpoint.URL, SigningKey: string(w.Endpoint.SigningKey)}}
	_, err := a.call(ctx, r, &made)
	return made, err
}

func (a *Adapter) changeSubscription(ctx context.Context, id string, p subscriptionPatch) error {
	return a.callSubscription(ctx, request{op: "bird: change webhook", method: http.MethodPatch, body: p}, id)
}

// unsubscribe removes a subscription; one that is gone already is as good.
func (a *Adapter) unsubscribe(ctx context.Context, id string) error {
	err := a.callSubscription(ctx, request{op: "bird: delete webhook", method: http.MethodDelete}, id)
	if isAction(err, sync.NotFound) {
		return nil
	}
	return err
}

func (a *Adapter) callSubscription(ctx context.Context, r request, id string) error {
	r.ref, r.path = subscriptionRef(id), a.subscriptionPath(id)
	if err := checkID(r.op, r.ref); err != nil {
		return err
	}
	_, err := a.call(ctx, r, nil)
	return err
}

// offered returns the events of a service with the keys that each can be
// filtered by. It is the truth about events' names; the documentation lists
// those of some platforms only.
func (a *Adapter) offered(ctx context.Context, service string) (map[string][]string, error) {
	var reply struct {
		Results []struct {
			Service string `json:"service"`
			Events  []struct {
				Name       string   `json:"name"`
				FilterKeys []string `json:"filterKeys"`
			} `json:"events"`
		} `json:"results"`
	}
	r := request{op: "bird: list available webhooks", method: http.MethodGet, path: a.workspace + "/available-webhooks",
		query: url.Values{"service": {service}}}
	if _, err := a.call(ctx, r, &reply); err != nil {
		return nil, err
	}
	events := map[string][]string{}
	for _, s := range reply.Results {
		for _, e := range s.Events {
			if s.Service == service {
				events[e.Name] = e.FilterKeys
			}
		}
	}
	return events, nil
}

// alike are the subscriptions to the same event with the same filters.
func (w Webhook) alike(all []subscription) []subscription {
	return slices.DeleteFunc(slices.Clone(all), func(s subscription) bool {
		return s.Service != w.Service || s.Event != w.Event || !slices.Equal(sorted(s.Filters), sorted(w.Filters))
	})
}

// parted are the subscriptions alike that are ours, the one to keep first,
// and those of others. Ours go to the endpoint or to where it was before.
func (w Webhook) parted(all []subscription) (ours, others []subscription) {
	for _, s := range w.alike(all) {
		if w.owns(s.URL) {
			ours = append(ours, s)
		} else {
			others = append(others, s)
		}
	}
	slices.SortFunc(ours, func(a, b subscription) int {
		return cmp.Or(whichever(a.URL == w.Endpoint.URL, b.URL == w.Endpoint.URL), whichever(a.Status == activeStatus, b.Status == activeStatus), older(a, b))
	})
	return ours, others
}

// older is an order of subscriptions that is the same for whoever looks.
func older(a, b subscription) int {
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt.Time), strings.Compare(a.ID, b.ID))
}

// whichever is true comes first.
func whichever(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// owns reports whether an address is the endpoint's, be it spelled otherwise,
// or one that it had before.
func (w Webhook) owns(address string) bool {
	return slices.ContainsFunc(append([]string{w.Endpoint.URL}, w.Endpoint.FormerURLs...), func(own string) bool {
		return sameAddress(own, address)
	})
}

// sameAddress compares addresses without regard to the host's case and to a
// slash at the end, which lead to the same place but have other signatures.
func sameAddress(a, b string) bool {
	u, errU := url.Parse(a)
	v, errV := url.Parse(b)
	if errU != nil || errV != nil {
		return a == b
	}
	return strings.EqualFold(u.Host, v.Host) && u.RawQuery == v.RawQuery &&
		strings.TrimSuffix(u.EscapedPath(), "/") == strings.TrimSuffix(v.EscapedPath(), "/")
}

// hosts names subscriptions of others: the rest of an address may be a secret.
func hosts(list []subscription) string {
	names := make([]string, len(list))
	for i, s := range list {
		u, err := url.Parse(s.URL)
		if err != nil {
			u = &url.URL{Host: "an unknown host"}
		}
		names[i] = s.ID + " (to " + u.Host + ")"
	}
	return listed(names)
}

// A delivery is what the log of a subscription tells of one event.
type delivery struct {
	Attempts  int    `json:"attemptCount"`
	Status    int    `json:"httpStatusCode"` // of the last attempt, 0 for no answer
	Execution string `json:"executionStatus"`
	CreatedAt moment `json:"createdAt"`
}

// failed reports whether the last attempt failed, be it to be repeated.
func (d delivery) failed() bool { return d.Status < 200 || d.Status > 299 }

// deliveries returns the last ones of a subscription. Failures are kept for
// seven days. The log has only the longer form of the address.
func (a *Adapter) deliveries(ctx context.Context, s subscription, since time.Time) ([]delivery, error) {
	r := request{op: "bird: list deliveries", ref: subscriptionRef(s.ID), path: a.subscriptionPath(s.ID) + "/logs", most: 100}
	if uuidPattern.MatchString(s.OrganizationID) {
		r.path = "/organizations/" + s.OrganizationID + r.path
	}
	found, err := all[delivery](ctx, a, r)
	return slices.DeleteFunc(found, func(d delivery) bool { return d.CreatedAt.Before(since) }), err
}
