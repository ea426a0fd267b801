package mapping

import (
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// boolCodec sees booleans, written as JSON booleans or as "true" and "false".
type boolCodec struct{ form Form }

func (boolCodec) decode(raw sync.Value) (sync.Value, *fault) {
	if raw.IsBool() {
		return raw, nil
	}
	s := strings.TrimSpace(raw.String())
	switch {
	case raw.IsList() || raw.IsNumber():
	case s == "":
		return sync.Value{}, nil
	case strings.EqualFold(s, "true"):
		return sync.Bool(true), nil
	case strings.EqualFold(s, "false"):
		return sync.Bool(false), nil
	}
	return sync.Value{}, &fault{"bool.format", `write "true" or "false"; for other words use type enum`}
}

func (c boolCodec) encode(v sync.Value) (sync.Value, *fault) { return c.form.write(v.String()), nil }
