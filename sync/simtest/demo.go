package simtest

import (
	"errors"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// Demo returns a flow of people between two systems, each of which keeps the
// other's id, and an activity: what is simulated by default.
func Demo() ([]*sync.Flow, []*sync.Activity) {
	const person, note sync.Kind = "person", "note"
	own := func(s sync.Side) sync.Policy { return sync.Policy{Kind: sync.Own, Owner: s} }
	flow := &sync.Flow{
		Name:  "people",
		Left:  sync.Endpoint{System: "alpha", Kind: person, CreateKey: "beta_id"},
		Right: sync.Endpoint{System: "beta", Kind: person, CreateKey: "alpha_id"},
		Fields: []sync.Field{
			{Name: "alpha id", Left: text("id", asIs), Right: text("alpha_id", asIs), Direction: sync.ToRight, Policy: own(sync.Left)},
			{Name: "beta id", Left: text("beta_id", asIs), Right: text("id", asIs), Direction: sync.ToLeft, Policy: own(sync.Right)},
			{Name: "email", Left: text("email", fold), Right: text("mail", fold), Policy: sync.Policy{Owner: sync.Right}},
			{Name: "name", Left: text("name", asIs), Right: text("fullname", asIs), Policy: sync.Policy{Owner: sync.Right}},
			{Name: "phone", Left: text("msisdn", digits), Right: text("phone", digits), Policy: sync.Policy{Owner: sync.Left}},
			{Name: "interest", Left: text("interest", asIs), Right: text("interest", asIs), Direction: sync.ToRight},
			{Name: "city", Left: text("city", asIs), Right: text("town", asIs), Policy: sync.Policy{Owner: sync.Left}, KeepBlank: true},
		},
		Identity: []sync.Identity{
			{Name: "alpha id", Left: text("id", asIs), Right: text("alpha_id", asIs)},
			{Name: "beta id", Left: text("beta_id", asIs), Right: text("id", asIs)},
			{Name: "email", Left: text("email", fold), Right: text("mail", fold)},
		},
		FirstSync: sync.Policy{Kind: sync.Own, Owner: sync.Right},
	}
	notes := &sync.Activity{
		Name: "notes", Fact: "message.received", System: "beta", Kind: note, Key: "fact_key", Unique: true,
		Relate: []sync.Relation{{Flow: flow.Name, Required: true}},
		Render: func(f sync.Fact) (sync.Fields, error) { return sync.Fields{"body": sync.Text(f.Type)}, nil },
	}
	tasks := *notes
	tasks.Name, tasks.Fact, tasks.Kind, tasks.Unique = "tasks", "tour.scheduled", "task", false
	return []*sync.Flow{flow}, []*sync.Activity{notes, &tasks}
}

// A lens sees one text field; fold makes it canonical.
type lens struct {
	name string
	fold func(string) (string, error)
}

func text(name string, fold func(string) (string, error)) sync.Lens { return lens{name, fold} }

// Names implements [sync.Lens].
func (l lens) Names() []string { return []string{l.name} }

// Get implements [sync.Lens].
func (l lens) Get(f sync.Fields) (sync.Value, error) {
	if f[l.name].Blank() {
		return sync.Value{}, nil
	}
	s, err := l.fold(f[l.name].String())
	return sync.Text(s), err
}

// Put implements [sync.Lens].
func (l lens) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	return sync.Fields{l.name: v}, nil
}

func asIs(s string) (string, error) { return s, nil }

func fold(s string) (string, error) { return strings.ToLower(s), nil }

// digits ignores blanks and refuses letters.
func digits(s string) (string, error) {
	s = strings.ReplaceAll(s, " ", "")
	if strings.Trim(s, "+0123456789") != "" {
		return "", &sync.Error{Op: "map", Action: sync.Invalid, Rule: "phone.digits", Err: errors.New("not a phone number")}
	}
	return s, nil
}
