package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// An Inventory is what a walk through all records of a system found.
type Inventory struct {
	System System
	// Listed counts the records of the system, by kind.
	Listed map[Kind]int
	// Unseen counts those that no link knows and that would go to the other
	// side, Gone the linked ones that exist no more, Moved those that were
	// merged into others. Each is looked at.
	Unseen, Gone, Moved int
	// Read counts the linked records that were not listed and had to be read.
	Read         int
	Began, Ended time.Time
}

// Inventory walks through all records of a system, whose source must be a
// [Lister], and compares them with the links: so deletions and new records
// are found that no webhook, journal or sweep told of. What is missing or new is
// enqueued at the priority Backfill. A record only counts as gone if the list is
// complete and a read does not find it; if more are gone than Config.Guard
// allows to be detached, none is enqueued, the observer gets an [EventTripped],
// and the error is of action Fatal: it is more often an outage or an accident.
//
// The place of the walk is stored, so that a call after an error, or in another
// process, goes on there. What another process listed is read again where it is
// linked. One call at a time takes the inventory of a system, the others get an
// error of action Conflict; a process that died gives it up after 10 minutes.
func (e *Engine) Inventory(ctx context.Context, system System) (Inventory, error) {
	if !e.sightings.take(system) {
		return Inventory{System: system}, inventoryTaken()
	}
	defer e.sightings.give(system)
	w, err := e.stocktaking(ctx, system)
	if err != nil {
		return Inventory{System: system}, err
	}
	if err = w.run(WithPriority(ctx, Backfill)); err != nil {
		w.leave(ctx)
	}
	return w.out, err
}

// A stocktaking is an inventory under way.
type stocktaking struct {
	engine *Engine
	lister Lister
	source Source
	stock  stock
	seen   *sighted
	meter  *meter
	out    Inventory
}

// stocktaking begins an inventory or goes on with one.
func (e *Engine) stocktaking(ctx context.Context, system System) (*stocktaking, error) {
	bad := func(rule, hint, why string) error {
		return &Error{Op: "inventory", Action: Invalid, Rule: rule, Hint: hint, Err: errors.New(why)}
	}
	if !slices.Contains(e.systems(), system) {
		return nil, bad("system.known", fmt.Sprintf("name one of the systems %v", e.systems()), "no flow has this system")
	}
	w := &stocktaking{engine: e, source: e.cfg.Peers[system].Source}
	var ok bool
	if w.lister, ok = w.source.(Lister); !ok {
		return nil, bad("source.lister", "verify the flows instead", "the system cannot list its records")
	}
	var err error
	if w.stock, err = e.inventoryOf(ctx, system); err != nil {
		return nil, err
	}
	owner := e.sightings.owner()
	if w.stock.Owner != "" && w.stock.Owner != owner && time.Since(w.stock.Beat) < inventorySilence {
		return nil, inventoryTaken()
	}
	if w.stock.Owner = owner; w.stock.Run == "" {
		w.stock.Run, w.stock.Began = newID(), time.Now().UTC()
		w.stock.Listed, w.stock.Kind, w.stock.Place, w.stock.Unseen = nil, "", "", 0
	}
	if w.stock.Listed == nil { // also of a run that has listed nothing yet
		w.stock.Listed = map[Kind]int{}
	}
	w.seen = e.sightings.of(system, w.stock.Run)
	w.out = Inventory{System: system, Began: w.stock.Began}
	w.meter = e.meter("", "inventory of "+string(system))
	for _, kind := range e.kinds(system) {
		n, estimated, err := e.size(ctx, &Endpoint{System: system, Kind: kind})
		if err != nil {
			return nil, err
		}
		w.meter.Total, w.meter.Estimated = w.meter.Total+n, w.meter.Estimated || estimated
		w.meter.Earlier += w.stock.Listed[kind]
	}
	return w, nil
}

// leave lets any process go on with an inventory that failed. If that cannot
// be stored, they may after a while.
func (w *stocktaking) leave(ctx context.Context) {
	if w.stock.Owner == "" || w.stock.stored == "" || !w.out.Ended.IsZero() {
		return
	}
	ctx, cancel := w.engine.afterwards(ctx)
	defer cancel()
	w.stock.Owner = ""
	_ = w.engine.save(ctx, w.out.System, &w.stock)
}

// kinds lists the kinds of a system that the flows know, each once.
func (e *Engine) kinds(system System) []Kind {
	var out []Kind
	for _, p := range e.planners {
		for _, s := range []Side{Left, Right} {
			if end := p.flow.End(s); end.System == system && !slices.Contains(out, end.Kind) {
				out = append(out, end.Kind)
			}
		}
	}
	return out
}

