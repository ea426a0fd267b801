package bird

import (
	"cmp"
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// WatchOptions adjust [Adapter.Watch].
type WatchOptions struct {
	// Every is the time between checks, a second at least; an hour.
	Every time.Duration
	// OnChange is told what became wrong, and with a blank Rule what became
	// right again. It must be quick.
	OnChange func(Finding)
}

// Watch compares the workspace with the schema at once and then at intervals,
// by reads alone, until ctx ends, and then returns nil. A field whose
// attribute is missing, was archived or has another type is degraded until
// that is mended: see [Adapter.Degraded]. A webhook that is missing, switched
// off or leads to another address of ours, and a channel without
// conversations, are only told: [Adapter.Setup] mends them. A check that fails
// changes nothing. The error is that of an invalid schema, which needs no
// signing keys here.
func (a *Adapter) Watch(ctx context.Context, need Schema, o WatchOptions) error {
	if err := need.check(true, false); err != nil {
		return err
	}
	w := watcher{Adapter: a, need: need.complete(), tell: o.OnChange, wrong: map[string]bool{}}
	ctx = sync.WithPriority(ctx, sync.Sweep)
	tick := time.NewTicker(max(cmp.Or(o.Every, time.Hour), time.Second))
	defer tick.Stop()
	for {
		w.check(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// A watcher knows what was wrong beside attributes when it last looked.
type watcher struct {
	*Adapter
	need  Schema // complete
	tell  func(Finding)
	wrong map[string]bool
}

// check looks once and tells what became wrong or right.
func (w *watcher) check(ctx context.Context) {
	have, unread := w.look(ctx, w.need, false)
	if ctx.Err() != nil {
		return
	}
	for _, l := range unread {
		w.opts.Logger.Warn("bird: the schema could not be checked", "what", l.What, "name", l.Name, "error", l.Err)
	}
	for _, f := range compare(w.need, have) {
		if f.Rule == rulePII {
			f.Rule, f.Note = "", "" // the field can be synced all the same
		}
		if !w.news(f) {
			continue
		}
		w.opts.Logger.Warn("bird: the workspace changed", "what", f.What, "name", f.Name, "rule", f.Rule, "note", f.Note)
		if w.tell != nil {
			w.tell(f)
		}
	}
}

// news notes a finding and reports whether it was right before or is right
// now.
func (w *watcher) news(f Finding) bool {
	if f.What == whatAttribute {
		return w.degrade(f.Name, f.Rule)
	}
	at, wrong := f.What+" "+f.Name, f.Rule != ""
	before := w.wrong[at]
	w.wrong[at] = wrong
	return before != wrong
}
