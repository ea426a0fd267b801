package sync

import (
	"context"
	"time"
)

// A Cursor marks a place in a source's stream of changes. Only the source
// understands it; "" is the beginning.
type Cursor string

// A ChangePage is one page of changes.
type ChangePage struct {
	// Changes are the records to look at, oldest first as far as the source
	// knows. IDs repeat when the same state is reported again.
	Changes []Change
	// Next is the cursor after this page. Storing it acknowledges the page.
	Next Cursor
	// More is set when another page can be had at once.
	More bool
	// Gap is set when the stream cannot tell what changed between the cursor
	// given and this page, because the vendor no longer has it. The engine
	// then sweeps the whole system.
	Gap bool
}

// A Feed is a stream of changes of one system.
type Feed interface {
	// Changes returns what changed since the cursor. It may report a record
	// more than once, and what it passes over it tells by ChangePage.Gap. The
	// caller stores page.Next only after the page's changes are durable.
	Changes(ctx context.Context, since Cursor) (ChangePage, error)
}

// A Starter is a [Feed] that can begin at a moment. With
// Config.HistoryByBackfill it is spared what is from before.
type Starter interface {
	// Start returns a cursor from which Changes tells everything that changed
	// at t or later by the system's clock, and perhaps more. It makes no call.
	Start(t time.Time) Cursor
}

// A Source is where records and changes come from. Methods may be called
// concurrently; an adapter gathers concurrent reads into the vendor's batches.
type Source interface {
	// Read returns the current state of the records with these ids. The
	// result has one entry per id, in the order of ids; a record that does
	// not exist has Deleted set and no fields. After a merge the entry of an
	// old id is the surviving record, whose ID then differs from the one
	// asked for and whose Aliases hold it. Read always asks the system.
	// An error concerns the whole call.
	Read(ctx context.Context, kind Kind, ids []string) ([]Record, error)

	// Feed is the catch-up for webhooks that never came, over every kind that
	// the source keeps in step.
	Feed
}

// The interfaces below are optional abilities of a [Source], found by type
// assertion.

// A Projector reads only some of its system's fields.
type Projector interface {
	// Projection returns the raw names that records of the kind are read
	// with. The engine refuses flows that map others: to a planner, a field
	// that is never read looks as if somebody had cleared it.
	Projection(kind Kind) []string
}

// A Key is one piece of evidence for a record's identity: the name of a field
// of the system asked, and the value to look for. The name [IDField] means the
// record's id itself.
type Key struct {
	Name  string
	Value Value
}

// A Probe asks which record is meant by a ladder of keys, best evidence first.
type Probe []Key

// A Match answers a [Probe].
type Match struct {
	// Candidates are the records that the deciding key found: none, one, or
	// several when the key is ambiguous.
	Candidates []Record
	// By is the name of the deciding key.
	By string
}

// A Matcher finds records by identity.
type Matcher interface {
	// Match answers each probe with the candidates of the first of its keys
	// that finds any. The result has one entry per probe. It must not depend
	// on an index that lags behind writes where the system offers a
	// consistent way.
	Match(ctx context.Context, kind Kind, probes []Probe) ([]Match, error)
}

// A Historian knows when each field got its present value.
type Historian interface {
	// Times returns, for each id in order, the system's time at which each
	// named field got its present value. Unknown times are left out.
	Times(ctx context.Context, kind Kind, ids, names []string) ([]map[string]time.Time, error)
}

// A Chronicler knows the earlier values of fields. No system compares before it
// sets, so an edit that a person makes between the engine's read of a field and
// its write is overwritten unseen. The engine finds it afterwards: when a signal
// claims ([Change.Witness]) a value that is not there, of a field that the engine
// wrote at about that time, it asks the history. The edit is then settled by the
// field's policy like any other conflict: restored on both sides, or only told,
// by [EventLost] and in the audit, whose rule begins with "lost-update: ".
//
// Where the signal itself was lost, a look of [ReasonManual] finds the edit, as
// long as the history goes back to it. What was overwritten by the restoring of
// another edit, by [Engine.Undo], or, where the history names no authors, by a
// write that the system never answered, is not found.
type Chronicler interface {
	// History returns, for each id in order, the values that each named field
	// had, oldest first, as far back as the system tells. A name without a past
	// is left out.
	History(ctx context.Context, kind Kind, ids, names []string) ([]map[string][]Revision, error)
}

// A Revision is a value that a field got.
type Revision struct {
	Value Value
	// At is the system's time.
	At time.Time
	// By tells authors apart in the system's words, "" if it does not.
	By string
}

// A Snapshotter remembers the last state it saw of a record: from a read, a
// listing, or the answer to a write. The engine uses a recent one instead of
// reading a record about which a signal claims nothing new, and, if
// Config.SnapshotAge allows it, instead of the read before a write.
type Snapshotter interface {
	// Snapshot returns the state of ref last seen at or after since.
	Snapshot(ref Ref, since time.Time) (Record, bool)
}

// A Lister can walk through all its records.
type Lister interface {
	// List returns a page of the live records of a kind, in an order of its
	// own, beginning after the cursor. A record created or archived during the
	// walk may be missing or present; every other one is there.
	List(ctx context.Context, kind Kind, after Cursor) (ListPage, error)
}

// A ListPage is one page of an inventory.
type ListPage struct {
	Records []Record
	// Next is where the next page begins.
	Next Cursor
	// More is set when there is a next page.
	More bool
}

// A Counter knows how many records it has.
type Counter interface {
	// Count returns how many live records of a kind there are, as an index
	// that may lag tells it.
	Count(ctx context.Context, kind Kind) (int, error)
}

// An Eraser removes a person's data for good, as privacy laws ask.
type Eraser interface {
	// Erase removes each record for good and returns one error per id, in
	// order: nil when the record is gone, also when it was gone before. The
	// error is for a call that could not be made at all.
	Erase(ctx context.Context, kind Kind, ids []string) ([]error, error)
}

// A Relater knows which records of its system are associated with another.
type Relater interface {
	// Related returns the records of a kind that are associated with ref, as
	// the system has them now, not by an index that lags.
	Related(ctx context.Context, ref Ref, kind Kind) ([]Ref, error)
}

// An Enricher completes facts that a signal told only in part.
type Enricher interface {
	// Enrich returns the fact with what its system knows of it by now, such
	// as the whole text of a message instead of a preview. Its ID stays. A
	// fact whose record is gone is returned as it is.
	Enrich(ctx context.Context, f Fact) (Fact, error)
}

// A Moder is a [Source] that works on in another way while something is
// wrong. The call is cheap.
type Moder interface {
	Modes() []Mode
}

// A Degrader knows which fields its system cannot hold at present, because
// somebody renamed or archived a property, say.
type Degrader interface {
	// Degraded returns, by raw name, the rule that each such field breaks.
	// The engine pauses the fields that need them. It must be quick.
	Degraded(kind Kind) map[string]string
}

// A Skewer knows how far its system's clock may be from the true time.
type Skewer interface {
	// Skew returns the bound, at least the resolution of the system's times.
	Skew() time.Duration
}