// run lists what there is, then looks for what is missing.
func (w *stocktaking) run(ctx context.Context) error {
	kinds := w.engine.kinds(w.out.System)
	for _, kind := range kinds[max(0, slices.Index(kinds, w.stock.Kind)):] {
		if err := w.list(ctx, kind); err != nil {
			return err
		}
	}
	w.out.Listed, w.out.Unseen = w.stock.Listed, w.stock.Unseen
	var missing []Item
	for _, p := range w.engine.planners {
		for _, s := range []Side{Left, Right} {
			if p.flow.End(s).System != w.out.System {
				continue
			}
			items, err := w.absent(ctx, p.flow, s)
			if err != nil {
				return err
			}
			missing = append(missing, items...)
		}
	}
	if err := w.engine.Enqueue(ctx, missing...); err != nil {
		return err
	}
	return w.end(ctx)
}

// end notes that the inventory is whole.
func (w *stocktaking) end(ctx context.Context) error {
	w.out.Ended = time.Now().UTC()
	next := stock{Ended: w.out.Ended, Counts: w.stock.Listed, stored: w.stock.stored}
	if err := w.engine.save(ctx, w.out.System, &next); err != nil {
		return err
	}
	w.engine.sightings.forget(w.out.System)
	w.meter.step(0, false)
	return nil
}

// list walks through the records of a kind, from where the walk is.
func (w *stocktaking) list(ctx context.Context, kind Kind) error {
	if w.stock.Kind != kind {
		w.stock.Kind, w.stock.Place = kind, ""
	}
	for more := true; more; {
		var page ListPage
		err := w.patiently(ctx, func() (err error) { page, err = w.lister.List(ctx, kind, w.stock.Place); return err })
		if err != nil {
			return errors.Join(err, w.abandon(ctx, err))
		}
		var items []Item
		for i := range page.Records {
			rec := &page.Records[i]
			w.seen.add(rec.Ref)
			news, err := w.news(ctx, rec)
			if err != nil {
				return err
			}
			if news {
				id := "inventory:" + rec.Ref.String() + ":" + rec.UpdatedAt.UTC().Format(time.RFC3339Nano)
				items = append(items, Change{ID: id, Ref: rec.Ref, Reason: ReasonInventory, Priority: Backfill})
			}
		}
		if err := w.engine.Enqueue(ctx, items...); err != nil {
			return err
		}
		w.stock.Listed[kind] += len(page.Records)
		w.stock.Unseen += len(items)
		w.stock.Place, more = page.Next, page.More
		if err := w.engine.save(ctx, w.out.System, &w.stock); err != nil {
			return err
		}
		w.meter.step(len(page.Records), true)
	}
	return nil
}

// patiently waits for the system's quota and shows others meanwhile that this
// one is alive.
func (w *stocktaking) patiently(ctx context.Context, read func() error) error {
	return patiently(ctx, func() error {
		if time.Since(w.stock.Beat) > time.Minute {
			if err := w.engine.save(ctx, w.out.System, &w.stock); err != nil {
				return err
			}
		}
		return read()
	})
}

// abandon has the next inventory begin anew when the system does not know the
// place any more where this one goes on.
func (w *stocktaking) abandon(ctx context.Context, why error) error {
	if action := ActionOf(why); w.stock.Place == "" || action != Invalid && action != Fatal {
		return nil
	}
	next := stock{Ended: w.stock.Ended, Counts: w.stock.Counts, stored: w.stock.stored}
	w.stock.Owner = "" // it is not this one's to leave any more
	return w.engine.save(ctx, w.out.System, &next)
}

// news reports whether some flow does not know a record that would go to its
// other side. One that a condition keeps at home is no news, or every inventory
// would look at it again.
func (w *stocktaking) news(ctx context.Context, rec *Record) (bool, error) {
	for _, p := range w.engine.planners {
		s, ok := p.flow.SideOf(rec.Ref)
		if !ok {
			continue
		}
		_, err := w.engine.cfg.Store.Link(ctx, p.flow.Name, rec.Ref)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNotFound) {
			return false, err
		}
		if w.engine.mayTravel(ctx, p, s, rec) {
			return true, nil
		}
	}
	return false, nil
}

// mayTravel is travels; a record at which the map panics may.
func (e *Engine) mayTravel(ctx context.Context, p *Planner, s Side, rec *Record) (travels bool) {
	err := e.safely(ctx, func() error { travels = e.travels(p, s, rec); return nil })
	return travels || err != nil
}

