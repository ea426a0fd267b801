package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/sync"
)

// flow is the flow of all links that do not need another.
const flow = "contacts"

// noon is the suite's present. It has microseconds and no more.
var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456000, time.UTC)

// equal compares what was stored with what came back: values by their type
// and text, times by the moment, to the microsecond.
var equal = cmp.Options{
	cmp.Comparer(func(a, b sync.Value) bool { return a == b }),
	cmp.Comparer(func(a, b time.Time) bool {
		return a.IsZero() == b.IsZero() && a.Sub(b).Abs() < time.Microsecond
	}),
}

// A rig is a store under test, with calls that fail the test when the store
// does. Its methods belong to the goroutine of the test.
type rig struct {
	*testing.T
	store sync.Store
}

func left(id string) sync.Ref  { return sync.Ref{System: "crm", Kind: "contact", ID: id} }
func right(id string) sync.Ref { return sync.Ref{System: "chat", Kind: "contact", ID: id} }

// pair is a new link between the left and the right record of one name.
func pair(id, name string) sync.Link {
	return sync.Link{ID: id, Flow: flow, Left: left(name), Right: right(name), State: sync.Active, Evidence: "email"}
}

// intent is a write under way that another worker may take over in a minute.
func intent(id string) sync.Intent {
	return sync.Intent{ID: id, Expires: noon.Add(time.Minute), Writes: [2]sync.Fields{{"email": sync.Text("a@example.com")}, nil}}
}

// entry is an audit entry that its note tells from others.
func entry(note string) sync.Entry {
	return sync.Entry{At: noon, Kind: sync.EntryLinked, Flow: flow, Note: note}
}

// keyed is an entry that is recorded once.
func keyed(key, note string) sync.Entry {
	e := entry(note)
	e.Key = key
	return e
}

// ok ends the test when err is not nil.
func (r *rig) ok(what string, err error) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

// stale ends the test when err is not ErrStale.
func (r *rig) stale(what string, err error) {
	r.Helper()
	if !errors.Is(err, sync.ErrStale) {
		r.Fatalf("%s: got error %v, want ErrStale", what, err)
	}
}

// same reports the difference between what came back and what was expected.
func (r *rig) same(what string, got, want any) {
	r.Helper()
	if d := cmp.Diff(want, got, equal); d != "" {
		r.Errorf("%s differs (-want +got):\n%s", what, d)
	}
}

// begin opens an intent that must be accepted.
func (r *rig) begin(now time.Time, l sync.Link, in sync.Intent, entries ...sync.Entry) sync.Link {
	r.Helper()
	out, err := r.store.Begin(r.Context(), now, l, in, entries...)
	r.ok("Begin of "+in.ID, err)
	return out
}

// commit makes a commit that must be accepted.
func (r *rig) commit(c sync.Commit) sync.Link {
	r.Helper()
	out, err := r.store.Commit(r.Context(), noon, c)
	r.ok("Commit of "+c.Link.ID, err)
	return out
}

// put commits a link alone.
func (r *rig) put(l sync.Link) sync.Link {
	r.Helper()
	return r.commit(sync.Commit{Link: l})
}

// holds checks that a record is an end of the link.
func (r *rig) holds(ref sync.Ref, want sync.Link) {
	r.Helper()
	got, err := r.store.Link(r.Context(), want.Flow, ref)
	r.ok("Link of "+ref.String(), err)
	r.same("the link of "+ref.String(), got, want)
}

// free checks that no link of a flow holds the record.
func (r *rig) free(flow string, ref sync.Ref) {
	r.Helper()
	if got, err := r.store.Link(r.Context(), flow, ref); !errors.Is(err, sync.ErrNotFound) {
		r.Errorf("Link of %s in flow %s: got link %q and error %v, want ErrNotFound", ref, flow, got.ID, err)
	}
}

// base returns a link's base.
func (r *rig) base(linkID string) sync.Base {
	r.Helper()
	b, err := r.store.Base(r.Context(), linkID)
	r.ok("Base of "+linkID, err)
	return b
}

// notes returns the notes of the selected entries, in order.
func (r *rig) notes(filter sync.AuditFilter) []string {
	r.Helper()
	entries := r.entries(filter)
	notes := make([]string, len(entries))
	for i := range entries {
		notes[i] = entries[i].Note
	}
	return notes
}

// entries returns the selected entries.
func (r *rig) entries(filter sync.AuditFilter) []sync.Entry {
	r.Helper()
	entries, err := r.store.Entries(r.Context(), filter)
	r.ok("Entries", err)
	return entries
}

// ids returns the IDs of links in their order.
func ids(links []sync.Link) []string {
	out := make([]string, len(links))
	for i := range links {
		out[i] = links[i].ID
	}
	return out
}
