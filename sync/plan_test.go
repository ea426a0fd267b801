package sync

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sameValues lets go-cmp compare Values with ==.
var sameValues = cmpopts.EquateComparable(Value{})

// foldLens sees one raw text without regard to case and outer blanks. A "!"
// breaks its rule.
type foldLens struct{ name string }

func (l foldLens) Names() []string { return []string{l.name} }

func (l foldLens) Get(f Fields) (Value, error) { return fold(f[l.name]) }

func (l foldLens) Put(v Value, _ Fields) (Fields, error) { return Fields{l.name: v}, nil }

func fold(raw Value) (Value, error) {
	s := strings.ToLower(strings.TrimSpace(raw.String()))
	switch {
	case strings.Contains(s, "!"):
		return Value{}, &Error{Op: "lens", Action: Invalid, Rule: "test.calm", Err: errors.New("unwanted " + raw.Shape())}
	case s == "":
		return Value{}, nil
	}
	return Text(s), nil
}

// setLens sees a raw text of items between semicolons as a list in order.
type setLens struct{ foldLens }

func (l setLens) Get(f Fields) (Value, error) {
	v, err := fold(f[l.name])
	if err != nil || v.Null() {
		return v, err
	}
	items := strings.Split(v.String(), ";")
	slices.Sort(items)
	return List(slices.Compact(items)...), nil
}

func (l setLens) Put(v Value, _ Fields) (Fields, error) { return Fields{l.name: Text(v.String())}, nil }

// wordsLens sees two raw texts, the first word and the rest, as one text.
type wordsLens struct{ head, tail string }

func (l wordsLens) Names() []string { return []string{l.head, l.tail} }

func (l wordsLens) Get(f Fields) (Value, error) {
	return fold(Text(strings.TrimSpace(f[l.head].String()) + " " + strings.TrimSpace(f[l.tail].String())))
}

func (l wordsLens) Put(v Value, _ Fields) (Fields, error) {
	head, tail, _ := strings.Cut(v.String(), " ")
	return Fields{l.head: Text(head), l.tail: Text(tail)}, nil
}

// testFlow returns a flow of the fields between two invented systems.
func testFlow(first Policy, fields ...Field) *Flow {
	return &Flow{Name: "test", FirstSync: first, Fields: fields,
		Left: Endpoint{System: "alpha", Kind: "contact"}, Right: Endpoint{System: "hub", Kind: "contact"}}
}

// failer is what *testing.T, *testing.B and *rapid.T share.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func mustPlanner(t failer, flow *Flow) *Planner {
	t.Helper()
	p, err := NewPlanner(flow)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPlan(t failer, p *Planner, left, right View, base Base) Plan {
	t.Helper()
	plan, err := p.Plan(left, right, base)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// raw builds fields from names and texts; an empty text leaves the name out.
func raw(pairs ...string) Fields {
	f := Fields{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			f[pairs[i]] = Text(pairs[i+1])
		}
	}
	return f
}

// at is the moment s seconds into the test.
func at(s int) time.Time { return time.Date(2026, 3, 1, 9, 0, s, 0, time.UTC) }

func view(updated int, fields Fields) View {
	return View{Exists: true, Record: Record{Ref: Ref{"alpha", "contact", "1"}, Fields: fields, UpdatedAt: at(updated)}}
}

// shown renders decisions, one a line's worth: field, outcome, rule, winner,
// flags and the values before and after.
func shown(decisions []Decision) []string {
	out := []string{}
	for _, d := range decisions {
		s := fmt.Sprintf("%s: %s by %s, ", d.Field, d.Outcome, d.Rule)
		if d.Merged {
			s += "merged"
		} else {
			s += d.Winner.String()
		}
		if d.Conflict {
			s += ", conflict"
		}
		if d.Ambiguous {
			s += ", ambiguous"
		}
		out = append(out, fmt.Sprintf("%s: %v|%v > %v", s, d.Before[Left], d.Before[Right], d.After))
	}
	return out
}

// written returns the fields after the write of a plan.
func written(now, writes Fields) Fields {
	out := now.Clone()
	for n, v := range writes {
		out[n] = v
		if v.Blank() {
			delete(out, n)
		}
	}
	return out
}

// pair is a case of one field: "l" on the left, "r" on the right. The base is
// of second 10, the left was changed by second 20 and the right by second 30.
type pair struct {
	name   string
	field  Field
	first  Policy
	was    []string // what was agreed on; nil for never
	now    [2]string
	exact  [2]int // when set, the exact second of the side's edit
	skew   time.Duration
	after  [2]string
	decide string // the one decision, without the field's name
}

func lww(owner Side) Field { return Field{Policy: Policy{Owner: owner}} }
func by(k PolicyKind, owner Side) Field {
	return Field{Policy: Policy{Kind: k, Owner: owner, Order: []string{"new", "open", "won"}}}
}
func oneWay(d Direction, p Policy) Field { return Field{Direction: d, Policy: p} }

