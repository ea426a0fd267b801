package hubspot

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// eventDefinition is a custom event's definition as HubSpot writes it.
type eventDefinition struct {
	Name              string          `json:"name"`
	Label             string          `json:"label"`
	Description       string          `json:"description,omitempty"`
	PrimaryObject     string          `json:"primaryObject"`
	DefaultProperties bool            `json:"includeDefaultProperties"`
	Properties        []eventProperty `json:"propertyDefinitions"`
	FullName          string          `json:"fullyQualifiedName,omitempty"`
}

type eventProperty struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Type    string   `json:"type"`
	Options []Option `json:"options,omitempty"`
}

// events defines the custom events. An account without them refuses to list
// the definitions; its workflows start from properties.
func (s *setup) events(ctx context.Context) {
	if len(s.need.Events) == 0 {
		return
	}
	have, err := s.definedEvents(ctx)
	if err != nil {
		l := broken(Finding{What: "events", Name: fmt.Sprint(len(s.need.Events))}, err)
		if scopes(err) != nil {
			l.State, l.Note = Unavailable, l.Note+"; an Enterprise account has them; without, properties trigger workflows"
		}
		s.add(l)
		return
	}
	c := &s.report.Capabilities
	c.CustomEvents, c.EventNames = true, map[string]string{}
	for _, e := range s.need.Events {
		l := s.event(ctx, e, have)
		c.CustomEvents = c.CustomEvents && l.err() == nil
		s.add(l)
	}
}

// event makes sure that one event is defined with its properties.
func (s *setup) event(ctx context.Context, e EventDefinition, have map[string]eventDefinition) Line {
	f := Finding{What: "event", Kind: e.Kind, Name: e.Name}
	d, known := have[e.Name]
	if !known {
		return s.defineEvent(ctx, f, e)
	}
	s.report.Capabilities.EventNames[e.Name] = d.FullName
	if lost := e.lacks(d); len(lost) > 0 {
		f.Rule, f.Note = "event.properties", "HubSpot has it without the properties "+strings.Join(lost, ", ")+": add them there"
		return Line{Finding: f, State: Person}
	}
	return Line{Finding: f, State: Exists}
}

// lacks are the names of the properties that a definition does not have, or
// not with the type.
func (e EventDefinition) lacks(d eventDefinition) []string {
	types := map[string]string{}
	for _, p := range d.Properties {
		types[p.Name] = p.Type
	}
	var lost []string
	for _, p := range e.Properties {
		if types[p.Name] != p.Type {
			lost = append(lost, p.Name)
		}
	}
	return lost
}

func (s *setup) defineEvent(ctx context.Context, f Finding, e EventDefinition) Line {
	if s.dry {
		return Line{Finding: f, State: WouldCreate}
	}
	body := eventDefinition{Name: e.Name, Label: e.Label, Description: e.Description,
		PrimaryObject: strings.ToUpper(string(e.Kind)), Properties: []eventProperty{}}
	for _, p := range e.Properties {
		body.Properties = append(body.Properties, eventProperty{p.Name, p.Label, p.Type, p.Options})
	}
	var made eventDefinition
	_, err := s.client.call(ctx, opDefineEvent, target{}, body, &made)
	if err != nil && !taken(err) {
		return broken(f, err)
	}
	s.report.Capabilities.EventNames[e.Name] = or(made.FullName, fmt.Sprintf("pe%d_%s", s.report.PortalID, e.Name))
	if taken(err) {
		return Line{Finding: f, State: Exists}
	}
	return Line{Finding: f, State: Created}
}

// definedEvents reads all definitions, by the names they were given.
func (a *Adapter) definedEvents(ctx context.Context) (map[string]eventDefinition, error) {
	byName := map[string]eventDefinition{}
	for after := ""; ; {
		at := target{query: url.Values{"limit": {"100"}, "includeProperties": {"true"}}}
		if after != "" {
			at.query.Set("after", after)
		}
		var reply struct {
			Results []eventDefinition `json:"results"`
			Paging  struct {
				Next struct {
					After string `json:"after"`
				} `json:"next"`
			} `json:"paging"`
		}
		if _, err := a.client.call(ctx, opDefinitions, at, nil, &reply); err != nil {
			return nil, err
		}
		for _, d := range reply.Results {
			byName[d.Name] = d
		}
		if next := reply.Paging.Next.After; next == "" || next == after {
			return byName, nil
		} else {
			after = next
		}
	}
}
