package sync

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// An Agreement is the measured accuracy of a flow: its linked pairs read afresh
// on both sides and compared field by field, past the engine's books.
type Agreement struct {
	Flow string
	// Kinds are the kinds of the records, left first.
	Kinds [2]Kind
	// Population counts the active links. Where Sampled is set only Pairs of
	// them were compared, which the sample chose.
	Population int
	Sampled    bool
	// Pairs counts the links looked at and Missing those with a record gone;
	// Gone tells on which side, left first.
	Pairs, Missing int
	Gone           [2]int
	// Tally counts the compared fields, and Fields by the field's name.
	Tally
	Fields map[string]Tally
	// Differences lists what disagrees, at most 1,000 of them.
	Differences []Difference
	// KeptOut lists what differs only because the flow's [Rollout] keeps the
	// pair out, at most 1,000 of them: what it would bring in step. It is among
	// the skipped.
	KeptOut []Difference
}

// A Tally counts compared fields.
type Tally struct {
	// Compared counts the compared fields and Equal the equal ones. Skipped
	// counts fields that differ and may: held, filtered, kept, paused or gated ones.
	Compared, Equal, Skipped int
}

// Ratio returns Equal/Compared, 1 when nothing was compared.
func (t Tally) Ratio() float64 {
	if t.Compared == 0 {
		return 1
	}
	return float64(t.Equal) / float64(t.Compared)
}

func (t Tally) add(compared, equal, skipped int) Tally {
	return Tally{t.Compared + compared, t.Equal + equal, t.Skipped + skipped}
}

// count counts one field of one pair.
func (a *Agreement) count(field string, compared, equal, skipped int) {
	a.Tally = a.add(compared, equal, skipped)
	a.Fields[field] = a.Fields[field].add(compared, equal, skipped)
}

// A Difference is one field of one pair that disagrees; the field is "" if the
// map panicked.
type Difference struct {
	Link        string
	Left, Right Ref
	Field       string
}

// Verify measures the agreement of all pairs of a flow and enqueues what
// disagrees or misses a record. It is meaningful when the flow is at rest; work
// under way counts as disagreement. The observer gets its progress.
func (e *Engine) Verify(ctx context.Context, flow string) (Agreement, error) {
	return e.VerifySample(ctx, flow, Sample{})
}

// VerifySample is Verify for a sample of the pairs.
func (e *Engine) VerifySample(ctx context.Context, flow string, sample Sample) (Agreement, error) {
	a := Agreement{Flow: flow, Fields: map[string]Tally{}}
	p, err := e.plannerOf(flow)
	if err != nil {
		return a, err
	}
	if err := e.knowSwitches(ctx); err != nil {
		return a, err
	}
	a.Kinds = [2]Kind{p.flow.Left.Kind, p.flow.Right.Kind}
	ctx = WithPriority(ctx, Sweep)
	m := e.meter(flow, "verify "+flow)
	draw, err := e.draw(ctx, flow, sample)
	if err != nil {
		return a, err
	}
	a.Population, a.Sampled, m.Total = draw.population, draw.most > 0, draw.chosen
	e.guarded.counted(flow, draw.population)
	err = e.eachPair(ctx, flow, draw.chooses, func(links []Link) error {
		if err := e.verifyLinks(ctx, p, links, &a); err != nil {
			return err
		}
		m.step(len(links), true)
		return nil
	})
	if err != nil {
		return a, err
	}
	m.step(0, false)
	e.observe(Event{Type: EventVerified, Flow: flow, Agreement: &a})
	return a, nil
}

// verifyLinks compares some links and enqueues those that disagree or
// miss a record.
func (e *Engine) verifyLinks(ctx context.Context, p *Planner, links []Link, a *Agreement) error {
	var sides [2][]Record
	for _, s := range []Side{Left, Right} {
		ids := make([]string, len(links))
		for i := range links {
			ids[i] = links[i].End(s).ID
		}
		end := p.flow.End(s)
		err := patiently(ctx, func() (err error) {
			sides[s], err = e.cfg.Peers[end.System].Source.Read(ctx, end.Kind, ids)
			return err
		})
		if err != nil {
			return err
		}
	}
	var again []Item
	for i := range links {
		agreed, err := e.compare(ctx, p, &links[i], [2]Record{sides[Left][i], sides[Right][i]}, a)
		if err != nil {
			return err
		}
		if !agreed || moved(&links[i], Left, sides[Left][i]) || moved(&links[i], Right, sides[Right][i]) {
			id := "verify:" + links[i].ID + ":" + strconv.FormatInt(time.Now().UnixNano(), 36)
			again = append(again, Change{ID: id, Ref: links[i].Left, Reason: ReasonVerify, Priority: Sweep})
		}
	}
	return e.Enqueue(ctx, again...)
}

