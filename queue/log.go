package queue

import (
	"context"
	"errors"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// ErrFenced is returned by a [Log] when the token of a [Fence] is not the
// shard's present one: another process owns the shard now.
var ErrFenced = errors.New("queue: the shard has another owner")

// Memory is how long at least a [Log] remembers the ID of a message that was
// appended.
const Memory = 7 * 24 * time.Hour

// A Log is what an engine must offer to hold a [Queue]: a durable, sharded
// list of messages whose shards are leased to processes. It knows nothing of
// keys being busy, asleep, hot or poisoned; the dispatcher in this package
// does all of that, once for every engine.
//
// Each shard holds one stream per [sync.Priority]. A [Pos] names an entry of a
// shard. Within a shard, sequence numbers grow in the order of Append over all
// priorities, so that the messages of a key can be put in order; they need not
// be dense. They are given when a message is appended, and an engine with
// transactions may show entry 7 before entry 6 (a late commit). [Page].Settled
// tells the dispatcher how far that can still happen.
//
// The normal life of a message is one Append and one Delete. Nothing is
// updated unless a message fails.
//
// All methods may be called concurrently, from several processes where the
// engine allows it. They return promptly, keep no slice of their arguments
// (payloads excepted, which nobody changes), and when ctx ends they return its
// error and may or may not have had their effect. The dispatcher repeats what
// failed, so every method is safe to repeat. "now" is the caller's time; a
// driver never uses its own clock, nor the start of a transaction, instead.
type Log interface {
	// Shards returns the number of shards, fixed when the log was made.
	Shards() int

	// Append stores messages in the shards that [ShardOf] names, in the order
	// given. A message whose ID was appended in the last [Memory] is left out,
	// whether it still waits or not; an ID may also occur twice in msgs.
	// Looking the ID up, remembering it and storing the message are one atomic
	// step, also against a concurrent Append. On error none or some were
	// stored. Append takes no lock that Delete or Read waits for.
	Append(ctx context.Context, now time.Time, msgs []sync.Message) error

	// Read answers each span with one page, in the order of the spans, in one
	// round trip where the engine can. It needs no fence. Its cost grows with
	// what it returns and not with what waits in front or behind.
	Read(ctx context.Context, spans []Span) ([]Page, error)

	// Delete removes entries for good; those that are gone already are passed
	// over. It fails with [ErrFenced], removing nothing, when the fence does
	// not hold, checked in the same atomic step.
	Delete(ctx context.Context, fence Fence, entries []Pos) error

	// Hold stores what is known of the failures of one entry, replacing what
	// was stored before. Fenced like Delete. An entry that is gone is passed
	// over.
	Hold(ctx context.Context, fence Fence, entry Pos, held Held) error

	// Bury moves entries to the dead letters in one atomic step. A letter
	// replaces an older one with the same message ID. Fenced like Delete;
	// entries that are gone are passed over.
	Bury(ctx context.Context, fence Fence, burials []Burial) error

	// Lease is the heartbeat of a process: it renews what the process holds,
	// counts who is alive and hands out free shards. See [LeaseParams].
	Lease(ctx context.Context, now time.Time, p LeaseParams) (Leases, error)

	// Release ends leases in good order, so that others may take the shards
	// at once. Fences that no longer hold are passed over.
	Release(ctx context.Context, p ReleaseParams) error

	// Dead lists dead letters by the time they died, oldest first, those that
	// died at the same time by message ID. An unknown filter.After selects
	// nothing.
	Dead(ctx context.Context, filter sync.DeadFilter) ([]sync.DeadLetter, error)

	// Replay appends the messages of dead letters anew, with their history in
	// [Held] and no attempts, and removes the letters, in one atomic step per
	// letter. Dedupe does not apply. Unknown IDs are passed over. It returns
	// how many were moved.
	Replay(ctx context.Context, now time.Time, ids []string) (int, error)

	// Discard deletes dead letters and returns how many there were.
	Discard(ctx context.Context, now time.Time, ids []string) (int, error)

	// Stats counts. A log does not know of lanes: Leased stays 0 and leased
	// messages count as waiting. Sleeping are the messages of the keys that
	// have an entry with a Held.RetryAt after now; NextAt is the first of
	// those times. OldestAt may be that of the first entry of each stream.
	Stats(ctx context.Context, now time.Time) (sync.QueueStats, error)
}

// A Waker is a [Log] that can tell when messages were appended, by whichever
// process. The dispatcher registers one function and never removes it; it may
// be called from any goroutine and returns at once. Being a hint, it may come
// late, doubled, for nothing or (when a connection was lost) not at all.
type Waker interface {
	OnAppend(wake func())
}

// A Pos names an entry within a shard.
type Pos struct {
	Priority sync.Priority
	Seq      uint64
}

// An Entry is a message as the log holds it.
type Entry struct {
	Seq     uint64
	Message sync.Message
	// Held is nil unless Hold or Replay stored something.
	Held *Held
}

// Held is what is stored of the failures of a message.
type Held struct {
	// RetryAt is when the message's key wakes up. Zero is at once.
	RetryAt time.Time
	// Attempts and History are as in [sync.Lane].
	Attempts int
	History  []sync.Failure
}

// A Span asks for the entries of one stream, (After, Upto], in the order of
// their sequence numbers.
type Span struct {
	Shard    int
	Priority sync.Priority
	// Key limits the span to one key; "" is all.
	Key string
	// After is exclusive, Upto inclusive; an Upto of 0 is no bound.
	After, Upto uint64
	// Limit is the most entries to return, at least 1.
	Limit int
}

// A Page answers a [Span].
type Page struct {
	Entries []Entry
	// Next is how far the page reaches: every entry of the span up to Next
	// that was visible is in the page. It is the last entry's Seq, or at least
	// Span.After when there is none.
	Next uint64
	// More is set when the limit cut the page short.
	More bool
	// Settled promises that no entry of the stream with a Seq up to it will
	// become visible after this read looked, at all its spans at one moment if
	// the log has late commits. A log whose entries become visible in order
	// returns [AllSettled]. It never falls.
	Settled uint64
}

// AllSettled is the [Page].Settled of a log without late commits.
const AllSettled = ^uint64(0)

// A Fence guards a shard: the token grows each time the shard changes hands.
type Fence struct {
	Shard int
	Token uint64
}

// A Burial moves an entry to the dead letters.
type Burial struct {
	Pos    Pos
	Letter sync.DeadLetter
}

// LeaseParams are the arguments of [Log].Lease.
//
// In one atomic step, or shard by shard in ascending order so that two
// processes never deadlock:
//
//  1. Owner counts as alive until now+For, or longer if it did already.
//  2. The shards of Owner are renewed to now+For, or left if they last longer
//     already; even when they had expired, as long as nobody else took them.
//     Their tokens stay.
//  3. While Owner holds fewer than [FairShare] of the shards and members
//     alive, it is given shards that are free or whose lease expired by now.
//     Each gets a new, greater token. Taking an expired one adds 1 to its
//     unclean count.
type LeaseParams struct {
	// Owner is unique to a process and its start.
	Owner string
	For   time.Duration
}

// Leases is the result of [Log].Lease.
type Leases struct {
	// Grants are all the shards that the owner holds now. Those that it held
	// before and that are not here are lost.
	Grants []Grant
	// Members is how many processes are alive, the owner included.
	Members int
}

// A Grant is a leased shard.
type Grant struct {
	Fence
	Expires time.Time
	// Unclean counts the times the shard was taken over from an owner that
	// let it expire, since it was last released in good order.
	Unclean int
}

// ReleaseParams are the arguments of [Log].Release.
type ReleaseParams struct {
	Owner string
	// Clean shards are given back with an unclean count of 0.
	Clean []Fence
	// Unclean shards keep their count: their owner had not yet worked through
	// what a crashed one left behind.
	Unclean []Fence
	// Leave is set when the process stops: it counts as alive no longer.
	Leave bool
}

// FairShare is how many of the shards one of so many members may hold.
func FairShare(shards, members int) int {
	if members < 1 {
		members = 1
	}
	return (shards + members - 1) / members
}

// ShardOf returns the shard of a key. It is stable across processes and
// versions: messages already stored depend on it.
func ShardOf(key string, shards int) int {
	h := uint64(14695981039346656037) // FNV-1a, then a finishing mix
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return int(h % uint64(shards))
}
