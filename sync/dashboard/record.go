package dashboard

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// liveTimeout bounds how long a page waits for the systems. What is known here
// is shown in any case.
const liveTimeout = 10 * time.Second

// recordPage shows a pair of records.
type recordPage struct {
	Flow     *sync.Flow
	Ref      sync.Ref
	Link     sync.Link
	Fields   []fieldRow
	Letters  []letter
	Events   []sync.Entry
	Trouble  [2]string // why a side could not be read, left first
	Forecast *sync.Forecast
	Foreseen string // why there is no forecast
	Revealed bool
}

// A fieldRow is a field of a pair.
type fieldRow struct {
	*sync.Field
	Left, Base, Right string
	State             string // in a word
	Why               string // in a sentence
	Steps             []stepRow
	Last              time.Time // written, zero if never
}

// A stepRow is a decision about a field.
type stepRow struct {
	sync.Step
	Was   [2]string
	After string
	Why   string
}

func (d *Dashboard) record(w http.ResponseWriter, r *http.Request) error {
	p, err := d.recordOf(r, false)
	if err != nil {
		return err
	}
	return d.show(w, r, "record", "Record "+p.Ref.String(), p)
}

// reveal shows the record with its values, after a note in the audit.
func (d *Dashboard) reveal(w http.ResponseWriter, r *http.Request) error {
	flow, ref, err := d.named(r)
	if err != nil {
		return err
	}
	link, err := d.opts.Config.Store.Link(r.Context(), flow.Name, ref)
	if errors.Is(err, sync.ErrNotFound) {
		link, err = unlinked(flow, ref), nil
	}
	if err != nil {
		return err
	}
	if err := d.act(r, Reveal, "the values of "+ref.String(), sync.Entry{Flow: flow.Name, Link: link.ID, Left: link.Left, Right: link.Right}); err != nil {
		return err
	}
	p, err := d.recordOf(r, true)
	if err != nil {
		return err
	}
	return d.show(w, r, "record", "Record "+p.Ref.String(), p)
}

// syncNow has both sides of the pair looked at at once.
func (d *Dashboard) syncNow(w http.ResponseWriter, r *http.Request) error {
	flow, ref, err := d.named(r)
	if err != nil {
		return err
	}
	if err := d.act(r, SyncNow, ref.String(), sync.Entry{Flow: flow.Name, Left: ref}); err != nil {
		return err
	}
	change := sync.Change{ID: "dashboard:" + rand.Text(), Ref: ref, Reason: sync.ReasonManual}
	if err := d.opts.Engine.Enqueue(r.Context(), change); err != nil {
		return err
	}
	return d.done(w, r, "queued", "/record", "flow", flow.Name, "ref", ref.String())
}

// erase has everything about the person behind a pair removed, in both systems
// and here. The form repeats the record's id, so that nobody slips.
func (d *Dashboard) erase(w http.ResponseWriter, r *http.Request) error {
	flow, ref, err := d.named(r)
	if err != nil {
		return err
	}
	if r.FormValue("sure") != ref.ID {
		return badInput("to erase a person, repeat the id of the record: " + ref.ID)
	}
	if err := d.act(r, Erase, ref.String(), sync.Entry{Flow: flow.Name, Left: ref}); err != nil {
		return err
	}
	if _, err := d.opts.Engine.Erase(r.Context(), flow.Name, ref); err != nil {
		return err
	}
	return d.done(w, r, "erased", "/record", "flow", flow.Name, "ref", ref.String())
}

// named returns the flow and the record that a request names.
func (d *Dashboard) named(r *http.Request) (*sync.Flow, sync.Ref, error) {
	ref, err := parseRef(r.FormValue("ref"))
	if err != nil {
		return nil, ref, err
	}
	name := r.FormValue("flow")
	if name == "" {
		name = d.flowOf(ref)
	}
	flow, err := d.flow(name)
	return flow, ref, err
}

