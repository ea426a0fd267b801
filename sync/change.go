package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Reason tells where a [Change] came from, for the audit and the metrics. A
// webhook, a journal or a sweep that tells nothing new ends after one read at
// the most; any other reason is always a look at both sides.
type Reason string

// The reasons the library itself gives.
const (
	ReasonWebhook  Reason = "webhook"
	ReasonJournal  Reason = "journal"
	ReasonSweep    Reason = "sweep"
	ReasonFact     Reason = "fact" // a fact about the record came in
	ReasonVerify   Reason = "verify"
	ReasonBackfill Reason = "backfill"
	ReasonManual   Reason = "manual"
	// ReasonInventory is that of a record that an [Engine.Inventory] missed, or
	// met for the first time.
	ReasonInventory Reason = "inventory"
)

// A Change says "look at this record". It carries no values: the engine reads
// both sides afresh, so a late, doubled or reordered change is harmless.
type Change struct {
	// ID makes the change idempotent: within a queue's memory (7 days at
	// least) a second change with the same ID is dropped. It must therefore
	// differ between two real edits of one record.
	ID string `json:"id"`
	// Ref is the record to look at.
	Ref Ref `json:"ref"`
	// Reason tells where the change came from.
	Reason Reason `json:"reason"`
	// OccurredAt is the system's time of the change, zero if unknown. It
	// measures lag and is never compared with a field's time.
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	// Priority is the urgency.
	Priority Priority `json:"priority"`
	// Witness holds, by raw name, the [Value.Digest] of the values that the
	// signal claims, if it claims any. It never becomes data: a signal that
	// claims nothing but what was seen moments ago, such as the echo of our
	// own write, just needs no read.
	Witness map[string]string `json:"witness,omitempty"`
	// Approved, when not nil, has the change write nothing but what a forecast
	// found.
	Approved *Approval `json:"approved,omitempty"`
}

// witnessed reports whether everything the change claims is in the record.
func (c *Change) witnessed(rec Record) bool {
	for n, digest := range c.Witness {
		if rec.Fields[n].Digest() != digest {
			return false
		}
	}
	return len(c.Witness) > 0
}

// A Fact says that something happened once: a message arrived, a tour was
// booked. Unlike a change it carries its payload.
type Fact struct {
	// ID identifies the occurrence for ever; a second fact with the same ID
	// is the same fact.
	ID string `json:"id"`
	// Type names what happened, such as "tour.scheduled".
	Type string `json:"type"`
	// Subject is the record the fact is about.
	Subject Ref `json:"subject"`
	// OccurredAt is the event's own time.
	OccurredAt time.Time `json:"occurred_at,omitzero"`
	// Data is the event's content, as decoded from JSON.
	Data map[string]any `json:"data,omitempty"`
}

// An Item is what an engine accepts: a [Change] or a [Fact].
type Item interface {
	// messages take the carrier of a [Tracer] along, "" for none.
	messages(now time.Time, carrier string) ([]Message, error)
}

func (c Change) messages(now time.Time, carrier string) ([]Message, error) {
	if c.ID == "" || c.Ref.System == "" || c.Ref.Kind == "" || c.Ref.ID == "" {
		return nil, &Error{Op: "enqueue", Action: Invalid, Ref: c.Ref, Rule: "change.complete",
			Hint: "give the change an ID and a Ref with system, kind and id", Err: errors.New("incomplete change")}
	}
	m, err := encode(envelope{Version: 1, Change: &c, Trace: carrier}, c.ID, c.Ref, c.Ref.String(), c.Priority, now)
	return []Message{m}, err
}

// factsKey is the key of the facts about a record.
func factsKey(ref Ref) string { return "facts:" + ref.String() }

// messages of a fact are a look at its subject and, under a key of their own,
// the fact: one that waits for its subject keeps no change of it waiting.
func (f Fact) messages(now time.Time, carrier string) ([]Message, error) {
	if f.ID == "" || f.Type == "" || f.Subject.System == "" || f.Subject.Kind == "" || f.Subject.ID == "" {
		return nil, &Error{Op: "enqueue", Action: Invalid, Ref: f.Subject, Rule: "fact.complete",
			Hint: "give the fact an ID, a Type and a Subject with system, kind and id", Err: errors.New("incomplete fact")}
	}
	look, err := Change{ID: "fact:" + f.ID, Ref: f.Subject, Reason: ReasonFact, Priority: Facts}.messages(now, carrier)
	if err != nil {
		return nil, err
	}
	m, err := encode(envelope{Version: 1, Fact: &f, Trace: carrier}, f.ID, f.Subject, factsKey(f.Subject), Facts, now)
	return append(look, m), err
}

// envelope is the stored form of an item. Version lets a later release read
// messages that an earlier one left in the queue.
type envelope struct {
	Version int     `json:"v"`
	Change  *Change `json:"change,omitempty"`
	Fact    *Fact   `json:"fact,omitempty"`
	Trace   string  `json:"trace,omitempty"` // the carrier
}

func encode(e envelope, id string, ref Ref, key string, p Priority, now time.Time) (Message, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return Message{}, &Error{Op: "enqueue", Action: Invalid, Ref: ref, Rule: "item.json",
			Hint: "give the fact only data that encodes as JSON", Err: err}
	}
	return Message{ID: id, Key: key, Priority: p, EnqueuedAt: now, Payload: body}, nil
}

func decode(m Message) (envelope, error) {
	var e envelope
	if err := json.Unmarshal(m.Payload, &e); err != nil {
		return e, &Error{Op: "decode", Action: Fatal, Rule: "message.json",
			Hint: "the queue holds something the engine did not write; discard the message", Err: err}
	}
	if e.Version != 1 || (e.Change == nil) == (e.Fact == nil) {
		return e, &Error{Op: "decode", Action: Fatal, Rule: "message.version",
			Hint: "run a version of crmsync that knows this message, or discard it",
			Err:  fmt.Errorf("message version %d is unknown", e.Version)}
	}
	return e, nil
}

// Item returns the change or the fact that the message holds. The error is an
// [*Error] of action Fatal for what the engine did not write. A fact's data are
// personal.
func (m Message) Item() (Item, error) {
	e, err := decode(m)
	switch {
	case err != nil:
		return nil, err
	case e.Fact != nil:
		return *e.Fact, nil
	}
	return *e.Change, nil
}

// An Inbox takes items in. Webhook receivers are given one; [Engine] is one.
type Inbox interface {
	// Enqueue stores the items and returns when they are durable. On error
	// some may have been stored; sending all of them again is harmless.
	Enqueue(ctx context.Context, items ...Item) error
}

// about returns the record that a message is about, zero when it cannot be
// read.
func (m Message) about() Ref {
	e, err := decode(m)
	switch {
	case err != nil:
		return Ref{}
	case e.Fact != nil:
		return e.Fact.Subject
	}
	return e.Change.Ref
}