var keepBlank = Field{KeepBlank: true}

var agreedA = []string{"a", "a"}

var pairs = []pair{
	{name: "unchanged", was: agreedA, now: [2]string{"a", "a"}, after: [2]string{"a", "a"}},
	{name: "left changed", was: agreedA, now: [2]string{"b", "a"}, after: [2]string{"b", "b"}, decide: "write by changed, left: b|a > b"},
	{name: "right changed", was: agreedA, now: [2]string{"a", "b"}, after: [2]string{"b", "b"}, decide: "write by changed, right: a|b > b"},
	{name: "left cleared", was: agreedA, now: [2]string{"", "a"}, after: [2]string{"", ""}, decide: "write by changed, left: |a > "},
	{name: "both changed alike", was: agreedA, now: [2]string{"B", " b"}, after: [2]string{"B", " b"}, decide: "adopt by equal, left: b|b > b"},
	{name: "only the raw form moved", was: agreedA, now: [2]string{"A ", "a"}, after: [2]string{"A ", "a"}},
	{name: "one raw, one real", was: agreedA, now: [2]string{"A", "b"}, after: [2]string{"b", "b"}, decide: "write by changed, right: a|b > b"},

	{name: "lww: right later", field: lww(Left), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{20, 21}, after: [2]string{"c", "c"},
		decide: "write by policy.last-write-wins, right, conflict: b|c > c"},
	{name: "lww: left later", field: lww(Right), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{20, 19}, after: [2]string{"b", "b"},
		decide: "write by policy.last-write-wins, left, conflict: b|c > b"},
	{name: "lww: same moment", field: lww(Right), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{20, 20}, after: [2]string{"c", "c"},
		decide: "write by policy.last-write-wins, right, conflict, ambiguous: b|c > c"},
	{name: "lww: overlapping", field: lww(Left), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{0, 15}, after: [2]string{"b", "b"},
		decide: "write by policy.last-write-wins, left, conflict, ambiguous: b|c > b"},
	{name: "lww: interval then moment", field: lww(Left), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{0, 21}, after: [2]string{"c", "c"},
		decide: "write by policy.last-write-wins, right, conflict: b|c > c"},
	{name: "lww: skew blurs", field: lww(Left), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{20, 24}, skew: 2 * time.Second,
		after: [2]string{"b", "b"}, decide: "write by policy.last-write-wins, left, conflict, ambiguous: b|c > b"},
	{name: "lww: beyond the skew", field: lww(Left), was: agreedA, now: [2]string{"b", "c"}, exact: [2]int{20, 25}, skew: 2 * time.Second,
		after: [2]string{"c", "c"}, decide: "write by policy.last-write-wins, right, conflict: b|c > c"},
	{name: "lww: later clearing", field: lww(Left), was: agreedA, now: [2]string{"b", ""}, exact: [2]int{20, 21}, after: [2]string{"", ""},
		decide: "write by policy.last-write-wins, right, conflict: b| > "},

	{name: "owner left", field: by(Own, Left), was: agreedA, now: [2]string{"b", "c"}, after: [2]string{"b", "b"}, decide: "write by policy.owner, left, conflict: b|c > b"},
	{name: "owner right blank", field: by(Own, Right), was: agreedA, now: [2]string{"b", ""}, after: [2]string{"", ""}, decide: "write by policy.owner, right, conflict: b| > "},
	{name: "prefer right", field: by(PreferUnlessBlank, Right), was: agreedA, now: [2]string{"b", "c"}, after: [2]string{"c", "c"},
		decide: "write by policy.prefer-unless-blank, right, conflict: b|c > c"},
	{name: "prefer right unless blank", field: by(PreferUnlessBlank, Right), was: agreedA, now: [2]string{"b", ""}, after: [2]string{"b", "b"},
		decide: "write by policy.prefer-unless-blank, left, conflict: b| > b"},
	{name: "monotonic forward alone", field: by(Monotonic, Right), was: []string{"open", "open"}, now: [2]string{"won", "open"}, after: [2]string{"won", "won"},
		decide: "write by changed, left: won|open > won"},
	{name: "monotonic back alone", field: by(Monotonic, Right), was: []string{"open", "open"}, now: [2]string{"new", "open"}, after: [2]string{"open", "open"},
		decide: "write by policy.monotonic, right: new|open > open"},
	{name: "monotonic back by its owner", field: by(Monotonic, Left), was: []string{"open", "open"}, now: [2]string{"new", "open"}, after: [2]string{"new", "new"},
		decide: "write by changed, left: new|open > new"},
	{name: "monotonic out of order alone", field: by(Monotonic, Right), was: []string{"open", "open"}, now: [2]string{"odd", "open"}, after: [2]string{"odd", "odd"},
		decide: "write by changed, left: odd|open > odd"},
	{name: "monotonic left further", field: by(Monotonic, Right), was: []string{"new", "new"}, now: [2]string{"won", "open"}, after: [2]string{"won", "won"},
		decide: "write by policy.monotonic, left, conflict: won|open > won"},
	{name: "monotonic right further", field: by(Monotonic, Left), was: []string{"new", "new"}, now: [2]string{"open", "won"}, after: [2]string{"won", "won"},
		decide: "write by policy.monotonic, right, conflict: open|won > won"},
	{name: "monotonic unknown left", field: by(Monotonic, Right), was: []string{"new", "new"}, now: [2]string{"odd", "open"}, after: [2]string{"open", "open"},
		decide: "write by policy.monotonic, right, conflict, ambiguous: odd|open > open"},
	{name: "monotonic unknown right", field: by(Monotonic, Right), was: []string{"new", "new"}, now: [2]string{"won", "odd"}, after: [2]string{"odd", "odd"},
		decide: "write by policy.monotonic, right, conflict, ambiguous: won|odd > odd"},
	{name: "union", field: by(Union, Left), was: []string{"a;b", "b;a"}, now: [2]string{"a;c", "b;d;a"}, after: [2]string{"a;c;d", "a;c;d"},
		decide: "write by policy.union, merged, conflict: a;c|a;b;d > a;c;d"},
	{name: "union of removals", field: by(Union, Left), was: []string{"a;b", "a;b"}, now: [2]string{"a", "b"}, after: [2]string{"", ""},
		decide: "write by policy.union, merged, conflict: a|b > "},
	{name: "review", field: by(Review, Left), was: agreedA, now: [2]string{"b", "c"}, after: [2]string{"b", "c"}, decide: "hold by policy.review, left, conflict: b|c > b"},
	{name: "review of one change", field: by(Review, Left), was: agreedA, now: [2]string{"a", "c"}, after: [2]string{"c", "c"}, decide: "write by changed, right: a|c > c"},

	{name: "one-way: source changed", field: oneWay(ToRight, Policy{}), was: agreedA, now: [2]string{"b", "a"}, after: [2]string{"b", "b"}, decide: "write by one-way, left: b|a > b"},
	{name: "one-way: both changed", field: oneWay(ToLeft, Policy{}), was: agreedA, now: [2]string{"b", "c"}, after: [2]string{"c", "c"}, decide: "write by one-way, right, conflict: b|c > c"},
	{name: "one-way: target edited", field: oneWay(ToRight, Policy{}), was: agreedA, now: [2]string{"a", "b"}, after: [2]string{"a", "b"},
		decide: "keep by one-way target edited, right: a|b > b"},
	{name: "one-way: kept before", field: oneWay(ToRight, Policy{}), was: []string{"a", "b"}, now: [2]string{"A", "b"}, after: [2]string{"A", "b"}},
	{name: "one-way: owner restores", field: oneWay(ToRight, Policy{Kind: Own, Owner: Left}), was: agreedA, now: [2]string{"a", "b"}, after: [2]string{"a", "a"},
		decide: "write by one-way restore, left: a|b > a"},
	{name: "one-way: the target cannot own", field: oneWay(ToRight, Policy{Kind: Own, Owner: Right}), was: agreedA, now: [2]string{"a", "b"}, after: [2]string{"a", "b"},
		decide: "keep by one-way target edited, right: a|b > b"},
	{name: "one-way: source cleared", field: oneWay(ToRight, Policy{}), was: agreedA, now: [2]string{"", "a"}, after: [2]string{"", ""}, decide: "write by one-way, left: |a > "},
	{name: "one-way: source cleared, keep", field: Field{Direction: ToRight, KeepBlank: true}, was: agreedA, now: [2]string{"", "a"}, after: [2]string{"", "a"},
		decide: "keep by blank never overwrites, right: |a > a"},
	{name: "one-way: invalid target", field: oneWay(ToRight, Policy{}), was: agreedA, now: [2]string{"b", "x!"}, after: [2]string{"b", "b"},
		decide: "write by one-way, left, conflict: b|unreadable;x! > b"},

	{name: "keep blank: cleared", field: keepBlank, was: agreedA, now: [2]string{"", "a"}, after: [2]string{"a", "a"}, decide: "write by blank never overwrites, right: |a > a"},
	{name: "keep blank: cleared and changed", field: keepBlank, was: agreedA, now: [2]string{"b", " "}, exact: [2]int{20, 30}, after: [2]string{"b", "b"},
		decide: "write by blank never overwrites, left, conflict: b| > b"},
	{name: "keep blank: both cleared", field: keepBlank, was: agreedA, now: [2]string{"", ""}, after: [2]string{"", ""}, decide: "adopt by equal, left: | > "},

	{name: "first: left only", now: [2]string{"a", ""}, after: [2]string{"a", "a"}, decide: "write by firstsync.one-sided, left: a| > a"},
	{name: "first: right only", now: [2]string{"", "a"}, after: [2]string{"a", "a"}, decide: "write by firstsync.one-sided, right: |a > a"},
	{name: "first: equal", now: [2]string{"A", "a"}, after: [2]string{"A", "a"}, decide: "adopt by equal, left: a|a > a"},
	{name: "first: blank", now: [2]string{"", ""}, after: [2]string{"", ""}},
	{name: "first: default", field: lww(Right), now: [2]string{"a", "b"}, exact: [2]int{20, 30}, after: [2]string{"a", "a"}, decide: "write by firstsync.owner, left, conflict: a|b > a"},
	{name: "first: owner", first: Policy{Kind: Own, Owner: Right}, now: [2]string{"a", "b"}, after: [2]string{"b", "b"}, decide: "write by firstsync.owner, right, conflict: a|b > b"},
	{name: "first: prefer", first: Policy{Kind: PreferUnlessBlank, Owner: Right}, now: [2]string{"a", "b"}, after: [2]string{"b", "b"}, decide: "write by firstsync.owner, right, conflict: a|b > b"},
	{name: "first: union", field: by(Union, Left), first: Policy{Kind: Union}, now: [2]string{"a;b", "c;b"}, after: [2]string{"a;b;c", "a;b;c"},
		decide: "write by firstsync.union, merged, conflict: a;b|b;c > a;b;c"},
	{name: "first: union of plain texts", first: Policy{Kind: Union, Owner: Right}, now: [2]string{"a", "b"}, after: [2]string{"b", "b"},
		decide: "write by firstsync.owner, right, conflict: a|b > b"},
	{name: "first: review", first: Policy{Kind: Review}, now: [2]string{"a", "b"}, after: [2]string{"a", "b"}, decide: "hold by firstsync.review, left, conflict: a|b > a"},
	{name: "first: one-way", field: oneWay(ToRight, Policy{}), now: [2]string{"a", "b"}, after: [2]string{"a", "a"}, decide: "write by one-way, left, conflict: a|b > a"},
	{name: "first: one-way, blank source", field: oneWay(ToRight, Policy{}), now: [2]string{"", "b"}, after: [2]string{"", "b"}, decide: "keep by blank never overwrites, right: |b > b"},
}

