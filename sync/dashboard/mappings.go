package dashboard

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// mappingsPage shows how the fields of the two sides correspond.
type mappingsPage struct {
	Flows []mappingOf
	Tried *trial
}

// A mappingOf is a flow as the page tells it.
type mappingOf struct {
	*sync.Flow
	Lines []mappingLine
}

// Blank is a record of the left without values, to be filled in.
func (m mappingOf) Blank() string {
	var lines []string
	for _, name := range m.Flow.Names(sync.Left) {
		lines = append(lines, "  "+strconv.Quote(name)+`: ""`)
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}"
}

// A mappingLine is a field.
type mappingLine struct {
	*sync.Field
	Left, Right string // the raw names
	Arrow       string
	Settled     string // how conflicts are
}

// arrow shows where a field travels, by a sign and in words.
func arrow(flow *sync.Flow, f *sync.Field) string {
	switch f.Direction {
	case sync.ToRight:
		return "→ to " + string(flow.Right.System)
	case sync.ToLeft:
		return "← to " + string(flow.Left.System)
	}
	return "↔ both ways"
}

// settled says how conflicts of a field are settled.
func settled(flow *sync.Flow, f *sync.Field) string {
	owner := string(flow.End(f.Policy.Owner).System)
	switch f.Policy.Kind {
	case "", sync.LastWriteWins:
		return "the last write, or " + owner + " if nobody can tell"
	case sync.Own:
		return owner + " owns it"
	case sync.PreferUnlessBlank:
		return owner + " unless it is blank there"
	case sync.Monotonic:
		return "the later one of an order; " + owner + " may go back"
	}
	return string(f.Policy.Kind)
}

func (d *Dashboard) mappings(w http.ResponseWriter, r *http.Request) error {
	return d.show(w, r, "mappings", "Mappings", mappingsPage{Flows: d.mapped()})
}

// mapped lists the flows.
func (d *Dashboard) mapped() []mappingOf {
	var out []mappingOf
	for _, flow := range d.opts.Config.Flows {
		m := mappingOf{Flow: flow}
		for i := range flow.Fields {
			f := &flow.Fields[i]
			m.Lines = append(m.Lines, mappingLine{Field: f, Left: strings.Join(f.Left.Names(), ", "), Right: strings.Join(f.Right.Names(), ", "),
				Arrow: arrow(flow, f), Settled: settled(flow, f)})
		}
		out = append(out, m)
	}
	return out
}

// A trial is a record that somebody made up, taken through the mapping.
type trial struct {
	Flow *sync.Flow
	From sync.Side
	Text string
	Rows []trialRow
	Left string // why a condition keeps the record from leaving
}

// A trialRow is one field: what the one side holds, its canonical value, and
// what the other would be given.
type trialRow struct {
	Field, Canonical, Trouble string
	Given                     map[string]string
}

// try takes a pasted record through the mapping. It reads and writes nothing.
func (d *Dashboard) try(w http.ResponseWriter, r *http.Request) error {
	flow, err := d.flow(r.FormValue("flow"))
	if err != nil {
		return err
	}
	t := &trial{Flow: flow, Text: r.FormValue("record")}
	if r.FormValue("from") == sync.Right.String() {
		t.From = sync.Right
	}
	var fields sync.Fields
	if err := json.Unmarshal([]byte(t.Text), &fields); err != nil {
		return badInput(`give the record as a JSON object of raw names and values, such as {"email": "ada@example.com"}`)
	}
	t.run(fields)
	return d.show(w, r, "mappings", "Mappings", mappingsPage{Flows: d.mapped(), Tried: t})
}

// run sees the record through the lenses of one side and puts it through those
// of the other.
func (t *trial) run(fields sync.Fields) {
	for i := range t.Flow.Fields {
		t.Rows = append(t.Rows, t.field(&t.Flow.Fields[i], fields))
	}
	leave := t.Flow.End(t.From).Leave
	if leave == nil {
		return
	}
	var changed []string
	for name, v := range fields {
		if !v.Blank() {
			changed = append(changed, name)
		}
	}
	ok, why, err := leave(sync.Record{Fields: fields}, changed)
	switch {
	case err != nil:
		t.Left = err.Error()
	case !ok:
		t.Left = why
	}
}

func (t *trial) field(f *sync.Field, fields sync.Fields) trialRow {
	row := trialRow{Field: f.Name}
	near, far := f.Left, f.Right
	if t.From == sync.Right {
		near, far = far, near
	}
	v, err := near.Get(fields)
	if err != nil {
		row.Trouble = err.Error()
		return row
	}
	row.Canonical = v.String()
	if f.Direction != sync.Both && (f.Direction == sync.ToRight) != (t.From == sync.Left) {
		row.Trouble = "does not travel in this direction"
		return row
	}
	given, err := far.Put(v, nil)
	if err != nil {
		row.Trouble = err.Error()
		return row
	}
	row.Given = map[string]string{}
	for name, raw := range given {
		row.Given[name] = raw.String()
	}
	return row
}
