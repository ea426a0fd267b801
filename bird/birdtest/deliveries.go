package birdtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// publish sends an event to its subscribers.
func (s *Server) publish(service, event string, payload any) {
	body, err := json.Marshal(map[string]any{"service": service, "event": event, "payload": payload})
	if err != nil {
		panic("birdtest: a webhook does not encode as JSON: " + err.Error())
	}
	for _, sub := range s.takers(service, event, filterable(body)) {
		s.deliver(sub, body)
	}
}

// takers are the subscriptions that get an event: of those that match, the
// most specific ones.
func (s *Server) takers(service, event string, values map[string]string) []*subscription {
	var found []*subscription
	most := 0
	for _, sub := range s.subscriptions {
		if sub.Status == active && sub.Service == service && sub.Event == event && sub.matches(values) {
			found = append(found, sub)
			most = max(most, len(sub.EventFilters))
		}
	}
	return slices.DeleteFunc(found, func(sub *subscription) bool { return len(sub.EventFilters) < most })
}

func (sub *subscription) matches(values map[string]string) bool {
	return !slices.ContainsFunc(sub.EventFilters, func(f Filter) bool { return values[f.Key] != f.Value })
}

// filterable returns what filters can compare in an event.
func filterable(body []byte) map[string]string {
	var in struct {
		Payload struct{ ID, ChannelID, PlatformID, Status, Type string }
	}
	_ = json.Unmarshal(body, &in) // a payload of another shape has nothing to compare
	p := in.Payload
	return map[string]string{
		"channelId": p.ChannelID, "platformId": p.PlatformID, "interactionType": p.Type,
		"messageStatus": p.Status, "channelStatus": p.Status, "status": p.Status,
	}
}

// deliver sends an event to a subscriber, signed with the key and the time of
// now, whenever it arrives.
func (s *Server) deliver(sub *subscription, body []byte) {
	now := s.now()
	entry := &deliveryLog{RequestID: s.uuid(), CreatedAt: now.Format(timeLayout), ExecutionStatus: "pending", seq: len(sub.logs) + 1, at: now}
	sub.logs = append(sub.logs, entry)
	target, h := s.way(sub.URL)
	h.Set("Content-Type", "application/json")
	sign(h, sub.SigningKey, sub.URL, now, body)
	s.hooks.Send(simhttp.Delivery{
		URL: target,
		Prepare: func(simhttp.Attempt) (http.Header, []byte) {
			attempt := h.Clone()
			attempt.Set("messagebird-request-id", s.begin(entry))
			return attempt, body
		},
		Accept: func(status int, _ []byte) bool { return s.end(entry, status) },
	})
}

// sign adds the vendor's signature, if there is a key.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/verifying-a-webhook-subscription.
func sign(h http.Header, key, address string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("messagebird-request-timestamp", timestamp)
	if key == "" {
		return
	}
	digest := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp + "\n" + address + "\n"))
	mac.Write(digest[:])
	h.Set("messagebird-signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// WebhookStats counts what became of the webhooks.
func (s *Server) WebhookStats() DeliveryStats { return s.hooks.Stats() }

// Proxy lets webhooks and Flow calls for addresses that begin with public, such
// as "https://sync.example.com", go to actual instead, such as the URL of an
// httptest.Server, as a reverse proxy before the receiver would: signatures stay
// those of the public address, which X-Forwarded-Proto and X-Forwarded-Host
// tell. It applies to what is sent from then on.
func (s *Server) Proxy(public, actual string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxies = append(s.proxies, [2]string{public, actual})
}

// way returns the address at which a registered one is reached and the headers
// that the proxy adds. The last proxy set up comes first.
func (s *Server) way(address string) (string, http.Header) {
	h := http.Header{}
	for _, p := range slices.Backward(s.proxies) {
		rest, ok := strings.CutPrefix(address, p[0])
		if !ok {
			continue
		}
		if u, err := url.Parse(address); err == nil {
			h.Set("X-Forwarded-Proto", u.Scheme)
			h.Set("X-Forwarded-Host", u.Host)
		}
		return p[1] + rest, h
	}
	return address, h
}
