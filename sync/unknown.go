package sync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// unknownOutcome is the evidence of a link whose write may have taken effect.
const unknownOutcome = "outcome unknown"

// errUnknown is the cause that a fact goes to the dead letters with.
var errUnknown = errors.New("whether the activity was made is unknown")

// An Unknown is an activity of which nobody knows if it was made: the call had
// no answer, and its system neither refuses a second one with the same key nor
// tells what is there. The fact waits among the dead letters, and is not
// recorded again before [Engine.ResolveUnknown].
type Unknown struct {
	// Activity is the activity's name, Fact the fact's ID, and Key what the
	// activity's key field holds if it was made.
	Activity, Fact, Key string
	// Subject is the record that the fact is about.
	Subject Ref
	// OccurredAt is the fact's own time, Since when the outcome was given up.
	OccurredAt, Since time.Time
}

// Unknowns lists the activities of which nobody knows if they were made, the
// longest unknown first. A person who looks for them in their system tells
// [Engine.ResolveUnknown] what is there.
func (e *Engine) Unknowns(ctx context.Context) ([]Unknown, error) {
	var out []Unknown
	filter := DeadFilter{Limit: 1000}
	for {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil {
			return nil, err
		}
		for i := range letters {
			list, err := e.unknownsOf(ctx, &letters[i])
			if err != nil {
				return nil, err
			}
			out = append(out, list...)
		}
		if len(letters) < filter.Limit {
			return out, nil
		}
		filter.After = letters[len(letters)-1].Message.ID
	}
}

// unknownsOf lists the unknown activities of the fact in a dead letter.
func (e *Engine) unknownsOf(ctx context.Context, letter *DeadLetter) ([]Unknown, error) {
	env, err := decode(letter.Message)
	if err != nil || env.Fact == nil {
		return nil, nil //nolint:nilerr // what cannot be decoded is a dead letter of another kind
	}
	var out []Unknown
	for _, a := range e.activities[env.Fact.Type] {
		link, err := e.cfg.Store.Link(ctx, a.flow(), factRef(env.Fact))
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		case link.State == Pending && link.Evidence == unknownOutcome:
			out = append(out, Unknown{Activity: a.Name, Fact: env.Fact.ID, Key: FactKey(*env.Fact),
				Subject: env.Fact.Subject, OccurredAt: env.Fact.OccurredAt, Since: letter.DiedAt})
		}
	}
	return out, nil
}

// ResolveUnknown tells the engine what the actor found: made is the record of
// an unknown activity, or the zero Ref if there is none, and then the fact is
// recorded after all. It may be repeated until it succeeds. The error is
// [ErrNotFound] for an activity that was never tried.
func (e *Engine) ResolveUnknown(ctx context.Context, u Unknown, made Ref, actor string) error {
	link, err := e.cfg.Store.Link(ctx, (&Activity{Name: u.Activity}).flow(), Ref{System: u.Subject.System, Kind: "fact", ID: u.Fact})
	if err != nil {
		return err
	}
	if link.State == Pending && link.Evidence == unknownOutcome {
		entry := Entry{At: time.Now(), Kind: EntryFailed, Flow: link.Flow, Link: link.ID, Left: u.Subject, Right: made,
			Note: actor + " found that it was not made", Causes: []string{u.Fact}}
		link.Evidence = ""
		if !made.Zero() {
			link.Right, link.State, link.Evidence = made, Active, "recorded"
			entry.Kind, entry.Note = EntryRecorded, actor+" found that it was made"
		}
		if _, err := e.commit(ctx, time.Now(), Commit{Link: link, Entries: []Entry{entry}}); err != nil {
			return err
		}
	}
	_, err = e.cfg.Queue.Replay(ctx, time.Now(), u.Fact)
	return err
}

// unknown gives up finding out whether the activity was made, and says so.
func (r *recording) unknown(ctx context.Context) error {
	if r.lost {
		r.link.Evidence = unknownOutcome
		if err := r.store(ctx, Entry{Kind: EntryUnknown, Note: r.fact.Type}); err != nil {
			return err
		}
		r.engine.observe(Event{Type: EventUnknown, Flow: r.link.Flow, Ref: r.fact.Subject})
	}
	return &Error{Op: "record", Action: Invalid, Ref: r.fact.Subject, Rule: "outcome.unknown", Err: fmt.Errorf("%w: %s", errUnknown, r.fact.Type),
		Hint: "look for the activity in " + string(r.activity.System) + ", then tell Engine.ResolveUnknown what is there"}
}

// reachable asks the system for a record before a write whose outcome nobody
// could find out: while it is down, the fact just waits.
func (r *recording) reachable(ctx context.Context) error {
	if len(r.related) == 0 {
		return nil
	}
	ref := r.related[0]
	_, err := r.engine.cfg.Peers[ref.System].Source.Read(ctx, ref.Kind, []string{ref.ID})
	return err
}

// factRef is the end of an activity's links.
func factRef(f *Fact) Ref { return Ref{System: f.Subject.System, Kind: "fact", ID: f.ID} }
