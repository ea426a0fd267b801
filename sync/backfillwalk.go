package sync

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// A place is how far a run is. A store keeps it as JSON in a cursor.
type place struct {
	// Page is where the page begins that is being looked at, and After the ID of
	// its last record that was enqueued, "" when none was.
	Page  Cursor `json:"page,omitempty"`
	After string `json:"after,omitempty"`
	// Done counts the records of all calls. Walked is set after the last one, and
	// Ended when the run knew what became of all.
	Done   int  `json:"done"`
	Walked bool `json:"walked,omitempty"`
	Ended  bool `json:"ended,omitempty"`

	stored Cursor // as it was read
}

// A walk takes the records of a run one after another, however many of them
// the system lists at once.
type walk struct {
	engine *Engine
	load   *Load
	lister Lister
	end    *Endpoint
	place  place
	page   []Record // what is left of the page
	next   Cursor   // where the one after it begins
	last   bool     // there is none after it
}

// walk goes on with a run where it is.
func (e *Engine) walk(ctx context.Context, b *Load) (*walk, error) {
	p, err := e.plannerOf(b.Flow)
	if err != nil {
		return nil, err
	}
	w := &walk{engine: e, load: b, end: p.flow.End(b.From)}
	var ok bool
	if w.lister, ok = e.cfg.Peers[w.end.System].Source.(Lister); !ok {
		return nil, &Error{Op: "backfill", Action: Fatal, Rule: "source.lister",
			Hint: "walk from the other side, or sweep", Err: fmt.Errorf("%s cannot list its records", w.end.System)}
	}
	if w.place.stored, err = e.cfg.Store.Cursor(ctx, b.cursor()); err != nil || w.place.stored == "" {
		return w, err
	}
	if err := json.Unmarshal([]byte(w.place.stored), &w.place); err != nil {
		return nil, &Error{Op: "backfill", Action: Fatal, Rule: "backfill.json",
			Hint: "the store holds something the engine did not write; delete the cursor " + b.cursor(), Err: err}
	}
	if w.place.Ended {
		return nil, &Error{Op: "backfill", Action: Invalid, Rule: "backfill.ended", Hint: "give the run another name to look at all records again",
			Err: fmt.Errorf("the run %q has looked at all %d records", b.Name, w.place.Done)}
	}
	w.last = w.place.Walked
	return w, nil
}

// more reports whether there may be records left.
func (w *walk) more() bool { return !w.last || len(w.page) > 0 }

// enqueue enqueues looks at the next n records, or at all that are left, and
// returns them by the IDs of their changes.
func (w *walk) enqueue(ctx context.Context, n int) (map[string]Ref, error) {
	refs := map[string]Ref{}
	for w.more() && len(refs) < n {
		if len(w.page) == 0 {
			if err := w.turn(ctx); err != nil {
				return refs, err
			}
		}
		part := w.page[:min(n-len(refs), len(w.page))]
		items := make([]Item, len(part))
		for i := range part {
			c := w.load.change(part[i].Ref)
			items[i], refs[c.ID] = c, c.Ref
		}
		if err := w.engine.Enqueue(ctx, items...); err != nil {
			return refs, err
		}
		if err := w.passed(ctx, part); err != nil {
			return refs, err
		}
	}
	return refs, nil
}

// turn lists the page at the walk's place. Of one that an earlier call was in
// the midst of it keeps the rest, or all if the record up to which that came is
// gone: a look too many does no harm.
func (w *walk) turn(ctx context.Context) error {
	var page ListPage
	err := patiently(ctx, func() (err error) { page, err = w.lister.List(ctx, w.end.Kind, w.place.Page); return err })
	if err != nil {
		return err
	}
	at := slices.IndexFunc(page.Records, func(r Record) bool { return w.place.After != "" && r.ID == w.place.After })
	w.page, w.next, w.last = page.Records[at+1:], page.Next, !page.More
	return nil
}

// passed moves the walk's place behind records of its page.
func (w *walk) passed(ctx context.Context, part []Record) error {
	to := place{Page: w.place.Page, Done: w.place.Done + len(part)}
	if w.page = w.page[len(part):]; len(w.page) == 0 {
		to.Page, to.Walked = w.next, w.last
	} else {
		to.After = part[len(part)-1].ID
	}
	return w.store(ctx, to)
}

// finish notes that the run is at its end.
func (w *walk) finish(ctx context.Context) error {
	to := w.place
	to.Ended = true
	return w.store(ctx, to)
}

// store stores how far the run is.
func (w *walk) store(ctx context.Context, to place) error {
	text, err := json.Marshal(to)
	if err != nil {
		return err
	}
	if err := w.engine.cfg.Store.SetCursor(ctx, w.load.cursor(), w.place.stored, Cursor(text)); err != nil {
		return err
	}
	to.stored = Cursor(text)
	w.place = to
	return nil
}
