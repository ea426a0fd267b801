package bird

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// SetupOptions adjust [Adapter.Setup].
type SetupOptions struct {
	// DryRun looks at everything and changes nothing.
	DryRun bool
	// RotateKey gives the subscriptions that exist the signing key of the
	// schema. Bird does not tell which one they have. The receiver should
	// accept the old one for a day more, because what Bird sends again is
	// signed with it.
	RotateKey bool
	// RemoveDuplicates removes those of our subscriptions that do what
	// another one does already.
	RemoveDuplicates bool
	// EnableChannels switches on the conversations of the schema's channels.
	EnableChannels bool
}

// Setup makes the workspace as the schema needs it: it defines the attributes
// that are missing, creates the webhooks that are missing, mends those that go
// to a former address or are switched off, and checks the rest: attributes of
// another type, events that the workspace does not offer, channels without
// conversations, webhooks that failed of late. A subscription is ours if it
// goes to its endpoint; what is not ours is never changed. Running it again
// changes nothing, and several may run at once: a webhook that two of them
// created at the same time is kept once.
//
// The report lists what was found and done, in the order of the schema, and
// at the end what a person does by hand. The error is [Report.Err], with the
// report beside it, or, without a report, that of an invalid schema or an
// ended context. An access key whose role does not allow a part of it gives
// lines that name the actions and the resources to allow.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions and
// https://docs.bird.com/api/api-access/api-authorization.
func (a *Adapter) Setup(ctx context.Context, need Schema, o SetupOptions) (*Report, error) {
	if err := need.Validate(); err != nil {
		return nil, err
	}
	report := &Report{WorkspaceID: strings.TrimPrefix(a.workspace, "/workspaces/")}
	s := &setup{Adapter: a, need: need.complete(), opts: o, report: report}
	s.run(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return s.report, s.report.Err()
}

// A setup is one run of Setup.
type setup struct {
	*Adapter
	need   Schema // complete
	opts   SetupOptions
	have   live
	report *Report
}

func (s *setup) add(lines ...Line) { s.report.Lines = append(s.report.Lines, lines...) }

func (s *setup) run(ctx context.Context) {
	var unread []Line
	s.have, unread = s.look(ctx, s.need, true)
	s.add(unread...)
	if s.need.Identifier.Key != "" {
		s.add(s.identifier(ctx))
	}
	for _, f := range compare(s.need, s.have) {
		switch f.What {
		case whatAttribute:
			s.add(s.settleAttribute(ctx, f))
		case whatWebhook:
			s.settleWebhook(ctx, f)
		case whatChannel:
			s.add(s.settleChannel(ctx, f))
		}
	}
	for _, t := range s.need.ByHand {
		s.add(Line{Finding: Finding{What: t.What, Name: t.Name, Note: t.Note}, State: ByHand})
	}
}

// states of the findings about which nothing is done; the others are errors.
var states = map[string]State{
	"":                 Exists,
	ruleArchived:       Person,
	rulePII:            Warning,
	ruleOffered:        Person,
	ruleRoom:           Person,
	ruleConversational: Person,
}

// settled is the line of a finding about which nothing was done.
func settled(f Finding) Line {
	return Line{Finding: f, State: cmp.Or(states[f.Rule], Failed)}
}

// done is the line of what was done about a finding, or would be.
func (s *setup) done(f Finding, would, did State) Line {
	f.Rule, f.Note = "", ""
	if s.opts.DryRun {
		return Line{Finding: f, State: would}
	}
	return Line{Finding: f, State: did}
}

// identifier looks whether contacts are found by the identifier. Nothing can
// declare one.
func (s *setup) identifier(ctx context.Context) Line {
	f := Finding{What: "identifier", Kind: Contact, Name: s.need.Identifier.Key}
	if f.Name != s.Adapter.opts.ExternalIDKey {
		f.Rule = "identifier.key"
		f.Note = "the adapter keeps the other system's id under " + s.Adapter.opts.ExternalIDKey + ": make Options.ExternalIDKey the same"
		return settled(f)
	}
	r := request{op: "bird: search contacts", method: http.MethodPost, path: s.contacts + "/search",
		body: search{identifier{Key: f.Name, Value: "crmsync-setup"}}}
	if _, err := s.call(ctx, r, nil); err != nil {
		return broken(f, err)
	}
	f.Note = "contacts can be found by it"
	return settled(f)
}

// policies are what the role of the access key must allow.
var policies = map[string]string{
	whatAttribute: "View and Create on /workspaces/*/attribute-definitions",
	"identifier":  "Create on /workspaces/*/contacts/search",
	"events":      "View on /workspaces/*/available-webhooks",
	whatWebhook:   "View, Create, Update and Delete on /workspaces/*/webhook-subscriptions and /workspaces/*/webhook-subscriptions/**",
	whatDelivery:  "View on /organizations/*/workspaces/*/webhook-subscriptions/**",
	whatChannel:   "View and Update on /workspaces/*/channels/**",
}

// broken is the line of what could not be looked at or done.
func broken(f Finding, err error) Line {
	l := Line{Finding: f, State: Failed, Err: err}
	l.Rule, l.Note = "call.answered", "Bird did not do it; run the set-up again"
	var e *sync.Error
	if errors.As(err, &e) {
		l.Rule, l.Note = cmp.Or(e.Rule, l.Rule), cmp.Or(e.Hint, l.Note)
	}
	if isAction(err, sync.Denied) {
		l.State = Person
		l.Note = "the access key is without a role, its role does not allow this, or the key or the workspace id is wrong: " +
			"give it a role whose policy allows " + policies[f.What]
	}
	return l
}

// wanted is the webhook that a finding is about.
func (s *setup) wanted(f Finding) Webhook {
	i := slices.IndexFunc(s.need.Webhooks, func(w Webhook) bool { return w.name() == f.Name })
	return s.need.Webhooks[i]
}
