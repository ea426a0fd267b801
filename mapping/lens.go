package mapping

import (
	"maps"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A lens is one side of a field. It never changes once built.
type lens struct {
	field    *Field
	side     sync.Side
	names    []string
	form     Form
	codec    codec
	clean    []func(string) string
	required bool      // a blank is refused when read, not only when written
	template *template // makes the raw text, nil for most
	with     sync.Fields
}

// Names implements [sync.Lens].
func (l *lens) Names() []string {
	return append(l.names[:len(l.names):len(l.names)], slices.Sorted(maps.Keys(l.with))...)
}

// Get implements [sync.Lens].
func (l *lens) Get(f sync.Fields) (sync.Value, error) {
	raw := l.look(f)
	v, bad := l.read(raw)
	if bad != nil {
		return sync.Value{}, l.refuse(bad, raw)
	}
	return v, nil
}

// Put implements [sync.Lens]. It keeps the present raw values when they
// already say v, for they may hold more than v does: a split of a name, a
// finer option, a time to the microsecond.
func (l *lens) Put(v sync.Value, current sync.Fields) (sync.Fields, error) {
	if bad := l.check(v, l.field.Required); bad != nil {
		return nil, l.refuse(bad, v)
	}
	if now, err := l.Get(current); err == nil && now == v {
		return l.keep(current), nil
	}
	if v.Blank() {
		return l.spread(sync.Value{}), nil
	}
	raw, bad := l.codec.encode(v)
	if bad != nil {
		return nil, l.refuse(bad, v)
	}
	return l.spread(raw), nil
}

// read turns a raw value into the canonical one and checks it.
func (l *lens) read(raw sync.Value) (sync.Value, *fault) {
	raw = l.tidy(raw)
	if raw.Blank() {
		return sync.Value{}, l.check(raw, l.required)
	}
	v, bad := l.codec.decode(raw)
	if bad != nil {
		return v, bad
	}
	if v.Blank() {
		v = sync.Value{}
	}
	return v, l.check(v, l.required)
}

// check applies the rules to a canonical value.
func (l *lens) check(v sync.Value, required bool) *fault {
	if v.Blank() && required {
		return &fault{"required", "give the field a value"}
	}
	return checkRule(l.field.Rule, v)
}

// tidy runs the cleaners over a raw value as text, or over each of a list.
func (l *lens) tidy(raw sync.Value) sync.Value {
	switch {
	case len(l.clean) == 0 || raw.Blank():
		return raw
	case raw.IsList():
		items := raw.Items()
		for i := range items {
			items[i] = l.tidyText(items[i])
		}
		return sync.List(items...)
	}
	return sync.Text(l.tidyText(raw.String()))
}

func (l *lens) tidyText(s string) string {
	for _, clean := range l.clean {
		s = clean(s)
	}
	return s
}

// look returns the raw value; a first and a last name make one.
func (l *lens) look(f sync.Fields) sync.Value {
	if l.template != nil {
		return l.template.of(f, l.names)
	}
	if len(l.names) == 1 {
		return f[l.names[0]]
	}
	first, last := f[l.names[0]].String(), f[l.names[1]].String()
	switch {
	case last == "":
		return sync.Text(first)
	case first == "":
		return sync.Text(last)
	}
	return sync.Text(first + " " + last)
}

// spread returns the raw fields that hold a value. Of a full name the first
// word is the first name and the rest the last name; a null clears both.
func (l *lens) spread(raw sync.Value) sync.Fields {
	if len(l.names) == 1 {
		out := sync.Fields{l.names[0]: raw}
		if !raw.Blank() {
			maps.Copy(out, l.with)
		}
		return out
	}
	first, last, _ := strings.Cut(raw.String(), " ")
	return sync.Fields{l.names[0]: textOrNull(first), l.names[1]: textOrNull(last)}
}

// along has a text written along with every value.
func (l *lens) along(name, text string) {
	if l.with == nil {
		l.with = sync.Fields{}
	}
	l.with[name] = sync.Text(text)
}

func textOrNull(s string) sync.Value {
	if s == "" {
		return sync.Value{}
	}
	return sync.Text(s)
}

// keep returns the lens's present raw fields.
func (l *lens) keep(current sync.Fields) sync.Fields {
	out := make(sync.Fields, len(l.names))
	for _, n := range l.Names() {
		if v, ok := current[n]; ok {
			out[n] = v
		}
	}
	return out
}

// refuse makes the error of a broken rule. It tells the value's shape only.
func (l *lens) refuse(bad *fault, v sync.Value) error {
	return &sync.Error{Op: "mapping", Action: sync.Invalid, Field: l.field.Name, Rule: bad.rule,
		Hint: l.side.String() + " " + strings.Join(l.names, "+") + " holds " + v.Shape() + ": " + bad.hint}
}

// A watch makes a side read raw fields, which conditions ask for, without
// mapping them: it sees nothing and writes nothing.
type watch struct{ names []string }

func (w watch) Names() []string                                { return w.names }
func (watch) Get(sync.Fields) (sync.Value, error)              { return sync.Value{}, nil }
func (watch) Put(sync.Value, sync.Fields) (sync.Fields, error) { return nil, nil }
