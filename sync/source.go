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

	// Changes returns what changed since the cursor: the catch-up for
	// webhooks that never came. It may report a record more than once and
	// must never pass over one. The caller stores page.Next only after the
	// page's changes are durable.
	Changes(ctx context.Context, since Cursor) (ChangePage, error)
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

// A Snapshotter remembers the last state it saw of a record: from a read, a
// listing, or the answer to a write. The engine uses a recent one instead of
// reading a record about which a signal claims nothing new, and, if
// Config.SnapshotAge allows it, instead of the read before a write.
type Snapshotter interface {
	// Snapshot returns the state of ref last seen at or after since.
	Snapshot(ref Ref, since time.Time) (Record, bool)
}

// A Skewer knows how far its system's clock may be from the true time.
type Skewer interface {
	// Skew returns the bound, at least the resolution of the system's times.
	Skew() time.Duration
}
