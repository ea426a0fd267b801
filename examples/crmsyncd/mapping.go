package main

import (
	"cmp"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// compile makes what the engine runs of the preset, or of the file in its
// place. Unique says of which kinds of activities HubSpot keeps the key unique.
func (c *config) compile(unique map[sync.Kind]bool) (*mapping.Compiled, error) {
	set, err := c.mappingSet(unique)
	if err != nil {
		return nil, err
	}
	compiled, err := set.Compile()
	if err != nil {
		return nil, problems{{Key: "mapping", Hint: err.Error()}}
	}
	for name, r := range c.Rollout {
		i := slices.IndexFunc(compiled.Flows, func(f *sync.Flow) bool { return f.Name == name })
		if i < 0 {
			return nil, problems{{Key: "rollout." + name, Hint: "the mapping has no such flow; use one of: " + strings.Join(flowNames(compiled.Flows), ", ")}}
		}
		compiled.Flows[i].Rollout = r.rollout()
	}
	if wrong := unknownFields(compiled.Flows, c.Dashboard.Plain); len(wrong) > 0 {
		return nil, wrong
	}
	return compiled, nil
}

func flowNames(flows []*sync.Flow) []string {
	var out []string
	for _, f := range flows {
		out = append(out, f.Name)
	}
	return out
}

// unknownFields are the fields to show that no flow has: a slip would leave
// them masked.
func unknownFields(flows []*sync.Flow, plain []string) problems {
	var known []string
	named := map[string]bool{}
	for _, flow := range flows {
		for i := range flow.Fields {
			name := flow.Fields[i].Name
			known = append(known, name)
			named[name], named[flow.Name+"/"+name] = true, true
		}
	}
	var wrong problems
	for i, name := range plain {
		if !named[name] {
			slices.Sort(known)
			wrong = append(wrong, problem{Key: fmt.Sprintf("dashboard.plain[%d]", i), Hint: "no flow has such a field; use some of: " + strings.Join(slices.Compact(known), ", ")})
		}
	}
	return wrong
}

func (c *config) mappingSet(unique map[sync.Kind]bool) (*mapping.Set, error) {
	if c.Mapping.File != "" {
		source, err := os.ReadFile(c.Mapping.File)
		if err != nil {
			return nil, problems{{Key: "mapping.file", Hint: "the file cannot be read: " + err.Error()}}
		}
		set, err := mapping.LoadSet(c.Mapping.File, source)
		if err != nil {
			return nil, problems{{Key: "mapping.file", Hint: err.Error()}}
		}
		return set, nil
	}
	o := c.Mapping.options(unique)
	if c.Mapping.ContactsOnly {
		return &mapping.Set{Flows: []mapping.Spec{*urbanhub.ContactSpec(o)}}, nil
	}
	return urbanhub.Set(o), nil
}

func (m *mappingConfig) options(unique map[sync.Kind]bool) urbanhub.Options {
	return urbanhub.Options{Region: m.Region, LeadSources: m.LeadSources, LeadSourceProperty: m.LeadSourceProperty,
		ChangedProperties: m.ChangedProperties, Pipeline: m.Pipeline, Stages: m.Stages, PeoplesStages: m.PeoplesStages,
		Communications: m.Communications, Owner: m.Owner, Zone: m.Zone, CustomEvent: m.CustomEvent,
		WorkflowMessages: m.WorkflowMessages, UniqueActivities: unique}
}

// hasOptions reports whether there are options that the preset alone reads.
// Phone numbers have a region, and workflows ask for messages, whatever the map.
func (m *mappingConfig) hasOptions() bool {
	rest := *m
	rest.File, rest.Region, rest.WorkflowMessages = "", "", false
	for _, v := range keysOf(reflect.ValueOf(&rest).Elem()) {
		if list := v.Kind() == reflect.Slice || v.Kind() == reflect.Map; list && v.Len() > 0 || !list && !v.IsZero() {
			return true
		}
	}
	return false
}

func (r *rolloutConfig) rollout() sync.Rollout {
	out := sync.Rollout{Shadow: r.Shadow, Percent: r.Percent}
	for _, text := range r.Allow {
		if ref, err := parseRef(text); err == nil { // which check has looked at
			out.Allow = append(out.Allow, ref)
		}
	}
	return out
}

// kinds returns the kinds of records of a system that the flows keep in step.
func kinds(flows []*sync.Flow, system sync.System) []sync.Kind {
	var out []sync.Kind
	for _, f := range flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			if end := f.End(s); end.System == system && !slices.Contains(out, end.Kind) {
				out = append(out, end.Kind)
			}
		}
	}
	return out
}

// fields returns the raw names that the flows read of a kind; nil if none does.
func fields(flows []*sync.Flow, system sync.System, kind sync.Kind) []string {
	var out []string
	for _, f := range flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			if end := f.End(s); end.System == system && end.Kind == kind {
				out = append(out, f.Names(s)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hubspotSchema is what the mapping needs of the HubSpot account.
func (c *config) hubspotSchema() (hubspot.Schema, error) {
	if c.Mapping.File != "" {
		return hubspot.Schema{}, nil // whose needs nobody knows
	}
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		return need, err
	}
	if c.Mapping.ContactsOnly {
		need.Pipelines, need.Activities, need.ActivityKey = nil, nil, hubspot.Property{}
		need.Properties = slices.DeleteFunc(need.Properties, func(p hubspot.Property) bool { return p.Kind != hubspot.Contact })
	}
	for i := range need.Pipelines {
		need.Pipelines[i].ID = cmp.Or(c.Mapping.Pipeline, need.Pipelines[i].ID)
		need.Pipelines[i].Stages = c.Mapping.stages()
	}
	return need, nil
}

// aiStages are the stages of the AI agents, in their order.
func aiStages() []string {
	var out []string
	for _, f := range urbanhub.DealSpec(urbanhub.Options{}).Fields {
		for _, o := range f.Options {
			if f.Name == "stage" && !slices.Contains(out, o.Left) {
				out = append(out, o.Left)
			}
		}
	}
	return out
}

// stages are the ids of the deal stages that the preset writes: the first one
// of each AI stage, after which come those that only people choose.
func (m *mappingConfig) stages() []string {
	var out []string
	written := map[string]bool{}
	for _, f := range urbanhub.DealSpec(m.options(nil)).Fields {
		for _, o := range f.Options {
			if f.Name == "stage" && !written[o.Left] && !slices.Contains(out, o.Right) {
				out = append(out, o.Right)
			}
			written[o.Left] = written[o.Left] || f.Name == "stage"
		}
	}
	return out
}
