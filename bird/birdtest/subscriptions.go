package birdtest

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Filter narrows a webhook to the events whose payload has the value. Keys
// are channelId, messageStatus, interactionType, platformId, channelStatus
// and status.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions.
type Filter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// subscription is a registered webhook.
type subscription struct {
	ID             string   `json:"id"`
	OrganizationID string   `json:"organizationId"`
	WorkspaceID    string   `json:"workspaceId"`
	Service        string   `json:"service"`
	Event          string   `json:"event"`
	EventFilters   []Filter `json:"eventFilters"`
	Template       string   `json:"template"`
	URL            string   `json:"url"`
	SigningKey     string   `json:"signingKey,omitempty"`
	Status         string   `json:"status"`
	CreatedAt      string   `json:"createdAt"`
	UpdatedAt      string   `json:"updatedAt"`

	seq  int
	at   time.Time
	logs []*deliveryLog
}

// perFilter is how many subscriptions may have the same event and filters.
const perFilter = 5

func (s *Server) subscriptionRoutes() []route {
	return []route{
		{"GET webhook-subscriptions", s.listSubscriptions},
		{"POST webhook-subscriptions", s.createSubscription},
		{"GET webhook-subscriptions/*", s.withSubscription(s.getSubscription)},
		{"PATCH webhook-subscriptions/*", s.withSubscription(s.patchSubscription)},
		{"DELETE webhook-subscriptions/*", s.withSubscription(s.deleteSubscription)},
		{"GET webhook-subscriptions/*/logs", s.withSubscription(s.listDeliveries)},
		{"GET webhook-subscriptions/*/logs/details", s.withSubscription(s.listAttempts)},
		{"GET available-webhooks", s.availableWebhooks},
	}
}

// Subscribe registers a webhook for an event of [Bird's catalogue], such as
// "conversation.updated" or "whatsapp.inbound", and returns the subscription's
// id. Bird signs with the key, and the url is part of what is signed; with an
// empty key nothing is signed. Unlike the API it takes any address.
//
// [Bird's catalogue]: https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions
func (s *Server) Subscribe(event, url, signingKey string, filters ...Filter) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := &subscription{Service: serviceOf(event), Event: event, URL: url, SigningKey: signingKey, EventFilters: filters}
	s.register(sub)
	return sub.ID
}

// register completes a subscription and puts it in the list.
func (s *Server) register(sub *subscription) {
	s.lastSeq++
	sub.seq, sub.at = s.lastSeq, s.now()
	sub.ID, sub.OrganizationID, sub.WorkspaceID = s.uuid(), s.OrganizationID, s.WorkspaceID
	sub.Status = cmp.Or(sub.Status, active)
	sub.CreatedAt = sub.at.Format(timeLayout)
	sub.UpdatedAt = sub.CreatedAt
	s.subscriptions = append(s.subscriptions, sub)
}

// withSubscription finds the subscription that the path names.
func (s *Server) withSubscription(handle func(request, *subscription) reply) func(request) reply {
	return func(r request) reply {
		i := slices.IndexFunc(s.subscriptions, func(sub *subscription) bool { return sub.ID == r.args[0] })
		if i < 0 {
			return missing("webhook subscription").reply()
		}
		return handle(r, s.subscriptions[i])
	}
}

func (s *Server) listSubscriptions(r request) reply {
	return list(s, r, s.subscriptions, func(sub *subscription) (int, time.Time) { return sub.seq, sub.at }, (*subscription).hidden)
}

func (s *Server) getSubscription(_ request, sub *subscription) reply {
	return reply{http.StatusOK, sub.hidden()}
}

// hidden is a subscription as it is read: without the key.
func (sub *subscription) hidden() subscription {
	shown := *sub
	shown.SigningKey = ""
	return shown
}

func (s *Server) createSubscription(r request) reply {
	sub := &subscription{}
	if bad := r.decode(sub); bad != nil {
		return bad.reply()
	}
	if bad := s.checkSubscription(sub); bad != nil {
		return bad.reply()
	}
	s.register(sub)
	return reply{http.StatusCreated, *sub}
}

func (s *Server) patchSubscription(r request, sub *subscription) reply {
	changed := *sub
	changed.EventFilters = slices.Clone(sub.EventFilters)
	if bad := r.decode(&changed); bad != nil {
		return bad.reply()
	}
	changed.ID, changed.OrganizationID, changed.WorkspaceID, changed.CreatedAt = sub.ID, sub.OrganizationID, sub.WorkspaceID, sub.CreatedAt
	if bad := s.checkSubscription(&changed); bad != nil {
		return bad.reply()
	}
	changed.UpdatedAt = s.now().Format(timeLayout)
	*sub = changed
	return reply{http.StatusOK, sub.hidden()}
}

func (s *Server) deleteSubscription(_ request, sub *subscription) reply {
	s.subscriptions = slices.DeleteFunc(s.subscriptions, func(x *subscription) bool { return x == sub })
	return reply{status: http.StatusNoContent}
}

// urlPattern is the vendor's: https, a host name with dots, no port.
var urlPattern = regexp.MustCompile(`^https://([a-zA-Z0-9-]+\.)+[a-zA-Z]{2,}(/[^\s]*)?$`)

func (s *Server) checkSubscription(sub *subscription) *refusal {
	switch {
	case !slices.Contains([]string{"channels", "numbers", "payments", "conversations"}, sub.Service):
		return invalid("service is unknown")
	case sub.Event == "" || !offers(sub.Service, sub.Event):
		return invalid("event is unknown")
	case !s.opts.AnyWebhookURL && !urlPattern.MatchString(sub.URL):
		return invalid("url does not match the pattern")
	case sub.Status != "" && sub.Status != active && sub.Status != "inactive":
		return invalid("status is unknown")
	case s.alike(sub) >= perFilter:
		return invalid("too many subscriptions with the same filters")
	}
	return checkFilters(sub.EventFilters)
}

// alike counts the other subscriptions with the same event and filters.
func (s *Server) alike(sub *subscription) int {
	n := 0
	for _, x := range s.subscriptions {
		if x.ID != sub.ID && x.Service == sub.Service && x.Event == sub.Event && sameFilters(x.EventFilters, sub.EventFilters) {
			n++
		}
	}
	return n
}

func sameFilters(a, b []Filter) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(f Filter) bool { return !slices.Contains(b, f) })
}

// checkFilters wants known keys, each with one value.
func checkFilters(filters []Filter) *refusal {
	seen := map[string]bool{}
	for _, f := range filters {
		if !slices.Contains(filterKeys, f.Key) || f.Value == "" || seen[f.Key] {
			return invalid("eventFilters must have known keys with one value each")
		}
		seen[f.Key] = true
	}
	return nil
}

// serviceOf returns the service that tells of an event.
func serviceOf(event string) string {
	if strings.HasPrefix(event, "conversation.") {
		return "conversations"
	}
	return "channels"
}
