package bird

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/urbanhub/crmsync/sync"
)

// LoadFlowMap reads a map from YAML, such as
//
//	paths:
//	  bird_contact_id: contact.id
//	events:
//	  visita.agendada:
//	    fact: tour.scheduled
//	    paths: {starts_at: visita.inicio}
//	    required: [starts_at, property]
//
// The name of the source is used in errors, which join everything found wrong,
// each a [*sync.Error] with its line and column. Unknown keys and keys written
// twice are refused.
func LoadFlowMap(name string, source []byte) (FlowMap, error) {
	if len(source) > maxBody {
		return FlowMap{}, loadError(name, yaml.Mark{Line: 1, Column: 1}, "yaml.size", "keep the map below 1 MiB")
	}
	var root yaml.Node
	if err := yaml.Load(source, &root); err != nil {
		return FlowMap{}, syntaxError(name, err)
	}
	var m FlowMap
	if err := yaml.Load(source, &m, yaml.WithKnownFields()); err != nil {
		return FlowMap{}, syntaxError(name, err)
	}
	err := m.check(func(p mapProblem) error {
		return mapError(p, func() error { return position(name, locate(&root, p.at)) })
	})
	if err != nil {
		return FlowMap{}, err
	}
	return m, nil
}

// syntaxError tells what the parser found.
func syntaxError(name string, err error) error {
	var several *yaml.LoadErrors
	var one *yaml.LoadError
	switch {
	case errors.As(err, &several):
		var errs []error
		for _, e := range several.Errors {
			errs = append(errs, loadError(name, e.Mark, "yaml.key", readable(e.Message)))
		}
		return errors.Join(errs...)
	case errors.As(err, &one):
		return loadError(name, one.Mark, "yaml.syntax", "mend the YAML: "+one.Message)
	}
	return loadError(name, yaml.Mark{}, "yaml.syntax", "mend the YAML: "+err.Error())
}

// readable says in the words of the map what the parser says in Go's.
func readable(message string) string {
	message = strings.NewReplacer(
		"not found in type bird.FlowMap", "is not known; use paths and events",
		"not found in type bird.FlowEvent", "is not known; use fact, paths and required",
		"!!seq", "a list", "!!map", "an object", "!!str", "a text",
		"bird.FlowMap", "the map", "bird.FlowEvent", "an event", "map[string]string", "an object of texts", "[]string", "a list of texts",
	).Replace(message)
	return strings.TrimPrefix(message, "yaml: ")
}

func loadError(name string, at yaml.Mark, rule, hint string) error {
	return &sync.Error{Op: "bird: load flow map", Action: sync.Fatal, Rule: rule, Hint: hint, Err: position(name, at)}
}

// mapError tells of a problem; where is nil for a map that is in no file.
func mapError(p mapProblem, where func() error) error {
	e := &sync.Error{Op: "bird: configure", Action: sync.Fatal, Field: strings.Join(p.at, "."), Rule: p.rule, Hint: p.hint,
		Err: errors.New("the map is not usable")}
	if where != nil {
		e.Op, e.Err = "bird: load flow map", where()
	}
	return e
}

func position(name string, at yaml.Mark) error {
	return fmt.Errorf("at %s:%d:%d", name, max(1, at.Line), max(1, at.Column))
}

// locate returns the place of a key, or of the nearest one around it.
func locate(n *yaml.Node, keys []string) yaml.Mark {
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		return locate(n.Content[0], keys)
	}
	for i := 0; len(keys) > 0 && n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == keys[0] {
			inner := n.Content[i+1]
			if len(keys) == 1 || inner.Kind != yaml.MappingNode {
				return yaml.Mark{Line: n.Content[i].Line, Column: n.Content[i].Column}
			}
			return locate(inner, keys[1:])
		}
	}
	return yaml.Mark{Line: n.Line, Column: n.Column}
}