// travels reports whether a record that has no link has anything to tell the
// other side. One that cannot be planned does: the look says why.
func (e *Engine) travels(p *Planner, s Side, rec *Record) bool {
	if p.flow.End(s.Other()).CreateKey == "" { // it can only be matched
		r := reconciliation{engine: e, flow: p.flow}
		probe, err := r.probe(s.Other(), *rec)
		return err != nil || len(probe) > 0
	}
	var views [2]View
	views[s] = View{Exists: true, Record: *rec, Degraded: e.degraded(p.flow.End(s))}
	views[s.Other()].Degraded = e.degraded(p.flow.End(s.Other()))
	plan, err := p.PlanGated(views[Left], views[Right], Base{}, e.gate(p.flow, "", rec.Ref))
	return err != nil || !plan.Empty()
}

// absent returns looks at the linked records of a flow that were not listed
// and are gone or moved.
func (w *stocktaking) absent(ctx context.Context, flow *Flow, s Side) (items []Item, err error) {
	pairs, gone := 0, 0
	err = w.engine.eachPair(ctx, flow.Name, func(l *Link) bool {
		pairs++
		return !w.seen.has(l.End(s))
	}, func(links []Link) error {
		ids := make([]string, len(links))
		for i := range links {
			ids[i] = links[i].End(s).ID
		}
		var recs []Record
		err := w.patiently(ctx, func() (err error) { recs, err = w.source.Read(ctx, flow.End(s).Kind, ids); return err })
		if err != nil {
			return err
		}
		w.out.Read += len(recs)
		for i := range recs {
			switch {
			case recs[i].Deleted:
				gone++
			case recs[i].ID == ids[i]:
				continue
			default:
				w.out.Moved++
			}
			ref := links[i].End(s)
			items = append(items, Change{ID: w.stock.Run + ":" + ref.String(), Ref: ref, Reason: ReasonInventory, Priority: Backfill})
		}
		return w.engine.save(ctx, w.out.System, &w.stock) // others see that this one is alive
	})
	if err != nil {
		return nil, err
	}
	w.out.Gone += gone
	w.engine.guarded.counted(flow.Name, pairs)
	return items, w.guard(ctx, flow, gone)
}

// guard stops the inventory when too much is gone. The next one begins anew.
func (w *stocktaking) guard(ctx context.Context, flow *Flow, gone int) error {
	most := w.engine.guarded.hourly(w.engine.cfg.Guard, flow.Name).Detachments
	if gone <= most {
		return nil
	}
	why := &Error{Op: "inventory", Action: Fatal, Rule: "guard." + string(detachment),
		Hint: "find out why; if they are meant to be gone, raise Config.Guard.Detachments",
		Err:  fmt.Errorf("flow %s: %d of its records in %s are gone, %d are allowed", flow.Name, gone, w.out.System, most)}
	w.engine.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a guard stops an inventory", slog.Any("error", why))
	w.engine.observe(Event{Type: EventTripped, Flow: flow.Name, Err: why})
	return errors.Join(why, w.end(ctx))
}

// inventoried lists the systems of which Run takes inventories.
func (e *Engine) inventoried() []System {
	if e.cfg.InventoryInterval <= 0 {
		return nil
	}
	return slices.DeleteFunc(e.systems(), func(s System) bool {
		_, ok := e.cfg.Peers[s].Source.(Lister)
		return !ok
	})
}

// inventoryRetry is how long an inventory that failed waits to go on, and
// inventorySilence how long one may say nothing before it is taken for dead: a
// wait that a quota may ask for, and as long again for what comes after.
const (
	inventoryRetry   = 5 * time.Minute
	inventorySilence = 2 * patience
)

// inventoryEvery takes the inventory of a system whenever the last one is old
// enough, until ctx ends.
func (e *Engine) inventoryEvery(ctx context.Context, system System) {
	for {
		wait := e.inventoryDue(ctx, system)
		if wait <= 0 {
			err := e.safely(ctx, func() (err error) { _, err = e.Inventory(ctx, system); return err })
			if err != nil && ctx.Err() == nil && ActionOf(err) != Conflict {
				e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "inventory failed, it goes on where it stopped",
					slog.String("system", string(system)), slog.Any("error", err))
			}
			wait = min(inventoryRetry, e.cfg.InventoryInterval)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// inventoryDue returns how long the next inventory has to wait.
func (e *Engine) inventoryDue(ctx context.Context, system System) time.Duration {
	s, err := e.inventoryOf(ctx, system)
	if err != nil || s.Run != "" || s.Ended.IsZero() {
		return 0
	}
	return time.Until(s.Ended.Add(e.cfg.InventoryInterval))
}