// prepare makes the planner's input of a case.
func (p *pair) prepare(t *testing.T) (planner *Planner, views [2]View, base Base) {
	f := p.field
	f.Name, f.Left, f.Right = "f", foldLens{"l"}, foldLens{"r"}
	if f.Policy.Kind == Union {
		f.Left, f.Right = setLens{foldLens{"l"}}, setLens{foldLens{"r"}}
	}
	views = [2]View{view(20, raw("l", p.now[Left])), view(30, raw("r", p.now[Right]))}
	for s, name := range []string{"l", "r"} {
		views[s].Skew = p.skew
		if p.exact[s] > 0 {
			views[s].Times = map[string]time.Time{name: at(p.exact[s])}
		}
	}
	if p.was != nil {
		base = Base{Left: Shadow{Fields{"l": Text(p.was[0])}, at(10)}, Right: Shadow{Fields{"r": Text(p.was[1])}, at(10)}}
	}
	return mustPlanner(t, testFlow(p.first, f)), views, base
}

func TestPlanOneField(t *testing.T) {
	for _, tc := range pairs {
		t.Run(tc.name, func(t *testing.T) {
			planner, views, base := tc.prepare(t)
			plan := mustPlan(t, planner, views[Left], views[Right], base)
			want := []string{}
			if tc.decide != "" {
				want = append(want, "f: "+tc.decide)
			}
			if diff := cmp.Diff(want, shown(plan.Decisions)); diff != "" {
				t.Errorf("decisions (-want +got):\n%s", diff)
			}
			for s, name := range []string{"l", "r"} {
				views[s].Record.Fields = written(views[s].Record.Fields, plan.Writes[s])
				if diff := cmp.Diff(raw(name, tc.after[s]), views[s].Record.Fields, sameValues); diff != "" {
					t.Errorf("%v after the writes (-want +got):\n%s", Side(s), diff)
				}
			}
			if plan.Rebase {
				base = plan.Base
			}
			again := mustPlan(t, planner, views[Left], views[Right], base)
			if held := len(plan.Decisions) == 1 && plan.Decisions[0].Outcome == Held; !again.Empty() || again.Rebase || (len(again.Decisions) > 0) != held {
				t.Errorf("the second plan is not empty: %+v", again)
			}
		})
	}
}
