package hubspot

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// WatchOptions adjust [Adapter.Watch].
type WatchOptions struct {
	// Every is the time between checks, a second at least; an hour.
	Every time.Duration
	// OnChange is told what became wrong, and with a blank Rule what became
	// right again, of each field. It must be quick.
	OnChange func(Finding)
}

// Watch compares the account with the schema at once and then at intervals,
// by reads alone, until ctx ends, and then returns nil. A field whose property
// was renamed, archived, lost an option or changed its type, or one of whose
// stages is gone, is degraded until that is mended: see [Adapter.Degraded].
// A check that fails changes nothing. The error is that of an invalid schema.
func (a *Adapter) Watch(ctx context.Context, need Schema, o WatchOptions) error {
	if err := need.Validate(); err != nil {
		return err
	}
	need = need.complete()
	ctx = sync.WithPriority(ctx, sync.Sweep)
	if _, err := a.details(ctx); err != nil {
		a.opts.Logger.Warn("hubspot: the account's time zone is not known", "error", err)
	}
	tick := time.NewTicker(max(or(o.Every, time.Hour), time.Second))
	defer tick.Stop()
	for {
		a.check(ctx, need, o.OnChange)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// check looks once and marks the fields that became wrong or right.
func (a *Adapter) check(ctx context.Context, need Schema, tell func(Finding)) {
	have, unread := a.look(ctx, need, false)
	if ctx.Err() != nil {
		return
	}
	for _, l := range unread {
		a.opts.Logger.Warn("hubspot: the schema could not be checked", "what", l.What, "kind", l.Kind, "error", l.Err)
	}
	for _, f := range byField(compare(need, have)) {
		if f.Rule == "" && a.degraded.of(f.Kind)[f.Field] == codeReadOnly && have.properties[f.Kind][f.Field].readOnly() {
			continue // what refused the write still stands
		}
		if !a.degraded.set(f.Kind, f.Field, f.Rule) {
			continue
		}
		a.opts.Logger.Warn("hubspot: a field changed in the account", "kind", f.Kind, "field", f.Field, "rule", f.Rule, "note", f.Note)
		if tell != nil {
			tell(f)
		}
	}
}

// byField keeps one finding for each field: the first that is wrong, if any.
func byField(found []Finding) []Finding {
	type place struct {
		kind  sync.Kind
		field string
	}
	var kept []Finding
	at := map[place]int{}
	for _, f := range found {
		p := place{f.Kind, f.Field}
		switch i, seen := at[p]; {
		case f.Field == "":
		case !seen:
			at[p] = len(kept)
			kept = append(kept, f)
		case kept[i].Rule == "":
			kept[i] = f
		}
	}
	return kept
}
