package hubspot

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// eventDefinition is a custom event's definition as HubSpot writes it.
type eventDefinition struct {
	Name       string          `json:"name"`
	FullName   string          `json:"fullyQualifiedName"`
	Properties []eventProperty `json:"properties"`
}

// newEvent is an event as HubSpot is asked to define it.
type newEvent struct {
	Name              string          `json:"name"`
	Label             string          `json:"label"`
	Description       string          `json:"description,omitempty"`
	PrimaryObject     string          `json:"primaryObject"`
	DefaultProperties bool            `json:"includeDefaultProperties"`
	Properties        []eventProperty `json:"propertyDefinitions"`
}

type eventProperty struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Type    string   `json:"type"`
	Options []Option `json:"options,omitempty"`
}

// eventPaths are the operations on definitions, by the specification or by
// the guide, which disagree about one version.
type eventPaths struct{ list, define operation }

var (
	bySpecification = eventPaths{opDefinitions, opDefineEvent}
	byGuide         = eventPaths{opDefinitionsGuide, opDefineEventGuide}
)

// events defines the custom events. An account without them refuses to list
// the definitions; its workflows start from properties.
func (s *setup) events(ctx context.Context) {
	if len(s.need.Events) == 0 {
		return
	}
	paths := bySpecification
	have, err := s.definedEvents(ctx, paths.list)
	if _, differs := pathTable[paths.list].odd[s.client.version]; differs && isNotFound(err) {
		paths = byGuide
		have, err = s.definedEvents(ctx, paths.list)
	}
	if err != nil {
		s.add(noEvents(len(s.need.Events), err))
		return
	}
	c := &s.report.Capabilities
	c.CustomEvents, c.EventNames = true, map[string]string{}
	for _, e := range s.need.Events {
		l := s.event(ctx, paths, e, have)
		c.CustomEvents = c.CustomEvents && l.err() == nil
		s.add(l)
	}
}

// noEvents is the line of events that cannot be looked at. An account that is
// not of an Enterprise edition refuses the call like a token without scopes.
func noEvents(n int, err error) Line {
	l := broken(Finding{What: "events", Name: fmt.Sprint(n)}, err)
	if l.State == Person {
		l.State, l.Note = Unavailable, l.Note+"; without an Enterprise edition, properties trigger the workflows"
	}
	return l
}

// event makes sure that one event is defined with its properties.
func (s *setup) event(ctx context.Context, paths eventPaths, e EventDefinition, have map[string]eventDefinition) Line {
	f := Finding{What: "event", Kind: e.Kind, Name: e.Name}
	d, known := have[e.Name]
	if !known {
		return s.defineEvent(ctx, paths, f, e)
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
	if d.Properties == nil {
		return nil // not told
	}
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

func (s *setup) defineEvent(ctx context.Context, paths eventPaths, f Finding, e EventDefinition) Line {
	if s.dry {
		return Line{Finding: f, State: WouldCreate}
	}
	body := newEvent{Name: e.Name, Label: e.Label, Description: e.Description,
		PrimaryObject: strings.ToUpper(string(e.Kind)), Properties: []eventProperty{}}
	for _, p := range e.Properties {
		body.Properties = append(body.Properties, eventProperty{p.Name, p.Label, p.Type, p.Options})
	}
	var made eventDefinition
	_, err := s.client.call(ctx, paths.define, target{}, body, &made)
	if taken(err) { // somebody was faster
		if have, err := s.definedEvents(ctx, paths.list); err == nil && have[e.Name].FullName != "" {
			return s.event(ctx, paths, e, have)
		}
	}
	if err != nil {
		return broken(f, err)
	}
	s.report.Capabilities.EventNames[e.Name] = made.FullName
	return Line{Finding: f, State: Created}
}

// definedEvents reads all definitions, by the names they were given.
func (a *Adapter) definedEvents(ctx context.Context, op operation) (map[string]eventDefinition, error) {
	byName := map[string]eventDefinition{}
	at := target{query: url.Values{"limit": {"100"}, "includeProperties": {"true"}}}
	for {
		var reply struct {
			Results []eventDefinition `json:"results"`
			Paging  struct {
				Next struct {
					After string `json:"after"`
				} `json:"next"`
			} `json:"paging"`
		}
		if _, err := a.client.call(ctx, op, at, nil, &reply); err != nil {
			return nil, err
		}
		for _, d := range reply.Results {
			byName[d.short()] = d
		}
		next := reply.Paging.Next.After
		if next == "" || next == at.query.Get("after") {
			return byName, nil
		}
		at.query.Set("after", next)
	}
}

// short is the name that the event was given, which the full one ends in.
func (d eventDefinition) short() string {
	_, name, _ := strings.Cut(d.FullName, "_")
	return or(name, d.Name)
}
