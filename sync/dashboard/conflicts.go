package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// conflictsPage shows what needs a person, and what was settled without one.
type conflictsPage struct {
	Holds   []sync.Hold
	Unknown []sync.Unknown
	Open    []conflict
	Settled []conflict
	Older   int64
}

// A conflict is a decision about a field that both sides had changed.
type conflict struct {
	sync.Entry
	Why string
}

func (d *Dashboard) conflicts(w http.ResponseWriter, r *http.Request) error {
	var p conflictsPage
	for _, flow := range d.opts.Config.Flows {
		holds, err := d.opts.Engine.Holds(r.Context(), flow.Name, "", 100)
		if err != nil {
			return err
		}
		p.Holds = append(p.Holds, holds...)
	}
	var err error
	if p.Unknown, err = d.opts.Engine.Unknowns(r.Context()); err != nil {
		return err
	}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // none is the end
	entries, older, err := d.backwards(r.Context(), sync.AuditFilter{}, before, conflictsRead)
	if err != nil {
		return err
	}
	p.Older = older
	p.sort(d, entries)
	return d.show(w, r, "conflicts", "Conflicts", p)
}

// sort tells the conflicts that are open from those that are settled: a field
// is open when the last decision about it is to hold it.
func (p *conflictsPage) sort(d *Dashboard, entries []sync.Entry) {
	type field struct{ link, name string }
	seen := map[field]bool{}
	for i := range entries {
		n := &entries[i]
		flow, err := d.flow(n.Flow)
		if n.Decision == nil || err != nil {
			continue
		}
		key := field{n.Link, n.Decision.Field}
		newest := !seen[key]
		seen[key] = true
		c := conflict{*n, because(flow, n.Decision)}
		switch {
		case n.Decision.Outcome == sync.Held && newest:
			p.Open = append(p.Open, c)
		case n.Decision.Conflict && n.Decision.Outcome != sync.Held && len(p.Settled) < entriesShown:
			p.Settled = append(p.Settled, c)
		}
	}
}

// resolve carries out what a person decided on an ambiguous match.
func (d *Dashboard) resolve(w http.ResponseWriter, r *http.Request) error {
	flow, ref, err := d.named(r)
	if err != nil {
		return err
	}
	decision := sync.Resolution{Flow: flow.Name, Ref: ref, Actor: d.opts.Actor(r), Why: limited(r.FormValue("why"), 200)}
	switch with := r.FormValue("with"); with {
	case "":
		return badInput("choose one of the candidates, or none of them")
	case "none":
	default:
		if decision.With, err = parseRef(with); err != nil {
			return err
		}
	}
	if err := d.opts.Engine.Resolve(r.Context(), decision); err != nil {
		return err
	}
	d.opts.Feed.touch()
	return d.done(w, r, "resolved", "/conflicts")
}

// resolveUnknown tells the engine whether an activity was made.
func (d *Dashboard) resolveUnknown(w http.ResponseWriter, r *http.Request) error {
	unknowns, err := d.opts.Engine.Unknowns(r.Context())
	if err != nil {
		return err
	}
	name, fact := r.FormValue("activity"), r.FormValue("fact")
	u := slices.IndexFunc(unknowns, func(u sync.Unknown) bool { return u.Activity == name && u.Fact == fact })
	a := slices.IndexFunc(d.opts.Config.Activities, func(a *sync.Activity) bool { return a.Name == name })
	if u < 0 || a < 0 {
		return notFound("nothing is unknown about this activity any more")
	}
	var made sync.Ref
	switch id := strings.TrimSpace(r.FormValue("id")); {
	case r.FormValue("made") == "yes" && id != "":
		made = sync.Ref{System: d.opts.Config.Activities[a].System, Kind: d.opts.Config.Activities[a].Kind, ID: id}
	case r.FormValue("made") != "no":
		return badInput("say that it is there, with its id, or that it is not")
	}
	if err := d.opts.Engine.ResolveUnknown(r.Context(), unknowns[u], made, d.opts.Actor(r)); err != nil {
		return err
	}
	d.opts.Feed.touch()
	return d.done(w, r, "resolved", "/conflicts")
}
