package bird

import (
	"context"
	"net/http"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// settleAttribute defines an attribute that is missing and ours to define.
func (s *setup) settleAttribute(ctx context.Context, f Finding) Line {
	i := slices.IndexFunc(s.need.Attributes, func(d AttributeDefinition) bool { return d.Key == f.Name })
	need := s.need.Attributes[i]
	if f.Rule != ruleExists || need.Builtin {
		return settled(f)
	}
	if s.opts.DryRun {
		return s.done(f, WouldCreate, Created)
	}
	err := s.DefineAttribute(ctx, need)
	switch {
	case isAction(err, sync.Conflict):
		return s.again(ctx, f, &need)
	case err != nil:
		return broken(f, err)
	}
	return s.done(f, WouldCreate, Created)
}

// again compares an attribute that appeared after the look.
func (s *setup) again(ctx context.Context, f Finding, need *AttributeDefinition) Line {
	r := survey{Adapter: s.Adapter}
	r.readDefinitions(ctx)
	if len(r.unread) > 0 {
		return broken(f, r.unread[0].Err)
	}
	if _, listed := r.definitions[need.Key]; !listed {
		f.Rule, f.Note = ruleArchived, "Bird says that the key is taken and does not list it: look for it among the archived attributes"
		return settled(f)
	}
	return settled(compareAttribute(need, r.live))
}

// settleChannel switches the conversations of a channel on, if that is wanted.
func (s *setup) settleChannel(ctx context.Context, f Finding) Line {
	if f.Rule != ruleConversational || !s.opts.EnableChannels {
		return settled(f)
	}
	if s.opts.DryRun {
		return s.done(f, WouldChange, Changed)
	}
	body := map[string]string{"status": activeStatus}
	if _, err := s.channelStatus(ctx, http.MethodPatch, f.Name, body); err != nil {
		return broken(f, err)
	}
	return s.done(f, WouldChange, Changed)
}

// settleWebhook does what can be done about a webhook, and adds what else is
// to be said of it.
func (s *setup) settleWebhook(ctx context.Context, f Finding) {
	w := s.wanted(f)
	ours, _ := w.parted(s.have.subscriptions)
	switch {
	case f.Rule == ruleWebhook:
		s.add(s.createWebhook(ctx, f, w))
	case len(ours) > 0 && (f.Rule == ruleAddress || f.Rule == ruleActive || f.Rule == ruleDialect || f.Rule == "" && s.opts.RotateKey):
		s.add(s.mendWebhook(ctx, f, w, ours))
	default:
		s.add(settled(f))
	}
	if len(ours) > 0 {
		s.duplicates(ctx, f, ours[1:])
		s.health(ctx, f, ours[0])
	}
	s.shadowed(f, w)
}

// createWebhook subscribes to an event, if Bird told that there is one.
func (s *setup) createWebhook(ctx context.Context, f Finding, w Webhook) Line {
	if _, read := s.have.offered[w.Service]; !read {
		f.Rule, f.Note = ruleUnknown, "not tried without Bird's list of events"
		return settled(f)
	}
	if s.opts.DryRun {
		return s.done(f, WouldCreate, Created)
	}
	made, err := s.subscribe(ctx, w)
	if err != nil {
		return broken(f, err)
	}
	state, note := s.once(ctx, w, made)
	l := s.done(f, WouldCreate, state)
	l.Note = note
	return l
}

// once keeps one of the subscriptions that several set-ups created at once:
// the oldest. Bird has no call that creates one only if there is none, so each
// set-up looks again after its own, and whoever comes later sees them all. The
// oldest is never removed, and each younger one is by its own set-up or, where
// that looked too early, by the one that sees both.
func (s *setup) once(ctx context.Context, w Webhook, made subscription) (State, string) {
	list, err := s.subscriptions(ctx)
	if err != nil {
		return Created, "whether another set-up created it, too, could not be seen: run the set-up again"
	}
	ours, _ := w.parted(list)
	if len(ours) == 0 {
		return Created, "Bird does not list it yet"
	}
	slices.SortFunc(ours, older)
	state := Created
	for _, double := range ours[1:] {
		if err := s.unsubscribe(ctx, double.ID); err != nil {
			return state, "another set-up created it, too: run the set-up again with RemoveDuplicates"
		}
	}
	if ours[0].ID != made.ID {
		state = Exists // another set-up was faster
	}
	return state, ""
}

// mendWebhook gives the first of our subscriptions what it lacks, and all of
// them the new signing key, if that is wanted.
func (s *setup) mendWebhook(ctx context.Context, f Finding, w Webhook, ours []subscription) Line {
	l := s.done(f, WouldChange, Changed)
	l.Note = w.patch(ours[0], s.opts.RotateKey).String()
	for i, sub := range ours {
		p := w.patch(sub, s.opts.RotateKey)
		if i > 0 {
			p = subscriptionPatch{SigningKey: p.SigningKey}
		}
		if s.opts.DryRun || p == (subscriptionPatch{}) {
			continue
		}
		if err := s.changeSubscription(ctx, sub.ID, p); err != nil {
			return broken(f, err)
		}
	}
	return l
}
