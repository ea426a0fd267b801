package hubspottest

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
)

// results is the envelope of lists without pages.
type results struct {
	Results any `json:"results"`
}

func (s *Server) listProperties(q *request) response {
	all := slices.DeleteFunc(s.schema.sorted(), func(p *Property) bool { return p.Archived != q.archived() })
	return ok(results{all})
}

func (s *Server) readProperty(q *request) response {
	if p, known := s.schema.properties[q.PathValue("name")]; known {
		return ok(p)
	}
	return resourceNotFound()
}

func (s *Server) createProperty(q *request) response {
	var p Property
	if bad := q.decode(&p); bad != nil {
		return *bad
	}
	if bad := s.checkDefinition(p); bad != nil {
		return bad.response()
	}
	return response{http.StatusCreated, s.define(p)}
}

// define adds a checked definition to the schema.
func (s *Server) define(p Property) *Property {
	p.CreatedAt = s.now().Format(timeLayout)
	p.UpdatedAt = p.CreatedAt
	p.HubspotDefined, p.Archived = false, false
	return s.schema.define(p)
}

var propertyName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// fieldTypes are the field types each type may have.
var fieldTypes = map[string][]string{
	"string":      {"text", "textarea", "html", "file", "phonenumber"},
	"number":      {"number"},
	"bool":        {"booleancheckbox"},
	"enumeration": {"select", "radio", "checkbox", "booleancheckbox"},
	"date":        {"date"},
	"datetime":    {"date"},
}

// checkDefinition says what is wrong with a new property. The vendor's words for most of it are not published.
func (s *Server) checkDefinition(p Property) *apiError {
	switch {
	case s.schema.properties[p.Name] != nil:
		return fail(http.StatusConflict, "CONFLICT", fmt.Sprintf("A property named '%s' already exists.", p.Name))
	case !propertyName.MatchString(p.Name):
		return invalid("The property name %q is not valid.", p.Name)
	case p.Label == "" || p.GroupName == "":
		return invalid("Property %q lacks a label or a groupName.", p.Name)
	case s.schema.groups[p.GroupName] == nil:
		return invalid("The property group %q does not exist.", p.GroupName)
	case !slices.Contains(fieldTypes[p.Type], p.FieldType):
		return invalid("Property %q has type %q with fieldType %q, which is not a valid pair.", p.Name, p.Type, p.FieldType)
	case p.HasUniqueValue && len(s.schema.unique) >= maxUnique:
		return invalid("The maximum of %d unique properties is reached.", maxUnique)
	}
	return nil
}

func (s *Server) batchReadProperties(q *request) response {
	var in struct {
		Inputs []struct {
			Name string `json:"name"`
		} `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	found, missing := []*Property{}, []string(nil)
	for _, x := range in.Inputs {
		if p, known := s.schema.properties[x.Name]; known {
			found = append(found, p)
		} else {
			missing = append(missing, x.Name)
		}
	}
	if len(missing) == 0 {
		return ok(s.propertyReply(found, nil))
	}
	return response{http.StatusMultiStatus, s.propertyReply(found, []batchError{{
		Status: "error", Category: "OBJECT_NOT_FOUND", Message: "Some properties do not exist.",
		Context: map[string][]string{"name": missing},
	}})}
}

// batchCreateProperties creates all or none.
func (s *Server) batchCreateProperties(q *request) response {
	var in struct {
		Inputs []Property `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if len(in.Inputs) > maxInputs {
		return tooMany(len(in.Inputs), maxInputs).response()
	}
	for _, p := range in.Inputs {
		if bad := s.checkDefinition(p); bad != nil {
			return bad.response()
		}
	}
	made := []*Property{}
	for _, p := range in.Inputs {
		made = append(made, s.define(p))
	}
	return response{http.StatusCreated, s.propertyReply(made, nil)}
}

func (s *Server) propertyReply(found []*Property, failures []batchError) map[string]any {
	at := s.now().Format(timeLayout)
	reply := map[string]any{"status": "COMPLETE", "results": found, "startedAt": at, "completedAt": at}
	if len(failures) > 0 {
		reply["numErrors"], reply["errors"] = len(failures), failures
	}
	return reply
}

func (s *Server) listGroups(*request) response {
	all := []*Group{}
	for _, name := range slices.Sorted(maps.Keys(s.schema.groups)) {
		all = append(all, s.schema.groups[name])
	}
	return ok(results{all})
}

func (s *Server) readGroup(q *request) response {
	if g, known := s.schema.groups[q.PathValue("name")]; known {
		return ok(g)
	}
	return resourceNotFound()
}

func (s *Server) createGroup(q *request) response {
	var g Group
	if bad := q.decode(&g); bad != nil {
		return *bad
	}
	if s.schema.groups[g.Name] != nil {
		return failure(http.StatusConflict, "CONFLICT", fmt.Sprintf("A property group named '%s' already exists.", g.Name))
	}
	if !propertyName.MatchString(g.Name) || g.Label == "" {
		return invalid("The property group %q lacks a valid name or a label.", g.Name).response()
	}
	s.schema.groups[g.Name] = &g
	return response{http.StatusCreated, &g}
}
