package sync

import (
	"context"
	"time"
)

// A Message is one entry of a [Queue].
type Message struct {
	// ID makes Push idempotent.
	ID string
	// Key is what must be worked on one at a time and in order.
	Key string
	// Priority is the urgency.
	Priority Priority
	// EnqueuedAt is when the message was pushed.
	EnqueuedAt time.Time
	// Payload is opaque to the queue. Neither side changes it after Push.
	Payload []byte
}

// A Failure is one entry in the history of a message that did not succeed.
type Failure struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"`
	Error  string    `json:"error"`
	// Rule and Field are those of the [Error], "" when it has none: failures
	// that agree in them most often have one cause.
	Rule  string `json:"rule,omitempty"`
	Field string `json:"field,omitempty"`
	// Free is set when the failure used up no attempt, such as a wait for a
	// quota.
	Free bool `json:"free,omitempty"`
}

// A Lane is one key with its waiting messages, leased to one worker.
type Lane struct {
	Key      string
	Priority Priority
	// Messages are all that waited for the key when it was taken, up to the
	// queue's limit, in the order they were pushed.
	Messages []Message
	// Attempts counts the failed attempts of the first message so far, Free
	// ones not included. History holds its failures, oldest first; of many Free
	// ones only the first and the last.
	Attempts int
	History  []Failure
	// Token fences the lease. Only the queue understands it.
	Token string
	// Expires is when the lease ends unless extended.
	Expires time.Time
}

// A DeadLetter is a message that was given up, with its whole history.
type DeadLetter struct {
	Message  Message
	Attempts int
	History  []Failure
	DiedAt   time.Time
}

// A DeadFilter selects dead letters; the zero filter selects all. After is the
// ID of the last letter of the previous page, Limit 0 means 100.
type DeadFilter struct {
	Key   string
	After string
	Limit int
}

// QueueStats counts what a [Queue] holds.
type QueueStats struct {
	Waiting    int             // messages not leased, sleeping ones included
	Leased     int             // messages in lanes that this process holds
	Sleeping   int             // messages whose key waits for a retry time
	Dead       int             // dead letters
	OldestAt   time.Time       // when the oldest waiting message was pushed
	ByPriority [Priorities]int // waiting messages by priority
	InWork     [Priorities]int // leased messages by priority
	NextAt     time.Time       // when the next sleeping key wakes, zero if none
}

// A Queue holds the work to do, durably as far as its implementation promises.
//
// At any time a key has at most one lease. Within a key and priority, messages
// are delivered in the order they were pushed; messages of different
// priorities may overtake one another, which strict order would pay for with
// the reserved shares. A lane delivers all the waiting
// messages of its key, so that ten changes of one record cost one read. A more
// urgent priority is served first, but every priority keeps a reserved share
// of what Take hands out. A message that keeps failing blocks its own key and
// no other. A worker that dies loses its lease when it expires; its messages
// are then delivered again, and the calls it might still make fail with
// [ErrStale].
//
// Time is a parameter, so that tests and simulations own it. Methods may be
// called concurrently and return promptly; none waits for work.
type Queue interface {
	// Push stores messages and returns when they are as durable as the queue
	// makes them. A message whose ID was pushed in the last 7 days is dropped
	// silently, whether it is waiting, done or dead. On error none or some
	// were stored: push them all again.
	Push(ctx context.Context, now time.Time, msgs ...Message) error

	// Take leases up to n lanes that are ready at now, each for the duration
	// lease. It returns fewer, or none, when fewer are ready. With a context
	// of [UrgentOnly] no lane of bulk work is among them.
	Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]Lane, error)

	// Extend prolongs a lease to now+lease and returns the lane with its new
	// Expires.
	Extend(ctx context.Context, now time.Time, lane Lane, lease time.Duration) (Lane, error)

	// Done removes the messages of the lane. The caller may have cut
	// lane.Messages to a prefix of what Take delivered; the others stay
	// leased, and the next call is given them. When none is left the lease
	// ends. Anything but a prefix is an [*Error] of action Fatal.
	Done(ctx context.Context, now time.Time, lane Lane) error

	// Retry gives the lane back: its key sleeps until at, then all the
	// messages left are delivered again in order. The cause is added to the
	// history of the first message and, unless it is Free, counted.
	Retry(ctx context.Context, now time.Time, lane Lane, at time.Time, cause Failure) error

	// Bury moves the messages of the lane (a prefix, as for Done) to the dead
	// letters, adding the cause to each history. The key goes on with the
	// messages that remain.
	Bury(ctx context.Context, now time.Time, lane Lane, cause Failure) error

	// Dead lists dead letters, oldest first by the time they died.
	Dead(ctx context.Context, filter DeadFilter) ([]DeadLetter, error)

	// Replay moves dead letters back to the end of their keys, with their
	// history but no attempts counted. Unknown IDs are passed over; the
	// result is how many were moved.
	Replay(ctx context.Context, now time.Time, ids ...string) (int, error)

	// Discard deletes dead letters for good and returns how many.
	Discard(ctx context.Context, now time.Time, ids ...string) (int, error)

	// Stats counts what the queue holds.
	Stats(ctx context.Context, now time.Time) (QueueStats, error)

	// Ready returns a channel that receives a value when messages were pushed
	// or a lane became free. It is a hint that may be missed or spurious:
	// poll as well. All callers share the channel.
	Ready() <-chan struct{}
}
