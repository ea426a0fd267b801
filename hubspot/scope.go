package hubspot

import (
	"context"
	"slices"
	"strings"
)

// ruleScope is that of a token which may do more than it needs.
const ruleScope = "scope.needed"

// A granter is a source that was told what its tokens may do.
type granter interface {
	granted() []string
}

// granted returns the scopes of the token, none where nobody tells. Of a token
// that does not change HubSpot is asked, which knows those of private apps.
// Source: https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
func (a *Adapter) granted(ctx context.Context) []string {
	switch tokens := a.client.tokens.(type) {
	case granter:
		return tokens.granted()
	case *static:
		var reply struct {
			Scopes []string `json:"scopes"`
		}
		in := map[string]string{"tokenKey": tokens.secrets.token}
		if _, err := a.client.call(ctx, opTokenInfo, target{}, in, &reply); err == nil {
			return reply.Scopes
		}
	}
	return nil
}

// scopes notes those that nothing asks for: a token that is stolen should open
// no more than it must.
func (s *setup) scopes(ctx context.Context) {
	needed := s.scopesNeeded()
	for _, name := range s.granted(ctx) {
		if scopeForm.MatchString(name) && !slices.ContainsFunc(needed, func(n string) bool { return strings.HasPrefix(name, n) }) {
			s.add(Line{Finding: Finding{What: "scope", Name: name, Rule: ruleScope, Note: "nothing here needs it; take it away from the token"}, State: Excess})
		}
	}
}

// scopesNeeded are the beginnings of the scopes that the adapter may use, with
// those of a set-up. Source:
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
func (s *setup) scopesNeeded() []string {
	needed := []string{"oauth", "automation", "developer.webhooks_journal.", "crm.objects.owners.read",
		"crm.objects.contacts.", "crm.schemas.contacts.", "crm.objects.notes.", "crm.objects.tasks.", "crm.objects.meetings.", "crm.objects.communications."}
	_, deals := s.opts.Objects[Deal]
	if deals || slices.ContainsFunc(s.need.Properties, func(p Property) bool { return p.Kind == Deal }) ||
		slices.ContainsFunc(s.need.Pipelines, func(p Pipeline) bool { return p.Kind == Deal }) {
		needed = append(needed, "crm.objects.deals.", "crm.schemas.deals.")
	}
	if len(s.need.Events) > 0 {
		needed = append(needed, "behavioral_events.event_definitions.", "analytics.behavioral_events.send")
	}
	return needed
}
