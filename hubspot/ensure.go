package hubspot

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// createGroup creates the property group of a kind.
func (s *setup) createGroup(ctx context.Context, f Finding) Line {
	done := Line{Finding: Finding{What: f.What, Kind: f.Kind, Name: f.Name}, State: WouldCreate}
	if s.dry {
		return done
	}
	body := map[string]string{"name": s.need.Group, "label": s.need.GroupLabel}
	_, err := s.client.call(ctx, opCreateGroup, objectTypes[f.Kind].target(), body, nil)
	switch {
	case taken(err):
		done.State = Exists
	case err != nil:
		s.stuck[f.Kind] = broken(f, err)
		return s.stuck[f.Kind]
	default:
		done.State = Created
	}
	return done
}

// createProperty creates a property, unless its group could not be.
func (s *setup) createProperty(ctx context.Context, f Finding, p Property) Line {
	done := Line{Finding: Finding{What: f.What, Kind: f.Kind, Name: f.Name, Field: f.Field}, State: WouldCreate}
	if s.dry {
		return done
	}
	if l, stuck := s.stuck[f.Kind]; stuck {
		f.Rule, f.Note = l.Rule, "not tried without its group"
		return Line{Finding: f, State: l.State}
	}
	if s.need.isKey(p) {
		return s.createKey(ctx, done, p)
	}
	return s.create(ctx, done, p)
}

// createKey creates the key of a kind of activities with unique values, or
// without where HubSpot refuses them.
func (s *setup) createKey(ctx context.Context, done Line, p Property) Line {
	p.Unique = true
	l := s.create(ctx, done, p)
	if l.State == Failed && sync.ActionOf(l.Err) == sync.Invalid {
		p.Unique = false
		l = s.create(ctx, done, p)
	}
	if l.State == Created {
		return s.key(l, p.Unique)
	}
	return l
}

// create makes one attempt. Who finds the property there has been overtaken,
// and looks at it again. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
func (s *setup) create(ctx context.Context, done Line, p Property) Line {
	var made definition
	_, err := s.client.call(ctx, opCreateProperty, objectTypes[p.Kind].target(), s.need.definition(p), &made)
	switch {
	case taken(err):
		return s.again(ctx, done.Finding, p)
	case err != nil:
		return broken(done.Finding, err)
	}
	done.State = Created
	return done
}

// again compares a property that appeared after the look.
func (s *setup) again(ctx context.Context, f Finding, p Property) Line {
	at := objectTypes[p.Kind].target()
	at.id = p.Name
	var d definition
	if _, err := s.client.call(ctx, opProperty, at, nil, &d); err != nil {
		return broken(f, err)
	}
	s.have.properties[p.Kind][p.Name] = d
	if s.need.isKey(p) {
		p.Unique = false
	}
	return s.settled(compareProperty(p, s.have))
}

// addOptions adds the missing options to a property of our group. Nobody
// else's is touched.
func (s *setup) addOptions(ctx context.Context, f Finding) Line {
	p, d := s.property(f), s.have.properties[f.Kind][f.Name]
	if !p.ours() || d.GroupName != s.need.Group || d.Stock || d.Modification.ReadOnlyOptions {
		return Line{Finding: f, State: Person}
	}
	lost := p.lacks(d)
	done := Line{Finding: Finding{What: f.What, Kind: f.Kind, Name: f.Name, Field: f.Field, Note: "options " + listed(valuesOf(lost))}, State: WouldChange}
	if s.dry {
		return done
	}
	at := objectTypes[f.Kind].target()
	at.id = f.Name
	body := map[string][]option{"options": slices.Concat(d.Options, options(lost, len(d.Options)))}
	if _, err := s.client.call(ctx, opUpdateProperty, at, body, nil); err != nil {
		return broken(f, err)
	}
	done.State = Changed
	return done
}

// definition is a property as HubSpot is asked to create it.
func (s *Schema) definition(p Property) definition {
	return definition{Name: p.Name, Label: p.Label, Description: p.Description, GroupName: s.Group,
		Type: p.Type, FieldType: p.FieldType, Unique: p.Unique, Options: options(p.Options, 0)}
}

// options are in the order in which people see them, from a place on.
func options(list []Option, from int) []option {
	made := make([]option, len(list))
	for i, o := range list {
		made[i] = option{Value: o.Value, Label: o.Label, DisplayOrder: from + i}
	}
	return made
}

// taken reports whether the answer was that the name is in use. The exact
// answer is not documented; older ones had another category.
func taken(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Status == http.StatusConflict || api.Category == "OBJECT_ALREADY_EXISTS")
}
