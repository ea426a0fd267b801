package sync

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// twoFields is a flow of the plain fields a and b.
func twoFields() *Flow {
	return testFlow(Policy{}, Field{Name: "a", Left: foldLens{"la"}, Right: foldLens{"ra"}},
		Field{Name: "b", Left: foldLens{"lb"}, Right: foldLens{"rb"}})
}

// inStep is the base on which both fields agree as of second 10.
func inStep() Base {
	return Base{Left: Shadow{raw("la", "x", "lb", "y"), at(10)}, Right: Shadow{raw("ra", "x", "rb", "y"), at(10)}}
}

func check(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, sameValues); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestPlanGroup(t *testing.T) {
	flow := testFlow(Policy{},
		Field{Name: "stage", Group: "deal", Left: foldLens{"la"}, Right: foldLens{"ra"}, Policy: by(Monotonic, Left).Policy},
		Field{Name: "pipe", Group: "deal", Left: foldLens{"lb"}, Right: foldLens{"rb"}})
	p := mustPlanner(t, flow)
	base := Base{Left: Shadow{raw("la", "new", "lb", "y"), at(10)}, Right: Shadow{raw("ra", "new", "rb", "y"), at(10)}}

	plan := mustPlan(t, p, view(20, raw("la", "open", "lb", "y")), view(30, raw("ra", "new", "rb", "z")), base)
	check(t, "one register", [2]Fields{nil, raw("ra", "open", "rb", "y")}, plan.Writes)
	check(t, "decisions", []string{
		"stage: write by policy.monotonic, left, conflict: open|new > open",
		"pipe: write by policy.monotonic, left, conflict: y|z > y"}, shown(plan.Decisions))

	plan = mustPlan(t, p, view(20, raw("la", "new", "lb", "v")), view(30, raw("ra", "new", "rb", "z")), base)
	check(t, "equal stages go to the owner", []string{"pipe: write by policy.monotonic, left, conflict, ambiguous: v|z > v"}, shown(plan.Decisions))

	plan = mustPlan(t, p, view(20, raw("la", "new", "lb", "v")), view(10, raw("ra", "NEW", "rb", "y")), base)
	check(t, "only what differs is written", [2]Fields{nil, raw("rb", "v")}, plan.Writes)
}

// TestPlanWords holds that of a field's raw names only those that move are
// written.
func TestPlanWords(t *testing.T) {
	p := mustPlanner(t, testFlow(Policy{}, Field{Name: "name", Left: wordsLens{"first", "rest"}, Right: foldLens{"full"}}))
	base := mustPlan(t, p, view(10, raw("first", "ana", "rest", "prueba")), view(10, raw("full", "ana prueba")), Base{}).Base
	plan := mustPlan(t, p, view(10, raw("first", "ana", "rest", "prueba")), view(20, raw("full", "ana ejemplo")), base)
	check(t, "writes", [2]Fields{raw("rest", "ejemplo"), nil}, plan.Writes)
}

func TestDecisionLost(t *testing.T) {
	a, b, none := Text("a"), Text("b"), Value{}
	for _, tc := range []struct {
		name string
		d    Decision
		want Value
		lost bool
	}{
		{"the loser", Decision{Outcome: Wrote, Before: [2]Value{a, b}, After: a}, b, true},
		{"the cleared", Decision{Outcome: Wrote, Before: [2]Value{none, b}, After: none}, b, true},
		{"a blank is no loss", Decision{Outcome: Wrote, Before: [2]Value{none, b}, After: b}, none, false},
		{"the held", Decision{Outcome: Held, Before: [2]Value{a, b}, After: a}, none, false},
		{"a part", Decision{Outcome: Wrote, Merged: true, Before: [2]Value{none, List("a", "b")}, After: List("b")}, List("a", "b"), true},
	} {
		got, lost := tc.d.Lost()
		check(t, tc.name, tc.want, got)
		check(t, tc.name, tc.lost, lost)
	}
}

func TestPlanGroupTimes(t *testing.T) {
	flow := twoFields()
	flow.Fields[0].Group, flow.Fields[1].Group = "g", "g"
	flow.Fields[0].Policy.Owner = Right
	left, right := view(50, raw("la", "new", "lb", "y")), view(30, raw("ra", "x", "rb", "z"))
	right.Times = map[string]time.Time{"ra": at(5), "rb": at(30)}
	p := mustPlanner(t, flow)

	left.Times = map[string]time.Time{"la": at(20), "lb": at(40)} // b was edited and put back
	plan := mustPlan(t, p, left, right, inStep())
	check(t, "the last edit of any name counts", [2]Interval{At(at(40)), At(at(30))}, plan.Decisions[0].Times)
	check(t, "so the left wins", Left, plan.Decisions[0].Winner)

	left.Times = map[string]time.Time{"la": at(20)} // and who knows when b was
	plan = mustPlan(t, p, left, right, inStep())
	check(t, "an unknown edit may be the last", [2]Interval{span(20, 50), At(at(30))}, plan.Decisions[0].Times)
	check(t, "it is contested", [2][]string{{"lb"}, nil}, plan.Contested)
}

