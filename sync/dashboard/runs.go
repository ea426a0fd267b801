package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// forecastMost bounds the records of a dry run.
const forecastMost = 1000

// runsPage lists the runs and offers new ones.
type runsPage struct {
	Runs    []run
	Systems []sync.System
}

func (d *Dashboard) listRuns(w http.ResponseWriter, r *http.Request) error {
	return d.show(w, r, "runs", "Runs", runsPage{Runs: d.runs.all(d.opts.Feed), Systems: d.systems()})
}

func (d *Dashboard) showRun(w http.ResponseWriter, r *http.Request) error {
	run, err := d.runNamed(r)
	if err != nil {
		return err
	}
	return d.show(w, r, "run", fmt.Sprintf("Run %d", run.ID), run)
}

func (d *Dashboard) runNamed(r *http.Request) (run, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return run{}, notFound("there is no such run")
	}
	return d.runs.one(id, d.opts.Feed)
}

// start notes a job in the audit, begins it and leads to its page.
func (d *Dashboard) start(w http.ResponseWriter, r *http.Request, a Action, j job) error {
	if err := d.act(r, a, j.kind+" "+j.scope, sync.Entry{Flow: j.flow}); err != nil {
		return err
	}
	id, err := d.runs.start(j, d.opts.Actor(r), d.opts.Feed.touch)
	if err != nil {
		return err
	}
	return d.done(w, r, "started", "/runs/"+strconv.Itoa(id))
}

// verify measures the agreement of a flow.
func (d *Dashboard) verify(w http.ResponseWriter, r *http.Request) error {
	flow, err := d.flow(r.FormValue("flow"))
	if err != nil {
		return err
	}
	sample, err := strconv.Atoi(cmp.Or(r.FormValue("sample"), "0"))
	if err != nil || sample < 0 {
		return badInput("give the number of pairs, or nothing for all")
	}
	return d.start(w, r, Measure, job{kind: "verify", scope: flow.Name, flow: flow.Name, progress: "verify " + flow.Name, do: func(ctx context.Context) (any, error) {
		return d.opts.Engine.VerifySample(ctx, flow.Name, sync.Sample{Most: sample})
	}})
}

// inventory walks through all records of a system.
func (d *Dashboard) inventory(w http.ResponseWriter, r *http.Request) error {
	system := sync.System(limited(r.FormValue("system"), 50))
	return d.start(w, r, Measure, job{kind: "inventory", scope: string(system), progress: "inventory of " + string(system), do: func(ctx context.Context) (any, error) {
		found, err := d.opts.Engine.Inventory(ctx, system)
		return fmt.Sprintf("%d records that no link knows, %d linked ones that are gone, %d merged: they are looked at", found.Unseen, found.Gone, found.Moved), err
	}})
}

// sweep asks a system for what changed.
func (d *Dashboard) sweep(w http.ResponseWriter, r *http.Request) error {
	system := sync.System(r.FormValue("system"))
	return d.start(w, r, Measure, job{kind: "sweep", scope: limited(string(system), 50), do: func(ctx context.Context) (any, error) {
		n, err := d.opts.Engine.Sweep(ctx, system)
		return fmt.Sprintf("%d changes were reported", n), err
	}})
}

// backfill walks through all records of a side of a flow.
func (d *Dashboard) backfill(w http.ResponseWriter, r *http.Request) error {
	flow, side, err := d.sideNamed(r)
	if err != nil {
		return err
	}
	load := sync.Load{Flow: flow.Name, From: side, Name: limited(strings.TrimSpace(r.FormValue("name")), 80)}
	name := cmp.Or(load.Name, flow.Name+" from "+side.String())
	return d.start(w, r, Load, job{kind: "backfill", scope: name, flow: flow.Name, progress: name, do: func(ctx context.Context) (any, error) {
		p, err := d.opts.Engine.Backfill(ctx, load)
		return fmt.Sprintf("%d records looked at, %d in the dead letters", p.Done, p.Failed), err
	}})
}