// moved reports whether an end of a pair answers as another record: it was
// merged away, and perhaps nobody told.
func moved(l *Link, s Side, rec Record) bool { return rec.ID != "" && rec.ID != l.End(s).ID }

// compare is verifyPair. A pair at which the map panics disagrees, and the look at
// it says why.
func (e *Engine) compare(ctx context.Context, p *Planner, link *Link, recs [2]Record, a *Agreement) (agreed bool, err error) {
	err = e.safely(ctx, func() (err error) { agreed, err = e.verifyPair(ctx, p, link, recs, a); return err })
	if !panicked(err) {
		return agreed, err
	}
	a.Tally = a.add(1, 0, 0)
	a.Differences = noted(a.Differences, Difference{Link: link.ID, Left: link.Left, Right: link.Right})
	return false, nil
}

// verifyPair compares one pair and reports whether it needs no look.
func (e *Engine) verifyPair(ctx context.Context, p *Planner, link *Link, recs [2]Record, a *Agreement) (bool, error) {
	a.Pairs++
	var views [2]View
	for _, s := range []Side{Left, Right} {
		if recs[s].Deleted {
			a.Gone[s]++
		}
		views[s] = View{Exists: true, Record: recs[s], Degraded: e.degraded(p.flow.End(s))}
	}
	if recs[Left].Deleted || recs[Right].Deleted {
		a.Missing++
		return false, nil
	}
	differing := p.differing(recs[Left].Fields, recs[Right].Fields)
	for i := range p.flow.Fields {
		if f := &p.flow.Fields[i]; !slices.Contains(differing, f) {
			a.count(f.Name, 1, 1, 0)
		}
	}
	if len(differing) == 0 {
		return true, nil
	}
	base, err := e.cfg.Store.Base(ctx, link.ID)
	if err != nil {
		return false, err
	}
	agreed := true
	out, stops := p.flow.Rollout.keepsOut(link.Left, link.Right) != "", e.stops(p.flow, link.ID)
	for _, f := range differing {
		diff := Difference{link.ID, link.Left, link.Right, f.Name}
		switch {
		case p.mayDiffer(f, views, base, stops):
			a.count(f.Name, 0, 0, 1)
		case out:
			a.count(f.Name, 0, 0, 1)
			a.KeptOut = noted(a.KeptOut, diff)
		default:
			agreed = false
			a.count(f.Name, 1, 0, 0)
			a.Differences = noted(a.Differences, diff)
		}
	}
	return agreed, nil
}

// noted adds a difference to a list that is not too long yet.
func noted(list []Difference, d Difference) []Difference {
	if len(list) == 1000 {
		return list
	}
	return append(list, d)
}

// differing lists the fields whose canonical values differ.
func (p *Planner) differing(left, right Fields) []*Field {
	var out []*Field
	for i := range p.flow.Fields {
		f := &p.flow.Fields[i]
		l, lerr := f.Left.Get(left)
		r, rerr := f.Right.Get(right)
		if lerr != nil || rerr != nil || l != r {
			out = append(out, f)
		}
	}
	return out
}

// mayDiffer reports whether the planner leaves a differing field as it is, by
// rule and not by neglect.
func (p *Planner) mayDiffer(f *Field, views [2]View, base Base, gate Gate) bool {
	plan, err := p.PlanGated(views[Left], views[Right], base, gate)
	if err != nil {
		return false
	}
	for i := range plan.Decisions {
		if d := &plan.Decisions[i]; d.Field == f.Name {
			return d.Outcome == Held || d.Outcome == Filtered || d.Outcome == Kept || d.Outcome == Paused || d.Outcome == Gated
		}
	}
	return f.Direction != Both && !base.Zero() // a kept edit on the target
}
