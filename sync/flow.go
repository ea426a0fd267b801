package sync

import (
	"errors"
	"fmt"
)

// A Side is one of the two ends of a [Flow].
type Side uint8

// The sides.
const (
	Left Side = iota
	Right
)

// Other returns the opposite side.
func (s Side) Other() Side { return 1 - s }

// String returns "left" or "right".
func (s Side) String() string {
	if s == Left {
		return "left"
	}
	return "right"
}

// A Lens looks at a record's raw fields and sees one canonical value.
//
// Two canonical values are equal when they are equal by ==, so a lens folds
// away what does not matter (case, blanks, order). The laws, checked by
// package mapping:
//
//	Put(Get(f), f) changes nothing that Get can see            (GetPut)
//	Get(f overlaid with Put(v, f)) == v, if v is of the lens   (PutGet)
//
// A Lens has no state and does no I/O.
type Lens interface {
	// Names are the raw fields that the lens reads and writes.
	Names() []string
	// Get returns the canonical value of the fields, null when they are
	// blank. The error is an [*Error] of action Invalid for raw values that
	// break a rule.
	Get(f Fields) (Value, error)
	// Put returns the raw fields to write so that Get sees v, given the
	// present ones, which may hold more than v can say. A null v clears.
	Put(v Value, current Fields) (Fields, error)
}

// Direction says which way a field travels.
type Direction uint8

// The directions.
const (
	Both Direction = iota
	ToRight
	ToLeft
)

// allows reports whether values may travel to the side.
func (d Direction) allows(to Side) bool {
	return d == Both || (d == ToRight) == (to == Right)
}

// PolicyKind names how a field settles a conflict.
type PolicyKind string

// The policies.
const (
	// LastWriteWins takes the later edit when the two intervals in which the
	// edits must have happened do not overlap. When they do, nobody can know
	// the order: the owner wins and the audit says "ambiguous".
	LastWriteWins PolicyKind = "last-write-wins"
	// Own always takes the owner's value. On a one-way field owned by its
	// source it also restores the target after an edit there; under any other
	// policy such an edit is kept until the source changes.
	Own PolicyKind = "owner"
	// PreferUnlessBlank takes the owner's value unless it is blank.
	PreferUnlessBlank PolicyKind = "prefer-unless-blank"
	// Monotonic takes the value that stands later in Policy.Order. An edit
	// that leads back is undone, unless it is the owner's.
	Monotonic PolicyKind = "monotonic"
	// Union merges lists: what either side added stays, what either removed goes.
	Union PolicyKind = "union"
	// Review writes nothing until a person makes the sides equal.
	Review PolicyKind = "review"
)

// A Policy settles conflicts of a field.
type Policy struct {
	// Kind is the policy; "" is LastWriteWins.
	Kind PolicyKind
	// Owner wins where the policy needs an owner.
	Owner Side
	// Order lists the canonical values of a Monotonic field, earliest first.
	Order []string
}

// A Field is one value that both sides of a flow keep.
type Field struct {
	// Name identifies the field in audits, errors and metrics.
	Name        string
	Left, Right Lens
	Direction   Direction
	// Policy settles conflicts; fields of one group share that of the first.
	Policy Policy
	// Group names fields that belong together (stage and pipeline): they are
	// compared and written as one register.
	Group string
	// KeepBlank is set when a blank never overwrites a value: clearing the
	// field on one side brings the other side's value back.
	KeepBlank bool
}

// lens returns the field's lens on a side.
func (f *Field) lens(s Side) Lens {
	if s == Left {
		return f.Left
	}
	return f.Right
}

// An Identity is one rung of the ladder by which records of the two sides are
// recognised as the same: equal canonical values, the best evidence first.
type Identity struct {
	Name        string
	Left, Right Lens // each of exactly one raw name
}

func (i *Identity) lens(s Side) Lens {
	if s == Left {
		return i.Left
	}
	return i.Right
}

// A Condition decides whether a record may travel to the other side. Changed
// holds the raw names that differ from the last agreed state, all non-blank
// ones for a record never seen before. A refusal says why.
type Condition func(rec Record, changed []string) (ok bool, why string, err error)

// An Endpoint is one side of a flow.
type Endpoint struct {
	System System
	Kind   Kind
	// CreateKey names the unique raw field through which records are created
	// here ("keyed upsert"). A field of the flow must fill it from the other
	// side's id. "" means that records are never created here.
	CreateKey string
	// Leave is asked before a record leaves this side for the other; nil
	// lets all pass.
	Leave Condition
	// Relate says with which records of this system a record that is created
	// here is associated: a deal with its contact, say. Later changes of the
	// associations are left to people.
	Relate []Association
}

// An Association leads from a record to one of the other system: to the
// counterpart, in a flow, of a record that it names.
type Association struct {
	// Flow is the flow whose link leads there.
	Flow string
	// Of returns the record that the record names, false if it names none.
	Of func(rec Record) (Ref, bool)
	// Required has the creation wait until there is such a link.
	Required bool
}

