package hubspot

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// SetupOptions adjust [Adapter.Setup].
type SetupOptions struct {
	// DryRun looks at everything and changes nothing.
	DryRun bool
}

// Setup makes the account as the schema needs it: it creates the property
// group and the properties that are missing, adds missing options to the
// properties of that group, defines the custom events, and checks the rest:
// pipelines, stages, and whatever a person must decide, such as a property
// of another type. It never edits what is not its own. Running it again
// changes nothing, and several may run at once.
//
// The report lists what was found and done, in the order of the schema. The
// error is [Report.Err], with the report beside it, or, without a report,
// that of an invalid schema or an ended context. A token without the scopes
// for a part of the schema gives lines that name the scopes:
// crm.schemas.contacts.write and crm.schemas.deals.write to create properties,
// behavioral_events.event_definitions.read_write to define events. Scopes that
// nothing needs are lines, too, where HubSpot tells them. Source:
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
func (a *Adapter) Setup(ctx context.Context, need Schema, o SetupOptions) (*Report, error) {
	if err := need.Validate(); err != nil {
		return nil, err
	}
	s := &setup{Adapter: a, need: need.complete(), dry: o.DryRun, report: &Report{}, stuck: map[sync.Kind]Line{}}
	if s.account(ctx) {
		s.scopes(ctx)
		s.schema(ctx)
		s.events(ctx)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return s.report, s.report.Err()
}

// A setup is one run of Setup.
type setup struct {
	*Adapter
	need   Schema // complete
	dry    bool
	have   live
	report *Report
	stuck  map[sync.Kind]Line // why the group of a kind is still missing
}

func (s *setup) add(lines ...Line) { s.report.Lines = append(s.report.Lines, lines...) }

// account notes whose account it is.
func (s *setup) account(ctx context.Context) bool {
	f := Finding{What: "account"}
	d, err := s.details(ctx)
	if err != nil {
		s.add(broken(f, err))
		_, refused := scopes(err)
		return refused // the rest may be allowed
	}
	s.report.PortalID, s.report.TimeZone = d.PortalID, d.TimeZone
	f.Name, f.Note = strconv.FormatInt(d.PortalID, 10), "time zone "+d.TimeZone
	s.add(Line{Finding: f, State: Exists})
	return true
}

// schema settles groups, properties, pipelines and stages.
func (s *setup) schema(ctx context.Context) {
	var unread []Line
	s.have, unread = s.look(ctx, s.need, true)
	s.add(unread...)
	s.report.Capabilities.UniqueActivities = map[sync.Kind]bool{}
	for _, kind := range s.need.Activities {
		s.report.Capabilities.UniqueActivities[kind] = false
	}
	for _, f := range compare(s.need, s.have) {
		s.add(s.settle(ctx, f))
	}
}

// settle does what can be done about a finding.
func (s *setup) settle(ctx context.Context, f Finding) Line {
	switch f.Rule {
	case ruleGroup:
		return s.createGroup(ctx, f)
	case ruleExists:
		if p := s.property(f); p.ours() {
			return s.createProperty(ctx, f, p)
		}
	case ruleOptions:
		return s.addOptions(ctx, f)
	}
	return s.settled(f)
}

// settled is the line of a finding about which nothing was done.
func (s *setup) settled(f Finding) Line {
	switch f.Rule {
	case "":
		if p := s.property(f); f.What == "property" && s.need.isKey(p) {
			return s.key(Line{Finding: f, State: Exists}, s.have.properties[f.Kind][f.Name].Unique)
		}
		return Line{Finding: f, State: Exists}
	case ruleArchived, ruleOptions:
		return Line{Finding: f, State: Person}
	}
	return Line{Finding: f, State: Failed}
}

// key notes whether the key of a kind of activities is unique.
func (s *setup) key(l Line, unique bool) Line {
	s.report.Capabilities.UniqueActivities[l.Kind] = unique
	l.Note = "its values are unique"
	if !unique {
		l.Note = "without unique values, which this account does not take here"
	}
	return l
}

// property is the need that a finding is about.
func (s *setup) property(f Finding) Property {
	for _, p := range s.need.Properties {
		if p.Kind == f.Kind && p.Name == f.Name {
			return p
		}
	}
	return Property{}
}

// broken is the line of what could not be looked at or done.
func broken(f Finding, err error) Line {
	l := Line{Finding: f, State: Failed, Err: err}
	l.Rule, l.Note = "call.answered", "HubSpot did not do it; run the set-up again"
	var e *sync.Error
	if errors.As(err, &e) {
		l.Rule, l.Note = or(e.Rule, l.Rule), or(e.Hint, l.Note)
	}
	if names, refused := scopes(err); refused {
		l.State, l.Rule = Person, "auth.scope"
		if len(names) > 0 {
			l.Note = "grant the token the scopes " + strings.Join(names, ", ")
		}
	}
	return l
}

// scopes returns those that a call lacked which was refused for it.
func scopes(err error) (names []string, refused bool) {
	var api *APIError
	if !errors.As(err, &api) || api.Status != http.StatusForbidden {
		return nil, false
	}
	return api.Scopes, true
}