// sideNamed returns the flow and the side that a form names as "left:flow".
func (d *Dashboard) sideNamed(r *http.Request) (*sync.Flow, sync.Side, error) {
	side, name, _ := strings.Cut(r.FormValue("from"), ":")
	flow, err := d.flow(name)
	switch side {
	case sync.Left.String():
		return flow, sync.Left, err
	case sync.Right.String():
		return flow, sync.Right, err
	}
	return nil, sync.Left, badInput("say which side of which flow, as left:flow or right:flow")
}

// forecast finds out what a flow would do to records of a side: the first ones
// of its inventory, or those that the form lists by their ids.
func (d *Dashboard) forecast(w http.ResponseWriter, r *http.Request) error {
	flow, side, err := d.sideNamed(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(cmp.Or(r.FormValue("most"), "100"))
	if err != nil || n < 1 || n > forecastMost {
		return badInput(fmt.Sprintf("try from 1 to %d records", forecastMost))
	}
	end, ids := flow.End(side), strings.Fields(r.FormValue("ids"))
	return d.start(w, r, Measure, job{kind: "dry run", scope: flow.Name + " from " + side.String(), flow: flow.Name, progress: "forecast " + flow.Name,
		do: func(ctx context.Context) (any, error) {
			refs, err := d.sample(ctx, end, ids, n)
			if err != nil {
				return nil, err
			}
			return d.opts.Engine.Forecast(ctx, flow.Name, refs)
		}})
}

// sample returns up to n records of an endpoint.
func (d *Dashboard) sample(ctx context.Context, end *sync.Endpoint, ids []string, n int) ([]sync.Ref, error) {
	var refs []sync.Ref
	for _, id := range ids[:min(len(ids), n)] {
		refs = append(refs, sync.Ref{System: end.System, Kind: end.Kind, ID: id})
	}
	lister, ok := d.opts.Config.Peers[end.System].Source.(sync.Lister)
	if len(refs) > 0 || !ok {
		return refs, nil
	}
	for cursor, more := sync.Cursor(""), true; more && len(refs) < n; {
		page, err := lister.List(ctx, end.Kind, cursor)
		if err != nil {
			return nil, err
		}
		for i := range page.Records {
			refs = append(refs, page.Records[i].Ref)
		}
		cursor, more = page.Next, page.More
	}
	return refs[:min(len(refs), n)], nil
}

// apply carries out what a dry run has found, where the world has not moved.
func (d *Dashboard) apply(w http.ResponseWriter, r *http.Request) error {
	of, err := d.runNamed(r)
	if err != nil {
		return err
	}
	forecast := of.Forecast()
	if forecast == nil {
		return badInput("only a dry run that is done can be applied")
	}
	return d.start(w, r, Load, job{kind: "apply", scope: fmt.Sprintf("dry run %d", of.ID), flow: forecast.Flow, progress: "apply " + forecast.Flow, do: func(ctx context.Context) (any, error) {
		moved, err := d.opts.Engine.ApplyForecast(ctx, *forecast)
		return fmt.Sprintf("%d records enqueued, %d have moved since and were left", len(forecast.Items)-len(moved), len(moved)), err
	}})
}

// cancel stops a run after what it is doing.
func (d *Dashboard) cancel(w http.ResponseWriter, r *http.Request) error {
	run, err := d.runNamed(r)
	if err != nil {
		return err
	}
	if err := d.act(r, Measure, "cancel run "+strconv.Itoa(run.ID), sync.Entry{Flow: run.Flow}); err != nil {
		return err
	}
	run.cancel()
	return d.done(w, r, "cancelled", "/runs/"+strconv.Itoa(run.ID))
}

// systems lists the systems of the flows, each once.
func (d *Dashboard) systems() []sync.System {
	var out []sync.System
	seen := map[sync.System]bool{}
	for _, f := range d.opts.Config.Flows {
		for _, end := range []*sync.Endpoint{&f.Left, &f.Right} {
			if !seen[end.System] {
				seen[end.System] = true
				out = append(out, end.System)
			}
		}
	}
	return out
}