// A Flow describes how the records of one kind correspond. It is data and
// pure functions; package mapping builds flows from Go or YAML.
type Flow struct {
	// Name identifies the flow in stores and audits.
	Name        string
	Left, Right Endpoint
	Fields      []Field
	// Identity is the ladder, best evidence first.
	Identity []Identity
	// FirstSync settles fields that differ when two existing records meet for
	// the first time. Only Own, PreferUnlessBlank, Union and Review apply;
	// "" is PreferUnlessBlank.
	FirstSync Policy
	// Rollout keeps pairs out while the flow is introduced; the zero value
	// keeps out none.
	Rollout Rollout
}

// End returns the endpoint on a side.
func (f *Flow) End(s Side) *Endpoint {
	if s == Left {
		return &f.Left
	}
	return &f.Right
}

// SideOf returns the side that holds records like ref.
func (f *Flow) SideOf(ref Ref) (Side, bool) {
	switch {
	case f.Left.System == ref.System && f.Left.Kind == ref.Kind:
		return Left, true
	case f.Right.System == ref.System && f.Right.Kind == ref.Kind:
		return Right, true
	}
	return Left, false
}

// Names returns the raw names that the flow reads or writes on a side, each
// once, in the order of the fields: what an adapter must ask for.
func (f *Flow) Names(s Side) []string {
	var names []string
	seen := map[string]bool{}
	add := func(l Lens) {
		for _, n := range l.Names() {
			if !seen[n] {
				seen[n] = true
				names = append(names, n)
			}
		}
	}
	for i := range f.Fields {
		add(f.Fields[i].lens(s))
	}
	for i := range f.Identity {
		add(f.Identity[i].lens(s))
	}
	return names
}

// Validate reports what is missing or contradictory in the flow.
func (f *Flow) Validate() error {
	bad := func(field, rule, hint string) error {
		return &Error{Op: "flow " + f.Name, Action: Fatal, Field: field, Rule: rule, Hint: hint,
			Err: errors.New("the flow is not usable")}
	}
	if f.Name == "" || f.Left.System == "" || f.Right.System == "" || f.Left.Kind == "" || f.Right.Kind == "" {
		return bad("", "flow.complete", "give the flow a name and both sides a system and a kind")
	}
	if f.Left.System == f.Right.System && f.Left.Kind == f.Right.Kind {
		return bad("", "flow.distinct", "the two sides must differ in system or kind")
	}
	if len(f.Fields) == 0 {
		return bad("", "flow.fields", "map at least one field")
	}
	seen := map[string]bool{}
	groups := map[string]*Field{}
	for i := range f.Fields {
		fd := &f.Fields[i]
		if first, ok := groups[fd.Group]; ok && fd.Group != "" && (first.Direction != fd.Direction || first.KeepBlank != fd.KeepBlank) {
			return bad(fd.Name, "group.uniform", "fields of one group share direction and keep-blank")
		} else if !ok {
			groups[fd.Group] = fd
		}
		if fd.Name == "" || fd.Left == nil || fd.Right == nil {
			return bad(fd.Name, "field.complete", "give every field a name and two lenses")
		}
		if seen[fd.Name] {
			return bad(fd.Name, "field.unique", "two fields have this name; rename one")
		}
		seen[fd.Name] = true
		switch fd.Policy.Kind {
		case "", LastWriteWins, Own, PreferUnlessBlank, Union, Review:
		case Monotonic:
			if len(fd.Policy.Order) == 0 {
				return bad(fd.Name, "policy.order", "a monotonic field needs the order of its values")
			}
		default:
			return bad(fd.Name, "policy.known", fmt.Sprintf("the policy %q is not known", fd.Policy.Kind))
		}
	}
	for i := range f.Identity {
		id := &f.Identity[i]
		if id.Left == nil || id.Right == nil || len(id.Left.Names()) != 1 || len(id.Right.Names()) != 1 {
			return bad(id.Name, "identity.single", "an identity needs one raw name on each side")
		}
	}
	switch f.FirstSync.Kind {
	case "", Own, PreferUnlessBlank, Union, Review:
	default:
		return bad("", "firstsync.known", "the first sync allows owner, prefer-unless-blank, union and review")
	}
	if f.Rollout.Percent < 0 || f.Rollout.Percent > 100 {
		return bad("", "rollout.percent", "give a part from 1 to 100 percent, or 0 for none")
	}
	return f.validateCreateKeys(bad)
}

func (f *Flow) validateCreateKeys(bad func(field, rule, hint string) error) error {
	for _, s := range []Side{Left, Right} {
		key := f.End(s).CreateKey
		if key == "" {
			continue
		}
		filled := false
		for i := range f.Fields {
			fd := &f.Fields[i]
			for _, n := range fd.lens(s).Names() {
				filled = filled || n == key && fd.Direction.allows(s)
			}
		}
		if !filled {
			return bad(key, "createkey.filled", "map a field to the "+s.String()+" side's create key from the other side's id")
		}
	}
	return nil
}
