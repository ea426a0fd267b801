package birdtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// usualBody is the template that the documentation of the adapter proposes.
func (s *Server) usualBody() map[string]any {
	return map[string]any{
		"event":               "{{event}}",
		"event_id":            "{{run.id}}",
		"occurred_at":         "{{run.time}}",
		"bird_contact_id":     "{{context.contact.id}}",
		"msisdn":              "{{context.contact.attributes.phonenumber}}",
		"email":               "{{context.contact.attributes.emailaddress}}",
		"name":                "{{context.contact.computedDisplayName}}",
		"conversation_id":     "{{context.conversation.id}}",
		"conversation_status": "{{context.contact.attributes.conversation_status}}",
		"property_interest":   "{{context.contact.attributes.property_interest}}",
		"external_id":         "{{context.contact.identifiers." + s.opts.ExternalIDKey + "}}",
		"attributes":          map[string]any{"propertyInterest": "{{context.contact.attributes.propertyInterest}}"},
	}
}

// variables are what a template may name, decoded from JSON.
func (s *Server) variables(c *Contact, v *Conversation, event string, arguments map[string]any) map[string]any {
	contact := decoded(s.wire(c))
	identifiers := map[string]any{}
	for _, i := range c.Identifiers {
		identifiers[i.Key] = c.newest(i.Key)
	}
	contact["identifiers"] = identifiers
	known := map[string]any{"contact": contact}
	if v != nil {
		known["conversation"], known["feedItem"] = decoded(s.wireConversation(v)), wireFeedItem(v)
	}
	return map[string]any{
		"event": event, "arguments": arguments, "context": known,
		"run": map[string]any{"id": s.uuid(), "time": c.UpdatedAt.Format(timeLayout)},
	}
}

func decoded(v any) map[string]any {
	data, err := json.Marshal(v)
	if err != nil {
		panic("birdtest: an answer does not encode as JSON: " + err.Error())
	}
	var m map[string]any
	_ = json.Unmarshal(data, &m) // what was just encoded decodes
	return m
}

var variablePattern = regexp.MustCompile(`\{\{\s*([^{}]+?)\s*\}\}`)

// render fills a template. A text that is one variable becomes its value, any
// other has the values written into it.
func (s *Server) render(template any, values map[string]any) any {
	switch t := template.(type) {
	case map[string]any:
		filled := make(map[string]any, len(t))
		for key, v := range t {
			filled[key] = s.render(v, values)
		}
		return filled
	case []any:
		filled := make([]any, len(t))
		for i, v := range t {
			filled[i] = s.render(v, values)
		}
		return filled
	case string:
		if m := variablePattern.FindStringSubmatch(t); m != nil && m[0] == t {
			return s.value(lookup(values, m[1]))
		}
		return variablePattern.ReplaceAllStringFunc(t, func(name string) string {
			return written(lookup(values, variablePattern.FindStringSubmatch(name)[1]))
		})
	}
	return template
}

// lookup finds a variable. Keys may have dots of their own.
func lookup(values any, name string) any {
	m, ok := values.(map[string]any)
	if !ok {
		return nil
	}
	if v, ok := m[name]; ok {
		return v
	}
	for i := range name {
		if head, rest := name[:i], name[i:]; strings.HasPrefix(rest, ".") {
			if v := lookup(m[head], rest[1:]); v != nil {
				return v
			}
		}
	}
	return nil
}

// value is what a variable becomes: nothing is an empty text, and arrays stay
// ones unless they are switched to be texts.
func (s *Server) value(v any) any {
	items, isArray := v.([]any)
	if v == nil || isArray && (len(items) == 0 || s.opts.ArraysAsText) {
		return written(v)
	}
	return v
}

// written is a value as text.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []any:
		if len(v) == 0 {
			return ""
		}
	case map[string]any:
	default:
		return fmt.Sprint(v)
	}
	data, _ := json.Marshal(v) // it was decoded from JSON
	return string(data)
}
