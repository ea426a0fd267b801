package dashboard

import (
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// plainFields lists, by "flow/field", the fields whose values are never
// masked: those the host names, ids, and values of a declared order.
func plainFields(opts *Options) map[string]bool {
	plain := map[string]bool{}
	for _, flow := range opts.Config.Flows {
		for i := range flow.Fields {
			f := &flow.Fields[i]
			named := slices.Contains(opts.Plain, f.Name) || slices.Contains(opts.Plain, flow.Name+"/"+f.Name)
			id := slices.Contains(f.Left.Names(), sync.IDField) && len(f.Left.Names()) == 1 ||
				slices.Contains(f.Right.Names(), sync.IDField) && len(f.Right.Names()) == 1
			if named || id || f.Policy.Kind == sync.Monotonic {
				plain[flow.Name+"/"+f.Name] = true
			}
		}
	}
	return plain
}

// shown returns a value as a page may show it.
func shown(v sync.Value, plain bool) string {
	switch {
	case v.Blank():
		return ""
	case plain || v.IsBool():
		return v.String()
	}
	return masked(v.String())
}

// masked hides a text but for its ends, and a short one wholly. What is left
// tells a person who knows the value that it is the one.
func masked(text string) string {
	runes := []rune(text)
	if len(runes) < 8 {
		return strings.Repeat("•", 3)
	}
	return string(runes[0]) + strings.Repeat("•", 6) + string(runes[len(runes)-2:])
}

// limited cuts a text.
func limited(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
