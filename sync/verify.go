package sync

import (
	"context"
	"slices"
	"strconv"
	"time"
)

// verifyPage is how many pairs are read at once.
const verifyPage = 100

// An Agreement is the measured accuracy of a flow: every linked pair read
// afresh on both sides and compared field by field, past the engine's books.
type Agreement struct {
	Flow string
	// Pairs counts the active links and Missing those with a record gone.
	Pairs, Missing int
	// Compared counts the compared fields and Equal the equal ones. Skipped
	// counts fields that differ and may: held, filtered, kept, paused or gated ones.
	Compared, Equal, Skipped int
	// Differences lists what disagrees, at most 1,000 of them.
	Differences []Difference
}

// A Difference is one field of one pair that disagrees.
type Difference struct {
	Link        string
	Left, Right Ref
	Field       string
}

// Ratio returns Equal/Compared, 1 when nothing was compared.
func (a *Agreement) Ratio() float64 {
	if a.Compared == 0 {
		return 1
	}
	return float64(a.Equal) / float64(a.Compared)
}

// Verify measures the agreement of a flow and enqueues what disagrees or misses
// a record. It is
// meaningful when the flow is at rest; work under way counts as disagreement.
func (e *Engine) Verify(ctx context.Context, flow string) (Agreement, error) {
	a := Agreement{Flow: flow}
	p, err := e.plannerOf(flow)
	if err != nil {
		return a, err
	}
	for after := ""; ; {
		links, err := e.cfg.Store.Links(ctx, flow, after, verifyPage)
		if err != nil {
			return a, err
		}
		if len(links) == 0 {
			break
		}
		after = links[len(links)-1].ID
		if err := e.verifyLinks(ctx, p, links, &a); err != nil {
			return a, err
		}
	}
	e.guarded.verified(flow, a.Pairs)
	e.observe(Event{Type: EventVerified, Flow: flow, Agreement: &a})
	return a, nil
}

// verifyLinks compares one page of links and enqueues those that disagree or
// miss a record.
func (e *Engine) verifyLinks(ctx context.Context, p *Planner, links []Link, a *Agreement) error {
	links = slices.DeleteFunc(links, func(l Link) bool { return l.State != Active })
	if len(links) == 0 {
		return nil
	}
	var sides [2][]Record
	for _, s := range []Side{Left, Right} {
		ids := make([]string, len(links))
		for i := range links {
			ids[i] = links[i].End(s).ID
		}
		end := p.flow.End(s)
		recs, err := e.cfg.Peers[end.System].Source.Read(ctx, end.Kind, ids)
		if err != nil {
			return err
		}
		sides[s] = recs
	}
	var again []Item
	for i := range links {
		agreed, err := e.verifyPair(ctx, p, &links[i], sides[Left][i], sides[Right][i], a)
		if err != nil {
			return err
		}
		if !agreed {
			id := "verify:" + links[i].ID + ":" + strconv.FormatInt(time.Now().UnixNano(), 36)
			again = append(again, Change{ID: id, Ref: links[i].Left, Reason: ReasonVerify, Priority: Sweep})
		}
	}
	return e.Enqueue(ctx, again...)
}

// verifyPair compares one pair and reports whether it needs no look.
func (e *Engine) verifyPair(ctx context.Context, p *Planner, link *Link, left, right Record, a *Agreement) (bool, error) {
	a.Pairs++
	if left.Deleted || right.Deleted {
		a.Missing++
		return false, nil
	}
	views := [2]View{{Exists: true, Record: left}, {Exists: true, Record: right}}
	for _, s := range []Side{Left, Right} {
		views[s].Degraded = e.degraded(p.flow.End(s))
	}
	differing := p.differing(left.Fields, right.Fields)
	a.Compared += len(p.flow.Fields)
	a.Equal += len(p.flow.Fields) - len(differing)
	if len(differing) == 0 {
		return true, nil
	}
	base, err := e.cfg.Store.Base(ctx, link.ID)
	if err != nil {
		return false, err
	}
	agreed := true
	for _, f := range differing {
		if p.mayDiffer(f, views, base, e.gate(p.flow, link.ID, link.Left, link.Right)) {
			a.Skipped++
			a.Compared--
			continue
		}
		agreed = false
		if len(a.Differences) < 1000 {
			a.Differences = append(a.Differences, Difference{link.ID, link.Left, link.Right, f.Name})
		}
	}
	return agreed, nil
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