func TestPlanCreate(t *testing.T) {
	flow := twoFields()
	flow.Fields = append(flow.Fields,
		Field{Name: "key", Left: foldLens{IDField}, Right: foldLens{"their_id"}, Direction: ToRight},
		Field{Name: "score", Left: foldLens{"score"}, Right: foldLens{"hs_score"}, Direction: ToLeft})
	p := mustPlanner(t, flow)
	left := view(20, raw("la", "x", IDField, "7", "score", "3"))
	fields := raw("ra", "x", "their_id", "7")

	plan := mustPlan(t, p, left, View{}, Base{})
	check(t, "writes", [2]Fields{nil, fields}, plan.Writes)
	check(t, "decisions", []string{"a: write by create, left: x| > x", "key: write by one-way, left: 7| > 7"}, shown(plan.Decisions))
	check(t, "the new side's time is not known yet", time.Time{}, plan.Base.Right.UpdatedAt)

	created := view(21, fields)
	again := mustPlan(t, p, left, created, plan.Base)
	check(t, "its echo writes nothing", [2]Fields{}, again.Writes)
	check(t, "and decides nothing", []string{}, shown(again.Decisions))

	gone := mustPlan(t, p, left, View{}, again.Base)
	check(t, "a record that is gone is written whole", [2]Fields{nil, fields}, gone.Writes)
}

func TestPlanLeave(t *testing.T) {
	flow := twoFields()
	var asked [][]string
	flow.Left.Leave = func(_ Record, changed []string) (bool, string, error) {
		asked = append(asked, changed)
		return false, "not a lead", nil
	}
	p := mustPlanner(t, flow)
	plan := mustPlan(t, p, view(20, raw("la", "new", "lb", "other")), view(10, raw("ra", "x", "rb", "y")), inStep())
	check(t, "writes", true, plan.Empty())
	check(t, "decisions", []string{"a: filter by leave: not a lead, left: new|x > new", "b: filter by leave: not a lead, left: other|y > other"}, shown(plan.Decisions))
	check(t, "asked once, with what changed", [][]string{{"la", "lb"}}, asked)
	check(t, "the base stays", false, plan.Rebase)

	plan = mustPlan(t, p, view(20, raw("la", "new", "lb", "y")), view(30, raw("ra", "x", "rb", "z")), inStep())
	check(t, "the other side's value may come", [2]Fields{raw("lb", "z"), nil}, plan.Writes)
	check(t, "the filtered field keeps its shadows, the written one moves on",
		Base{Left: Shadow{raw("la", "x", "lb", "z"), at(10)}, Right: Shadow{raw("ra", "x", "rb", "z"), at(10)}}, plan.Base)

	plan = mustPlan(t, p, view(20, raw("la", "new")), View{}, Base{})
	check(t, "no creation", [2]Fields{}, plan.Writes)
	check(t, "non-blank names count as changed", []string{"la"}, asked[len(asked)-1])
}

func TestPlanLeaveFails(t *testing.T) {
	flow := twoFields()
	flow.Left.Leave = func(Record, []string) (bool, string, error) { return false, "", errors.New("no such column") }
	plan, err := mustPlanner(t, flow).Plan(view(20, raw("la", "new", "lb", "y")), view(10, raw("ra", "x", "rb", "y")), inStep())
	check(t, "action", Invalid, ActionOf(err))
	check(t, "nothing is planned", Plan{}, plan)
}

func TestPlanInvalid(t *testing.T) {
	p := mustPlanner(t, twoFields())
	left := view(20, raw("la", "my secret!", "lb", "other"))
	plan, err := p.Plan(left, view(10, raw("ra", "x", "rb", "y")), inStep())
	check(t, "nothing is planned", Plan{}, plan)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	check(t, "what is named", Error{Action: Invalid, Field: "a", Rule: "test.calm", Ref: left.Record.Ref},
		Error{Action: e.Action, Field: e.Field, Rule: e.Rule, Ref: e.Ref})
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error tells the value: %v", err)
	}

	base := inStep()
	base.Left.Fields["la"] = Text("my secret!")
	plan = mustPlan(t, p, left, view(10, raw("ra", "new", "rb", "y")), base)
	check(t, "an old invalid value is replaced", [2]Fields{raw("la", "new"), raw("rb", "other")}, plan.Writes)
}

