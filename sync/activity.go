package sync

import (
	"errors"
	"fmt"
	"time"
)

// An Activity says how the facts of one type are recorded in a system: as a
// note, a task, a meeting. Each fact is recorded exactly once.
type Activity struct {
	// Name identifies the activity in stores and audits.
	Name string
	// Fact is the type of the facts that it records.
	Fact string
	// When tells which of them; nil is all. It is asked before the fact is
	// completed by its system's [Enricher].
	When func(f Fact) bool
	// System and Kind say what is created.
	System System
	Kind   Kind
	// Key is the raw field that is given the fact's key (see [FactKey]).
	Key string
	// Update is set when nothing is created: the fields are written to the
	// first related record, so that a workflow of the system which watches
	// them begins. Doing so twice is no change; Key may be empty.
	Update bool
	// Clock is, with Update, the raw field of the record that Render gives the
	// fact's own time (RFC 3339, or milliseconds since 1970). A fact that is
	// older than what the field says came late: it only fills fields that are
	// blank. "" has each fact overwrite what those before it wrote.
	Clock string
	// Unique is set when the system lets no two records have the same key.
	// Creating them is then idempotent. Otherwise a create whose outcome is
	// unknown is looked for among the records related to the same ones, if
	// the source is a [Relater]. If it is not, the create is not repeated
	// and a person has to look: see [Engine.Unknowns].
	Unique bool
	// Render returns the fields to write. The error is an [*Error] of action
	// Invalid for a fact that cannot be told.
	Render func(f Fact) (Fields, error)
	// Relate says with which records the activity is associated.
	Relate []Relation
	// Patience is how long a fact waits for a required relation before it
	// goes to the dead letters, 7 days by default.
	Patience time.Duration
}

// A Relation leads from a fact to a record of the activity's system: to the
// counterpart, in a flow, of a record that the fact names.
type Relation struct {
	// Flow is the flow whose link leads there; "" when the record that the
	// fact names is itself one of the activity's system.
	Flow string
	// Of returns the record that the fact names, false if it names none; nil
	// is the fact's subject.
	Of func(f Fact) (Ref, bool)
	// Required has the fact wait until there is such a link. An activity that
	// needs no such link is made without, and associated as soon as there is
	// one, whenever that is.
	Required bool
}

// of returns the record from which the relation starts.
func (r *Relation) of(f Fact) (Ref, bool) {
	if r.Of == nil {
		return f.Subject, true
	}
	return r.Of(f)
}

// flow is the name under which the activity's links are kept.
func (a *Activity) flow() string { return "activity:" + a.Name }

func (a *Activity) patience() time.Duration {
	p := a.Patience
	setDefault(&p, 7*24*time.Hour)
	return p
}

// repeatable reports whether to write it twice is the same as once.
func (a *Activity) repeatable() bool { return a.Unique || a.Update }

// validate names what makes the activity unusable.
func (a *Activity) validate(c *Config, flows map[string]bool) error {
	bad := func(field, hint string) error {
		return &Error{Op: "activity " + a.Name, Action: Fatal, Field: field, Rule: "activity", Hint: hint,
			Err: errors.New("the activity is not usable")}
	}
	peer := c.Peers[a.System]
	_, relates := peer.Source.(Relater)
	switch {
	case a.Name == "" || a.Fact == "" || a.System == "" || a.Kind == "":
		return bad("Name, Fact, System, Kind", "give the activity a name, the type of its facts, a system and a kind")
	case a.Key == "" && !a.Update || a.Render == nil:
		return bad("Key, Render", "name the field that holds the fact's key, and a function that renders the others")
	case !a.repeatable() && relates && unread(peer.Source, a.Kind, []string{a.Key}) != "":
		return bad("Key", fmt.Sprintf("have the adapter read %q of kind %q: after a lost answer the activity is looked for by it", a.Key, a.Kind))
	case a.Clock != "" && (!a.Update || unread(peer.Source, a.Kind, []string{a.Clock}) != ""):
		return bad("Clock", "name a field of the updated record that the adapter reads")
	case peer.Sink == nil:
		return bad("System", fmt.Sprintf("add a peer for %q", a.System))
	case len(a.Relate) == 0 || a.Update && !a.Relate[0].Required:
		return bad("Relate", "name the flow that leads to the record on which the activity is shown, as required if that record is updated")
	}
	for _, r := range a.Relate {
		if r.Flow != "" && !flows[r.Flow] {
			return bad("Relate", fmt.Sprintf("there is no flow %q", r.Flow))
		}
	}
	return nil
}
