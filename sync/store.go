package sync

import (
	"context"
	"time"
)

// A LinkState says how a link stands.
type LinkState string

// The states of a link.
const (
	// Active links are kept in step.
	Active LinkState = "active"
	// Pending links have one end; the other is being created.
	Pending LinkState = "pending"
	// Detached links are left alone: one end is gone.
	Detached LinkState = "detached"
	// Erased links are those of a person whose data were erased for good.
	Erased LinkState = "erased"
)

// A Link says that two records are the same thing. Within a flow a record is
// the end of at most one link.
type Link struct {
	ID   string
	Flow string
	// Left and Right are the ends; the missing one of a pending link is zero.
	Left, Right Ref
	State       LinkState
	// Evidence names what the link was made from: the identity that matched,
	// or "created".
	Evidence string
	// Generation counts the commits. A caller passes the generation it read;
	// a store refuses an older one with [ErrStale]. 0 means not stored yet.
	Generation int64
	// Key encrypts the values in the link's audit entries. Without it nobody
	// can read them any more: erasing a person drops it.
	Key []byte
	// Head is the hash of the last audit entry that was stored with the link.
	Head []byte
	// Intent is the write under way, nil when there is none.
	Intent *Intent
}

// End returns the link's end on a side.
func (l *Link) End(s Side) Ref {
	if s == Left {
		return l.Left
	}
	return l.Right
}

func (l *Link) setEnd(s Side, ref Ref) {
	if s == Left {
		l.Left = ref
	} else {
		l.Right = ref
	}
}

// An Intent is stored before a write is sent, so that a crash in between is
// seen afterwards, and so that two workers never write to one pair at once.
type Intent struct {
	ID string
	// Expires is the moment from which another worker may take the pair over.
	Expires time.Time
	// Writes holds the raw fields about to be written, left first.
	Writes [2]Fields
}

// A Commit is what becomes true together.
type Commit struct {
	// Link is the link as it shall be, with the generation that was read.
	Link Link
	// Base replaces the base when not nil.
	Base *Base
	// Entries are added to the audit.
	Entries []Entry
	// Forget removes the base. Base is nil then.
	Forget bool
}

// Links finds links.
type Links interface {
	// Link returns the link of a flow that has ref as an end, or ErrNotFound.
	Link(ctx context.Context, flow string, ref Ref) (Link, error)
	// Links returns up to limit links of a flow in the byte order of their IDs,
	// after the given one; none when there are no more.
	Links(ctx context.Context, flow, after string, limit int) ([]Link, error)
}

// Bases finds bases.
type Bases interface {
	// Base returns a link's base, the zero Base when it has none.
	Base(ctx context.Context, linkID string) (Base, error)
}

// Intents keeps writes under way.
type Intents interface {
	// Begin stores the link with the intent, adds the entries to the audit in
	// the same transaction, and returns the link with its new generation. It fails with ErrStale when the link's generation has moved
	// on, when a new link (generation 0) has an end that another link of the
	// flow holds, or when another intent is open that has not expired at now.
	Begin(ctx context.Context, now time.Time, link Link, intent Intent, entries ...Entry) (Link, error)
	// Open returns up to limit links whose intent had expired at now: what a
	// crash left behind.
	Open(ctx context.Context, now time.Time, limit int) ([]Link, error)
}

// Audit keeps what was decided. Entries are never changed.
type Audit interface {
	// Append adds entries outside of a commit.
	Append(ctx context.Context, entries ...Entry) error
	// Entries returns entries in the order they were added.
	Entries(ctx context.Context, filter AuditFilter) ([]Entry, error)
}

// Cursors keeps how far each source has been read.
type Cursors interface {
	// Cursor returns a cursor by name, "" when there is none.
	Cursor(ctx context.Context, name string) (Cursor, error)
	// SetCursor moves a cursor from one place to another, or fails with
	// ErrStale when it is elsewhere.
	SetCursor(ctx context.Context, name string, from, to Cursor) error
}

// A Store remembers links, bases, intents, the audit and cursors. Methods may
// be called concurrently. Neither the store nor its callers change a value
// after passing it over.
type Store interface {
	Links
	Bases
	Intents
	Audit
	Cursors

	// Commit makes all of c true in one transaction, closes the link's
	// intent, and returns the link with its new generation. It fails with
	// ErrStale, and changes nothing, under the conditions of Begin; the open
	// intent that c.Link carries is the caller's own.
	Commit(ctx context.Context, now time.Time, c Commit) (Link, error)
}
