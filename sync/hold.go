package sync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// EntryResolved is the kind of the entries about what a person decided on a
// [Hold]; Note says who decided what.
const EntryResolved EntryKind = "resolved"

// A Hold is a record that waits for a person, because several records of the
// other side match it, or one that is linked to somebody else already. It holds
// no values; read the candidates to show them side by side.
type Hold struct {
	// ID tells holds apart and is their place in the pages of [Engine.Holds].
	ID   string
	Flow string
	// Ref is the record that waits.
	Ref Ref
	// By is the raw name of the key that matched.
	By string
	// Candidates are those that may belong together, left first: on its own
	// side Ref and whoever is linked to a candidate now, on the other side
	// those that match.
	Candidates [2][]Ref
	// Since is when it was found to be ambiguous.
	Since time.Time
}

// held is what a store keeps of a hold, as the evidence of a link in a flow of
// its own with the record as the only end: Pending while it waits.
type held struct {
	By         string    `json:"by"`
	Candidates [2][]Ref  `json:"candidates"`
	Since      time.Time `json:"since"`
	// With is the record that a person chose, zero for none of them.
	With Ref `json:"with,omitzero"`
	// Ruled out are the records that a person said it is not.
	RuledOut []Ref `json:"ruled_out,omitempty"`
	// Decided is when they last said so.
	Decided time.Time `json:"decided,omitzero"`
}

func holdsOf(flow string) string { return "ambiguous:" + flow }

// holdOf returns the stored hold of a record, a new link without one.
func (e *Engine) holdOf(ctx context.Context, flow string, s Side, ref Ref) (Link, held, error) {
	link, err := e.cfg.Store.Link(ctx, holdsOf(flow), ref)
	if errors.Is(err, ErrNotFound) {
		// The ID begins with the time, so that the oldest is listed first.
		link = Link{ID: fmt.Sprintf("%016x-%s", time.Now().UnixNano(), newID()[:8]), Flow: holdsOf(flow), State: Pending}
		link.setEnd(s, ref)
		return link, held{}, nil
	}
	if err != nil {
		return link, held{}, err
	}
	h, err := parseHeld(&link)
	return link, h, err
}

func parseHeld(link *Link) (h held, err error) {
	if err := json.Unmarshal([]byte(link.Evidence), &h); err != nil {
		return h, &Error{Op: "hold", Action: Fatal, Ref: link.Left, Rule: "hold.json",
			Hint: "the store holds something the engine did not write", Err: err}
	}
	return h, nil
}

// storeHold stores a hold with entries of the audit.
func (e *Engine) storeHold(ctx context.Context, link Link, h held, entries ...Entry) error {
	evidence, err := json.Marshal(h)
	if err != nil {
		return err
	}
	link.Evidence = string(evidence)
	_, err = e.commit(ctx, time.Now(), Commit{Link: link, Entries: entries})
	return err
}

// Holds lists the records of a flow that wait for a person, the longest first,
// up to limit of them (100 if it is 0) after the hold of the given ID; none
// when there are no more. [Engine.Resolve] lets them go on. One whose
// counterpart was found meanwhile, because somebody merged the candidates, say,
// is left out.
func (e *Engine) Holds(ctx context.Context, flow, after string, limit int) ([]Hold, error) {
	if _, err := e.plannerOf(flow); err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = 100
	}
	var out []Hold
	for {
		links, err := e.cfg.Store.Links(ctx, holdsOf(flow), after, limit)
		if err != nil || len(links) == 0 {
			return out, err
		}
		after = links[len(links)-1].ID
		for i := range links {
			h, waits, err := e.waiting(ctx, flow, &links[i])
			if err != nil {
				return out, err
			}
			if !waits {
				continue
			}
			if out = append(out, h); len(out) == limit {
				return out, nil
			}
		}
	}
}

// waiting returns a stored hold, and whether it still waits.
func (e *Engine) waiting(ctx context.Context, flow string, link *Link) (Hold, bool, error) {
	if link.State != Pending {
		return Hold{}, false, nil
	}
	h, err := parseHeld(link)
	if err != nil {
		return Hold{}, false, err
	}
	ref := link.Left
	if ref.Zero() {
		ref = link.Right
	}
	now, err := e.cfg.Store.Link(ctx, flow, ref)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Hold{}, false, err
	}
	settled := err == nil && (now.State == Erased || !now.Left.Zero() && !now.Right.Zero())
	return Hold{ID: link.ID, Flow: flow, Ref: ref, By: h.By, Candidates: h.Candidates, Since: h.Since}, !settled, nil
}

// ambiguous holds the record for a person, and returns why it waits.
func (r *reconciliation) ambiguous(ctx context.Context, by, what string, near, far []Ref) error {
	link, h, err := r.engine.holdOf(ctx, r.flow.Name, r.near, r.link.End(r.near))
	if err != nil {
		return err
	}
	if time.Since(h.Decided) < r.engine.cfg.Lease && slices.ContainsFunc(far, func(ref Ref) bool { return slices.Contains(h.RuledOut, ref) }) {
		return r.busy(busyWaitMost, "a person decided on the record during the look")
	}
	if err := r.doubtful(ctx); err != nil {
		return err
	}
	now := held{By: by, Since: h.Since, RuledOut: h.RuledOut}
	now.Candidates[r.near], now.Candidates[r.near.Other()] = near, far
	if link.Generation == 0 || link.State != Pending || !sameCandidates(h.Candidates, now.Candidates) {
		if link.State != Pending || now.Since.IsZero() {
			now.Since = time.Now().UTC()
		}
		link.State = Pending
		if err := r.engine.storeHold(ctx, link, now); err != nil {
			return err
		}
	}
	r.engine.observe(Event{Type: EventHeld, Flow: r.flow.Name, Ref: r.ref, Count: len(far)})
	text := what + " by " + by + ":"
	for _, ref := range append(slices.Clone(far), near[1:]...) {
		text += " " + ref.String()
	}
	return &Error{Op: "match", Action: Invalid, Ref: r.ref, Rule: ruleAmbiguous,
		Hint: "resolve the hold, or merge the records or correct the identity and replay", Err: errors.New(text)}
}

// ruleAmbiguous is the rule of a match that needs a person.
const ruleAmbiguous = "identity.ambiguous"

func sameCandidates(a, b [2][]Ref) bool {
	return slices.Equal(a[Left], b[Left]) && slices.Equal(a[Right], b[Right])
}

// offered leaves out the candidates that a person has ruled out.
func (r *reconciliation) offered(ctx context.Context, candidates []Record) ([]Record, error) {
	if len(candidates) == 0 {
		return nil, nil
	}
	_, h, err := r.engine.holdOf(ctx, r.flow.Name, r.near, r.link.End(r.near))
	if err != nil || len(h.RuledOut) == 0 {
		return candidates, err
	}
	out := slices.Clone(candidates)
	return slices.DeleteFunc(out, func(rec Record) bool { return slices.Contains(h.RuledOut, rec.Ref) }), nil
}