// recordOf reads everything about a pair: its history, both sides as they are
// now, and what a sync would do.
func (d *Dashboard) recordOf(r *http.Request, revealed bool) (p recordPage, err error) {
	ctx := r.Context()
	p.Revealed = revealed
	if p.Flow, p.Ref, err = d.named(r); err != nil {
		return p, err
	}
	story, err := d.opts.Engine.Explain(ctx, p.Flow.Name, p.Ref)
	never := errors.Is(err, sync.ErrNotFound)
	if never {
		story.Link, story.Fields = unlinked(p.Flow, p.Ref), make([]sync.FieldStory, len(p.Flow.Fields))
	} else if err != nil {
		return p, err
	}
	p.Link, p.Events = story.Link, story.Events
	slices.Reverse(p.Events)
	live, cancel := context.WithTimeout(ctx, liveTimeout)
	defer cancel()
	var sides [2]sync.Record
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		sides[s], p.Trouble[s] = d.read(live, p.Link.End(s))
	}
	for i := range story.Fields {
		f := &p.Flow.Fields[i]
		p.Fields = append(p.Fields, p.row(f, &story.Fields[i], sides, revealed || d.plain[p.Flow.Name+"/"+f.Name]))
	}
	if p.Letters, err = d.lettersOf(ctx, &p.Link); err != nil {
		return p, err
	}
	if near, _ := p.Flow.SideOf(p.Ref); never && p.Trouble[near] != "" && len(p.Letters) == 0 {
		return p, notFound("nothing is known of this record: " + p.Trouble[near])
	}
	forecast, err := d.opts.Engine.Forecast(live, p.Flow.Name, []sync.Ref{p.Ref})
	if err != nil {
		p.Foreseen = err.Error()
	} else {
		p.Forecast = &forecast
	}
	return p, ctx.Err()
}

// unlinked stands for the link of a record that has none.
func unlinked(flow *sync.Flow, ref sync.Ref) sync.Link {
	link := sync.Link{Flow: flow.Name, State: "never linked"}
	if s, _ := flow.SideOf(ref); s == sync.Left {
		link.Left = ref
	} else {
		link.Right = ref
	}
	return link
}

// read returns a record as it is now, or why it cannot.
func (d *Dashboard) read(ctx context.Context, ref sync.Ref) (sync.Record, string) {
	if ref.Zero() {
		return sync.Record{}, "there is none (yet)"
	}
	recs, err := d.opts.Config.Peers[ref.System].Source.Read(ctx, ref.Kind, []string{ref.ID})
	switch {
	case err != nil:
		return sync.Record{}, err.Error()
	case len(recs) != 1 || recs[0].Deleted:
		return sync.Record{}, "the record is gone"
	}
	return recs[0], ""
}

// row shows a field of the pair.
func (p *recordPage) row(f *sync.Field, story *sync.FieldStory, sides [2]sync.Record, plain bool) fieldRow {
	row := fieldRow{Field: f, State: "never agreed"}
	if story.Known {
		row.Base = shown(story.Agreed, plain)
	}
	left, lerr := f.Left.Get(sides[sync.Left].Fields)
	right, rerr := f.Right.Get(sides[sync.Right].Fields)
	row.Left, row.Right = cell(left, lerr, plain), cell(right, rerr, plain)
	switch {
	case lerr != nil || rerr != nil:
		row.State = "breaks a rule"
	case p.Link.Left.Zero() || p.Link.Right.Zero():
		row.State = "one side only"
	case p.Trouble[sync.Left] != "" || p.Trouble[sync.Right] != "":
		row.State = "unknown"
	case left == right || left.Blank() && right.Blank():
		row.State = "agrees"
	default:
		row.State = "differs"
	}
	for _, s := range slices.Backward(story.Steps) {
		row.Steps = append(row.Steps, stepRow{Step: s, Was: [2]string{shown(s.Before[0], plain), shown(s.Before[1], plain)},
			After: shown(s.After, plain), Why: because(p.Flow, &s.Decision)})
		if s.Written && row.Last.IsZero() {
			row.Last = s.At
		}
	}
	row.Why = "Nothing was ever decided about it."
	if len(row.Steps) > 0 {
		row.Why = row.Steps[0].Why
	}
	return row
}

// cell shows a value of a side, or the rule that it breaks.
func cell(v sync.Value, err error, plain bool) string {
	if err != nil {
		return "⚠ breaks a rule"
	}
	return shown(v, plain)
}
