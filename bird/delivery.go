package bird

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const whatDelivery = "deliveries"

// duplicates tells of subscriptions of ours that do what another one does
// already, or removes them.
func (s *setup) duplicates(ctx context.Context, f Finding, doubles []subscription) {
	for _, d := range doubles {
		f.Rule, f.Note = "webhook.once", "the subscription "+d.ID+" does the same, so that each event comes twice: run the set-up with RemoveDuplicates"
		if !s.opts.RemoveDuplicates {
			s.add(Line{Finding: f, State: Warning})
			continue
		}
		l := s.done(f, WouldRemove, Removed)
		l.Note = "the subscription " + d.ID
		if !s.opts.DryRun {
			if err := s.unsubscribe(ctx, d.ID); err != nil {
				l = broken(f, err)
			}
		}
		s.add(l)
	}
}

// shadowed warns of subscriptions of others that take away events: one
// without filters gets what no more specific one takes.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions.
func (s *setup) shadowed(f Finding, w Webhook) {
	narrower := slices.DeleteFunc(slices.Clone(s.have.subscriptions), func(x subscription) bool {
		missing := slices.ContainsFunc(w.Filters, func(need Filter) bool { return !slices.Contains(x.Filters, need) })
		return x.Service != w.Service || x.Event != w.Event || x.Status != activeStatus || len(x.Filters) <= len(w.Filters) || missing || w.owns(x.URL)
	})
	if len(narrower) > 0 {
		f.Rule = "webhook.shadowed"
		f.Note = "subscriptions of others with more filters may take its events: give it the same filters, or remove " + hosts(narrower)
		s.add(Line{Finding: f, State: Warning})
	}
}

// recently is how far back failed deliveries are told.
const recently = 24 * time.Hour

// health warns of deliveries that failed of late.
func (s *setup) health(ctx context.Context, f Finding, sub subscription) {
	f = Finding{What: whatDelivery, Name: f.Name}
	list, err := s.deliveries(ctx, sub, time.Now().Add(-recently))
	if err != nil {
		l := broken(f, err)
		l.State, l.Note = Warning, "its log cannot be read: "+l.Note
		s.add(l)
		return
	}
	failed := slices.DeleteFunc(slices.Clone(list), func(d delivery) bool { return !d.failed() })
	if len(failed) == 0 {
		return
	}
	last := slices.MaxFunc(failed, func(a, b delivery) int { return a.CreatedAt.Compare(b.CreatedAt.Time) })
	f.Rule = "deliveries.answered"
	f.Note = fmt.Sprintf("%d of the last %d failed, the newest of %s with status %d: %s",
		len(failed), len(list), last.CreatedAt.UTC().Format(time.RFC3339), last.Status, remedy(last.Status))
	s.add(Line{Finding: f, State: Warning})
}

// remedies are what an answer of our side most often comes from.
var remedies = map[int]string{
	0:   "nobody answered: is the receiver up, and does its public name lead to it?",
	401: "the receiver does not know the subscription's signing key, or its PublicURL is another address",
	403: "a firewall, such as the bot rules of Cloudflare, refuses Bird's calls: let POSTs to the address pass",
	404: "the receiver is not at the address",
	503: "the receiver could not store the events: look at its inbox",
}

func remedy(status int) string {
	if text, known := remedies[status]; known {
		return text
	}
	return "look at the log of the receiver"
}