// TestPlanHeld holds that a held field waits with its shadows and their times,
// round after round, while its neighbour goes on.
func TestPlanHeld(t *testing.T) {
	flow := twoFields()
	flow.Fields[0].Policy.Kind = Review
	p := mustPlanner(t, flow)
	left, right := view(20, raw("la", "p", "lb", "new")), view(30, raw("ra", "q", "rb", "y"))
	plan := mustPlan(t, p, left, right, inStep())
	check(t, "writes", [2]Fields{nil, raw("rb", "new")}, plan.Writes)
	check(t, "base", Base{Left: Shadow{raw("la", "x", "lb", "new"), at(10)}, Right: Shadow{raw("ra", "x", "rb", "new"), at(10)}}, plan.Base)

	right = view(40, raw("ra", "p", "rb", "new"))
	plan = mustPlan(t, p, left, right, plan.Base)
	check(t, "a person made them equal", []string{"a: adopt by equal, left: p|p > p"}, shown(plan.Decisions))
	check(t, "now time moves on", [2]time.Time{at(20), at(40)}, [2]time.Time{plan.Base.Left.UpdatedAt, plan.Base.Right.UpdatedAt})
}

// TestPlanFirstHeld holds that a first conflict stays one, though the pair
// has a base by then, and that a field mapped later meets for the first time.
func TestPlanFirstHeld(t *testing.T) {
	flow := twoFields()
	flow.FirstSync.Kind = Review
	p := mustPlanner(t, flow)
	left, right := view(20, raw("la", "p", "lb", "y")), view(30, raw("ra", "q", "rb", "y"))
	plan := mustPlan(t, p, left, right, Base{})
	check(t, "agreed on b alone", Base{Left: Shadow{Fields: raw("lb", "y")}, Right: Shadow{Fields: raw("rb", "y")}}, plan.Base)
	left.Times, right.Times = map[string]time.Time{"la": at(20)}, map[string]time.Time{"ra": at(30)}
	plan = mustPlan(t, p, left, right, plan.Base)
	check(t, "a still waits", []string{"a: hold by firstsync.review, left, conflict: p|q > p"}, shown(plan.Decisions))

	blank := mustPlan(t, p, view(20, raw("lb", "y")), view(30, raw("rb", "y")), Base{})
	later := mustPlan(t, p, view(40, raw("la", "p", "lb", "y")), view(30, raw("rb", "y")), blank.Base)
	check(t, "agreed on a blank", []string{"a: write by changed, left: p| > p"}, shown(later.Decisions))
}

func TestPlanContested(t *testing.T) {
	p := mustPlanner(t, twoFields())
	left, right := view(20, raw("la", "p", "lb", "y")), view(30, raw("ra", "q", "rb", "y"))
	check(t, "nobody knows", [2][]string{{"la"}, {"ra"}}, mustPlan(t, p, left, right, inStep()).Contested)
	left.Times = map[string]time.Time{"la": at(20)}
	check(t, "one is known", [2][]string{nil, {"ra"}}, mustPlan(t, p, left, right, inStep()).Contested)
	left.Times = map[string]time.Time{"la": at(31)}
	check(t, "the order is certain", [2][]string{}, mustPlan(t, p, left, right, inStep()).Contested)
	left.Times, left.Skew = map[string]time.Time{"la": at(31)}, time.Second
	plan := mustPlan(t, p, left, right, inStep())
	check(t, "the skew makes it uncertain", [2][]string{nil, {"ra"}}, plan.Contested)
	check(t, "widened", [2]Interval{span(30, 32), span(10, 30)}, plan.Decisions[0].Times)
}

// TestPlanTimes holds when the shadows' times move.
func TestPlanTimes(t *testing.T) {
	p := mustPlanner(t, twoFields())
	l, r := raw("la", "x", "lb", "y"), raw("ra", "x", "rb", "y")
	same := mustPlan(t, p, view(10, l), view(10, r), inStep())
	check(t, "nothing new", Plan{}, same)
	touched := mustPlan(t, p, view(20, l), view(10, r), inStep())
	check(t, "a touch moves its side", Plan{Rebase: true,
		Base: Base{Left: Shadow{l, at(20)}, Right: Shadow{r, at(10)}}}, touched)
	stale := mustPlan(t, p, view(5, l), view(10, r), inStep())
	check(t, "time never goes back", Plan{}, stale)
}
