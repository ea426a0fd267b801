package sync

import "time"

// An EntryKind says what an audit entry records.
type EntryKind string

// The kinds of audit entries.
const (
	EntryDecided  EntryKind = "decided"  // a field was decided on; Decision holds how
	EntryLinked   EntryKind = "linked"   // two records were recognised as the same
	EntryCreated  EntryKind = "created"  // a record was created to match another
	EntryRelinked EntryKind = "relinked" // an end moved, after a merge
	EntryDetached EntryKind = "detached" // an end is gone, the pair is left alone
	EntryRestored EntryKind = "restored" // a detached pair is whole again
	EntryWrote    EntryKind = "wrote"    // the writes of an intent took effect; Note names the side if it was one of two, and says if it was only found there
	EntryFailed   EntryKind = "failed"   // a write failed or its outcome is unknown
	EntryFact     EntryKind = "fact"     // a fact was taken in
	EntryErased   EntryKind = "erased"   // a person's data were erased; Note is the receipt
	EntryUndone   EntryKind = "undone"   // writes were taken back; Causes name the fields
	EntryRecorded EntryKind = "recorded" // a fact became an activity
	EntryRelated  EntryKind = "related"  // an activity was associated with a record that came after it
	EntryUnknown  EntryKind = "unknown"  // whether a fact became an activity cannot be found out
)

// An Entry is one line of the audit: who, what, before, after and why.
type Entry struct {
	// Seq is given by the store: entries count up without gaps.
	Seq int64 `json:"seq"`
	// Key, when not empty, makes the entry idempotent: a store drops an entry
	// whose key it has recorded before.
	Key  string    `json:"key,omitempty"`
	At   time.Time `json:"at"`
	Kind EntryKind `json:"kind"`
	Flow string    `json:"flow,omitempty"`
	Link string    `json:"link,omitempty"`
	// Left and Right are the records concerned.
	Left  Ref `json:"left,omitzero"`
	Right Ref `json:"right,omitzero"`
	// Decision is set for decided fields. In a store it lacks the values, which
	// are in Sealed; [Engine.Entries] puts them back.
	Decision *Decision `json:"decision,omitempty"`
	// Sealed holds the decision's values, encrypted under the link's key.
	Sealed []byte `json:"sealed,omitempty"`
	// Note explains the other kinds: the evidence, the error, the fact's type.
	Note string `json:"note,omitempty"`
	// Causes are the IDs of the changes and facts that led here.
	Causes []string `json:"causes,omitempty"`
	// Intent is the ID of the intent under which it was written.
	Intent string `json:"intent,omitempty"`
	// Calls identifies the vendors' calls, left first.
	Calls [2]string `json:"calls,omitzero"`
	// Prev is the Hash of the link's entry before this one, and Hash the
	// SHA-256 of this one without Seq; see [Engine.VerifyAudit]. An entry that
	// was not stored together with its link has no Prev.
	Prev []byte `json:"prev,omitempty"`
	Hash []byte `json:"hash,omitempty"`
}

// An AuditFilter selects audit entries; the zero filter selects all. After is
// the Seq of the last entry of the previous page, Limit 0 means 100.
type AuditFilter struct {
	Flow  string
	Link  string
	Ref   Ref
	After int64
	Limit int
}

// Matches reports whether the filter selects the entry.
func (f *AuditFilter) Matches(e *Entry) bool {
	return e.Seq > f.After &&
		(f.Flow == "" || f.Flow == e.Flow) &&
		(f.Link == "" || f.Link == e.Link) &&
		(f.Ref.Zero() || f.Ref == e.Left || f.Ref == e.Right)
}
