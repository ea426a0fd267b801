package sync

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ruleStore is the rule of an error that tells of the store, not of the message
// that met it.
const ruleStore = "store.answers"

// storeWait is how long work waits for a store that does not answer.
const storeWait = time.Second

// An ailment is since when something does not answer, and why. The zero value
// is health.
type ailment struct {
	mu    sync.Mutex
	since time.Time
	why   string
}

// note takes a call's outcome down, and reports whether the ailment begins
// with it; nil ends it.
func (a *ailment) note(err error) (begins bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.since, a.why = time.Time{}, ""
		return false
	}
	begins = a.since.IsZero()
	if begins {
		a.since = time.Now()
	}
	a.why = err.Error()
	return begins
}

// modes returns the mode that is on while the ailment lasts.
func (a *ailment) modes(name string) []Mode {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return nil
	}
	return []Mode{{Name: name, Why: a.why, Since: a.since}}
}

// A footing is a store that has messages wait, at no cost to them, while it
// does not answer.
type footing struct {
	Store
	ailment ailment
}

// outcome makes an error of the store's that passes one that is waited for.
func (f *footing) outcome(ctx context.Context, err error) error {
	var e *Error
	switch {
	case err == nil, errors.Is(err, ErrNotFound), errors.Is(err, ErrStale):
		f.ailment.note(nil)
		return err
	case ctx.Err() != nil, ActionOf(err) != Retry, errors.As(err, &e) && !e.RetryAt.IsZero():
		return err
	}
	f.ailment.note(err)
	return &Error{Op: "store", Action: Retry, Rule: ruleStore, RetryAt: time.Now().Add(storeWait),
		Hint: "work goes on by itself when the store answers again", Err: err}
}

// Link implements [Links].
func (f *footing) Link(ctx context.Context, flow string, ref Ref) (Link, error) {
	link, err := f.Store.Link(ctx, flow, ref)
	return link, f.outcome(ctx, err)
}

// Links implements [Links].
func (f *footing) Links(ctx context.Context, flow, after string, limit int) ([]Link, error) {
	links, err := f.Store.Links(ctx, flow, after, limit)
	return links, f.outcome(ctx, err)
}

// Base implements [Bases].
func (f *footing) Base(ctx context.Context, linkID string) (Base, error) {
	base, err := f.Store.Base(ctx, linkID)
	return base, f.outcome(ctx, err)
}

// Begin implements [Intents].
func (f *footing) Begin(ctx context.Context, now time.Time, link Link, intent Intent, entries ...Entry) (Link, error) {
	link, err := f.Store.Begin(ctx, now, link, intent, entries...)
	return link, f.outcome(ctx, err)
}

// Open implements [Intents].
func (f *footing) Open(ctx context.Context, now time.Time, limit int) ([]Link, error) {
	links, err := f.Store.Open(ctx, now, limit)
	return links, f.outcome(ctx, err)
}

// Append implements [Audit].
func (f *footing) Append(ctx context.Context, entries ...Entry) error {
	return f.outcome(ctx, f.Store.Append(ctx, entries...))
}

// Entries implements [Audit].
func (f *footing) Entries(ctx context.Context, filter AuditFilter) ([]Entry, error) {
	entries, err := f.Store.Entries(ctx, filter)
	return entries, f.outcome(ctx, err)
}

// Cursor implements [Cursors].
func (f *footing) Cursor(ctx context.Context, name string) (Cursor, error) {
	cursor, err := f.Store.Cursor(ctx, name)
	return cursor, f.outcome(ctx, err)
}

// SetCursor implements [Cursors].
func (f *footing) SetCursor(ctx context.Context, name string, from, to Cursor) error {
	return f.outcome(ctx, f.Store.SetCursor(ctx, name, from, to))
}

// Commit implements [Store].
func (f *footing) Commit(ctx context.Context, now time.Time, c Commit) (Link, error) {
	link, err := f.Store.Commit(ctx, now, c)
	return link, f.outcome(ctx, err)
}
