package birdtest

import (
	"net/http"
	"slices"
)

// The events that the notifications API offers.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions.

// offeredService is a service with its events, as available-webhooks tells.
type offeredService struct {
	Service string         `json:"service"`
	Events  []offeredEvent `json:"events"`
}

type offeredEvent struct {
	Name       string   `json:"name"`
	FilterKeys []string `json:"filterKeys"`
}

// filterKeys are all that a subscription may filter by.
var filterKeys = []string{"channelId", "messageStatus", "interactionType", "platformId", "channelStatus", "status"}

// platforms are the kinds of channels that carry messages.
var platforms = []string{
	"email", "facebook", "instagram", "line", "linkedin", "sms", "telegram", "tiktok", "viber", "whatsapp",
}

func catalogue() []offeredService {
	channel := []string{"channelId"}
	events := []offeredEvent{
		{"channel.created", []string{"platformId", "channelStatus"}},
		{"channel.updated", []string{"platformId", "channelStatus"}},
		{"voice.inbound", []string{"channelId", "status"}},
		{"voice.outbound", []string{"channelId", "status"}},
	}
	for _, p := range platforms {
		events = append(events,
			offeredEvent{p + ".inbound", channel},
			offeredEvent{p + ".outbound", []string{"channelId", "messageStatus"}},
			offeredEvent{p + ".interaction", []string{"channelId", "interactionType"}})
	}
	return []offeredService{
		{"channels", events},
		{"conversations", []offeredEvent{
			{"conversation.created", channel}, {"conversation.updated", channel}, {"conversation.deleted", channel},
		}},
	}
}

// offers reports whether a service has an event. The events of services that
// carry no messages are not published; every name is taken there.
func offers(service, event string) bool {
	all := catalogue()
	i := slices.IndexFunc(all, func(o offeredService) bool { return o.Service == service })
	return i < 0 || slices.ContainsFunc(all[i].Events, func(e offeredEvent) bool { return e.Name == event })
}

func (s *Server) availableWebhooks(r request) reply {
	results := catalogue()
	if service := r.query.Get("service"); service != "" {
		results = slices.DeleteFunc(results, func(o offeredService) bool { return o.Service != service })
	}
	return reply{http.StatusOK, map[string]any{"results": results}}
}
