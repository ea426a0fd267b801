package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Trigger makes a fact of a transition that both sides have agreed on: the
// stage became "won", say. What is recorded of such facts is an [Activity].
// Each transition fires once, however often it is seen.
type Trigger struct {
	// Name identifies the trigger.
	Name string
	// Flow and Field name what is watched.
	Flow, Field string
	// From and To list the canonical values between which it fires, "" for a
	// blank; none stands for any.
	From, To []string
	// Fact is the type of the facts that it makes. Their subject is the left
	// record, if there is one; their data are flow, field, from and to.
	Fact string
	// With lists raw names of the left record that the facts' data hold
	// besides, as texts: the id of the contact whose deal it is, say.
	With []string
}

// fires reports whether a transition is meant.
func (t *Trigger) fires(flow, field, from, to string) bool {
	return t.Flow == flow && t.Field == field && from != to &&
		(len(t.From) == 0 || slices.Contains(t.From, from)) && (len(t.To) == 0 || slices.Contains(t.To, to))
}

// validate names what makes the trigger unusable.
func (t *Trigger) validate(flows []*Flow) error {
	bad := func(field, hint string) error {
		return &Error{Op: "trigger " + t.Name, Action: Fatal, Field: field, Rule: "trigger", Hint: hint, Err: errors.New("the trigger is not usable")}
	}
	at := slices.IndexFunc(flows, func(f *Flow) bool { return f.Name == t.Flow })
	switch {
	case t.Name == "" || t.Fact == "":
		return bad("Name, Fact", "give the trigger a name and the type of the facts that it makes")
	case at < 0:
		return bad("Flow", fmt.Sprintf("there is no flow %q", t.Flow))
	case !slices.ContainsFunc(flows[at].Fields, func(f Field) bool { return f.Name == t.Field }):
		return bad("Field", fmt.Sprintf("flow %s has no field %q", t.Flow, t.Field))
	}
	for _, n := range t.With {
		if n != IDField && !slices.Contains(flows[at].Names(Left), n) {
			return bad("With", fmt.Sprintf("flow %s does not read %q on the left", t.Flow, n))
		}
	}
	return nil
}

// fire enqueues the facts of the transitions from the present base to the next
// one. It is called before the next one is committed: after a crash in between
// the same transitions are seen again, and their facts have the same IDs.
func (r *reconciliation) fire(ctx context.Context, next *Base) error {
	if len(r.engine.cfg.Triggers) == 0 || next == nil {
		return nil
	}
	var facts []Item
	next.Fired = maps.Clone(r.base.Fired)
	for i := range r.flow.Fields {
		f := &r.flow.Fields[i]
		from, to := agreedValue(f, &r.base), agreedValue(f, next)
		for k := range r.engine.cfg.Triggers {
			if t := &r.engine.cfg.Triggers[k]; t.fires(r.flow.Name, f.Name, from, to) {
				facts = append(facts, seen{r.transition(t, from, to)})
				if next.Fired == nil {
					next.Fired = map[string]int{}
				}
				next.Fired[t.Name]++
			}
		}
	}
	return r.engine.Enqueue(ctx, facts...)
}

// seen is a fact whose subject was just looked at.
type seen struct{ Fact }

func (s seen) messages(now time.Time, carrier string) ([]Message, error) {
	ms, err := s.Fact.messages(now, carrier)
	if err != nil {
		return nil, err
	}
	return ms[1:], nil // the fact without the look
}

// agreedValue returns the canonical value of a field that a base holds.
func agreedValue(f *Field, b *Base) string {
	v, err := f.Left.Get(b.Left.Fields)
	if err != nil {
		return ""
	}
	return v.String()
}

// transition makes the fact of a transition. The base's times tell it from an
// earlier one between the same values, and its count if they stood still.
func (r *reconciliation) transition(t *Trigger, from, to string) Fact {
	subject := r.link.Left
	if subject.Zero() {
		subject = r.link.Right
	}
	told := strings.Join([]string{r.link.ID, t.Name, from, to, strconv.Itoa(r.base.Fired[t.Name]),
		r.base.Left.UpdatedAt.UTC().Format(time.RFC3339Nano), r.base.Right.UpdatedAt.UTC().Format(time.RFC3339Nano)}, "\x00")
	sum := sha256.Sum256([]byte(told))
	data := map[string]any{}
	for _, n := range t.With {
		data[n] = r.views[Left].Record.Fields[n].String()
	}
	data["flow"], data["field"], data["from"], data["to"] = r.flow.Name, t.Field, from, to
	return Fact{ID: "trigger:" + t.Name + ":" + hex.EncodeToString(sum[:16]), Type: t.Fact, Subject: subject, OccurredAt: time.Now(), Data: data}
}
