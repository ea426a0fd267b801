package bird

import (
	"context"
	"net/http"
)

// An AttributeDefinition declares an attribute of the workspace's contacts.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-contact-attribute-definition.
type AttributeDefinition struct {
	Key         string `json:"key"` // letters, digits, "_" and "-", at most 64
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	Cardinality string `json:"cardinality"` // "one" or "many"
	Type        string `json:"type"`        // boolean, datetime, number or string
	PII         bool   `json:"pii"`
	ReadOnly    bool   `json:"readOnly"`
	Builtin     bool   `json:"builtin,omitempty"`  // Bird's own
	Archived    bool   `json:"archived,omitempty"` // not in use any more
}

// valueType returns the type with which the attribute's values are written.
func (d *AttributeDefinition) valueType() AttributeType {
	if d.Cardinality == "many" {
		return ManyAttribute
	}
	return AttributeType(d.Type)
}

// AttributeDefinitions returns all definitions of the workspace.
func (a *Adapter) AttributeDefinitions(ctx context.Context) ([]AttributeDefinition, error) {
	return all[AttributeDefinition](ctx, a, request{op: "bird: list attribute definitions", path: a.workspace + "/attribute-definitions"})
}

// DefineAttribute defines an attribute. One that is defined already is an
// error of action Conflict.
func (a *Adapter) DefineAttribute(ctx context.Context, d AttributeDefinition) error {
	_, err := a.call(ctx, request{op: "bird: define attribute", method: http.MethodPost,
		path: a.workspace + "/attribute-definitions", body: &d}, nil)
	return err
}

// LearnAttributes takes the types of attributes that Options.Attributes does
// not declare from the workspace's definitions; it is best called once at
// start-up. Without it such an attribute is written with the type of its
// value.
func (a *Adapter) LearnAttributes(ctx context.Context) error {
	definitions, err := a.AttributeDefinitions(ctx)
	if err != nil {
		return err
	}
	types := map[string]AttributeType{}
	for i := range definitions {
		if d := &definitions[i]; !d.Archived {
			types[d.Key] = d.valueType()
		}
	}
	a.learned.Store(&types)
	return nil
}

// attributeType returns how an attribute is written, "" if nobody said.
func (a *Adapter) attributeType(key string) AttributeType {
	if t, declared := a.opts.Attributes[key]; declared {
		return t
	}
	if types := a.learned.Load(); types != nil {
		return (*types)[key]
	}
	return ""
}
