package hubspot

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// Describe returns the properties that records of a kind have in the account,
// by name; archived ones are left out. With it a map is checked against the
// account itself.
func (a *Adapter) Describe(ctx context.Context, kind sync.Kind) ([]Property, error) {
	if err := kindError("hubspot: describe", kind); err != nil {
		return nil, err
	}
	definitions, err := a.client.definitions(ctx, kind, false)
	if err != nil {
		return nil, err
	}
	described := make([]Property, 0, len(definitions))
	for _, d := range definitions {
		described = append(described, d.property(kind))
	}
	slices.SortFunc(described, func(a, b Property) int { return cmp.Compare(a.Name, b.Name) })
	return described, nil
}

// definition is a property as HubSpot writes it.
type definition struct {
	Name         string   `json:"name"`
	Label        string   `json:"label"`
	Description  string   `json:"description,omitempty"`
	GroupName    string   `json:"groupName"`
	Type         string   `json:"type"`
	FieldType    string   `json:"fieldType"`
	Options      []option `json:"options,omitempty"`
	Unique       bool     `json:"hasUniqueValue,omitempty"`
	Stock        bool     `json:"hubspotDefined,omitempty"`
	Calculated   bool     `json:"calculated,omitempty"`
	Modification struct {
		ReadOnlyValue   bool `json:"readOnlyValue"`
		ReadOnlyOptions bool `json:"readOnlyOptions"`
	} `json:"modificationMetadata,omitzero"`
}

type option struct {
	Value        string `json:"value"`
	Label        string `json:"label"`
	Description  string `json:"description,omitempty"`
	DisplayOrder int    `json:"displayOrder"`
	Hidden       bool   `json:"hidden"`
}

// property is the definition in the words of a schema.
func (d definition) property(kind sync.Kind) Property {
	p := Property{Kind: kind, Name: d.Name, Label: d.Label, Description: d.Description, Type: d.Type, FieldType: d.FieldType,
		Unique: d.Unique, Existing: d.Stock, ReadOnly: d.readOnly()}
	for _, o := range d.Options {
		p.Options = append(p.Options, Option{o.Value, o.Label})
	}
	return p
}

// readOnly reports whether HubSpot alone sets the values.
func (d definition) readOnly() bool { return d.Calculated || d.Modification.ReadOnlyValue }

func (d definition) values() []string {
	values := make([]string, len(d.Options))
	for i, o := range d.Options {
		values[i] = o.Value
	}
	return values
}

// pipeline is a pipeline as HubSpot writes it, and so are its stages.
type pipeline struct {
	ID       string     `json:"id"`
	Label    string     `json:"label"`
	Order    int        `json:"displayOrder"`
	Archived bool       `json:"archived"`
	Stages   []pipeline `json:"stages"`
	Metadata struct {
		Closed      string `json:"isClosed"`
		Probability string `json:"probability"`
	} `json:"metadata"` // of a stage
}

func (p pipeline) stages() []string { return ids(p.Stages) }

// ids are the ids of what is not archived.
func ids(list []pipeline) []string {
	var active []string
	for _, p := range list {
		if !p.Archived {
			active = append(active, p.ID)
		}
	}
	return active
}

// definitions reads the properties of a kind, by name. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
func (c *client) definitions(ctx context.Context, kind sync.Kind, archived bool) (map[string]definition, error) {
	at := objectTypes[kind].target()
	if archived {
		at.query = url.Values{"archived": {"true"}}
	}
	var reply struct {
		Results []definition `json:"results"`
	}
	if _, err := c.call(ctx, opProperties, at, nil, &reply); err != nil {
		return nil, err
	}
	byName := make(map[string]definition, len(reply.Results))
	for _, d := range reply.Results {
		byName[d.Name] = d
	}
	return byName, nil
}

// archivedOf reads which properties of a kind are archived.
func (a *Adapter) archivedOf(ctx context.Context, kind sync.Kind) (map[string]bool, error) {
	definitions, err := a.client.definitions(ctx, kind, true)
	names := make(map[string]bool, len(definitions))
	for name := range definitions {
		names[name] = true
	}
	return names, err
}

// groupsOf reads the names of the property groups of a kind.
func (a *Adapter) groupsOf(ctx context.Context, kind sync.Kind) (map[string]bool, error) {
	var reply struct {
		Results []struct {
			Name string `json:"name"`
		} `json:"results"`
	}
	_, err := a.client.call(ctx, opGroups, objectTypes[kind].target(), nil, &reply)
	names := make(map[string]bool, len(reply.Results))
	for _, g := range reply.Results {
		names[g.Name] = true
	}
	return names, err
}

// pipelinesOf reads the pipelines of a kind with their stages. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
func (a *Adapter) pipelinesOf(ctx context.Context, kind sync.Kind) ([]pipeline, error) {
	reply := struct {
		Results []pipeline `json:"results"`
	}{Results: []pipeline{}}
	_, err := a.client.call(ctx, opPipelines, objectTypes[kind].target(), nil, &reply)
	return reply.Results, err
}
