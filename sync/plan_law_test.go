package sync

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// A world is two systems that people edit at known true times, between passes
// of the planner. The left one stores everything in capitals, the right one
// pads what it stores.
type world struct {
	model
	planner *Planner
	clock   int // the true time
	ends    [2]*end
	base    Base
	truth   [][2]int           // by group, the true time of each side's last edit
	typed   []map[string]bool  // by field, the items that somebody typed
	last    map[string]Outcome // by field, the latest decision that was carried out
	writes  [2]map[string]int  // by raw name, since the last outside edit
}

type end struct {
	offset int // of its clock
	fields Fields
	times  map[string]time.Time
}

var styles = [2]func(string) string{strings.ToUpper, func(s string) string { return " " + s + " " }}

// values that people type, by the field's policy.
func domain(f *Field) []string {
	switch f.Policy.Kind {
	case Union:
		return []string{"", "a", "a;b", "b;c", "a;c;d"}
	case Monotonic:
		return []string{"", "new", "open", "won", "odd"}
	}
	return []string{"", "a", "b", "a b", "a c", "c b"}
}

// drawFields draws 1 to 4 groups of 1 or 2 fields.
func drawFields(t *rapid.T) (fields []Field, groups [][]int) {
	side := rapid.SampledFrom([]Side{Left, Right})
	for g := range rapid.IntRange(1, 4).Draw(t, "groups") {
		kind := rapid.SampledFrom([]PolicyKind{LastWriteWins, LastWriteWins, LastWriteWins, Own, PreferUnlessBlank, Monotonic, Union, Review})
		shared := Field{
			Group:     fmt.Sprint("g", g),
			Policy:    Policy{Kind: kind.Draw(t, "policy"), Owner: side.Draw(t, "owner"), Order: []string{"new", "open", "won"}},
			Direction: rapid.SampledFrom([]Direction{Both, Both, Both, ToRight, ToLeft}).Draw(t, "direction"),
			KeepBlank: rapid.IntRange(0, 3).Draw(t, "keep blank") == 0,
		}
		var group []int
		for range rapid.IntRange(1, 2).Draw(t, "fields") {
			f, n := shared, fmt.Sprint(len(fields))
			f.Name, f.Left, f.Right = "f"+n, wordsLens{"l" + n, "m" + n}, foldLens{"r" + n}
			if shared.Policy.Kind == Union {
				f.Left, f.Right = setLens{foldLens{"l" + n}}, setLens{foldLens{"r" + n}}
			}
			group = append(group, len(fields))
			fields = append(fields, f)
		}
		groups = append(groups, group)
	}
	return fields, groups
}

func drawWorld(t *rapid.T) *world {
	w := &world{last: map[string]Outcome{}}
	w.fields, w.groups = drawFields(t)
	w.first = Policy{Kind: rapid.SampledFrom([]PolicyKind{"", Own, PreferUnlessBlank, Union, Review}).Draw(t, "first"),
		Owner: rapid.SampledFrom([]Side{Left, Right}).Draw(t, "first owner")}
	flow := testFlow(w.first, w.fields...)
	leave := func(rec Record, _ []string) (bool, string, error) {
		return rec.Fields["blocked"].Null(), "blocked", nil
	}
	flow.Left.Leave, flow.Right.Leave = leave, leave
	w.planner = mustPlanner(t, flow)
	w.agreed = make([]*[2][]string, len(w.groups))
	w.truth = make([][2]int, len(w.groups))
	for range w.fields {
		w.typed = append(w.typed, map[string]bool{})
	}
	alone := rapid.IntRange(0, 5).Draw(t, "alone") // 0 and 1: only that side exists
	for _, s := range []Side{Left, Right} {
		skew := rapid.IntRange(0, 4).Draw(t, "skew")
		w.ends[s] = &end{offset: rapid.IntRange(-skew, skew).Draw(t, "offset"), fields: Fields{}, times: map[string]time.Time{}}
		w.side[s] = modelSide{exact: rapid.Bool().Draw(t, "exact"), skew: skew, updated: never, seen: never,
			values: make([]string, len(w.fields)), set: make([]int, len(w.groups))}
		if alone > 1 || Side(alone) == s {
			w.create(s)
			for i := range w.fields {
				w.edit(t, s, i)
			}
		}
	}
	return w
}

// create makes the record of a side, blank.
func (w *world) create(s Side) {
	w.clock++
	w.side[s].exists = true
	for g := range w.groups {
		for _, i := range w.groups[g] {
			for _, n := range w.fields[i].lens(s).Names() {
				w.stamp(s, g, n)
			}
		}
	}
}

// stamp notes that a raw name of a group was set now.
func (w *world) stamp(s Side, g int, name string) {
	now := w.clock + w.ends[s].offset
	w.truth[g][s], w.side[s].set[g], w.side[s].updated = w.clock, now, now
	w.ends[s].times[name] = at(now)
}

// store sets a raw name as the system likes it.
func (w *world) store(s Side, g int, name, text string, style func(string) string) {
	v := Text(style(strings.TrimSpace(text)))
	if strings.TrimSpace(text) == "" {
		v = Value{}
	}
	if e := w.ends[s]; e.fields[name] != v {
		e.fields[name] = v
		w.stamp(s, g, name)
	}
}

func (w *world) groupOf(i int) int {
	return slices.IndexFunc(w.groups, func(group []int) bool { return slices.Contains(group, i) })
}

// edit lets a person type a value.
func (w *world) edit(t *rapid.T, s Side, i int) {
	w.clock += rapid.IntRange(1, 4).Draw(t, "wait")
	text := rapid.SampledFrom(domain(&w.fields[i])).Draw(t, "text")
	for _, item := range append(split(text), text) {
		w.typed[i][item] = true
	}
	put, _ := w.fields[i].lens(s).Put(Text(text), nil)
	for n, v := range put {
		w.store(s, w.groupOf(i), n, v.String(), styles[s])
	}
	w.side[s].values[i] = text
}

// restyle lets an automation rewrite a value's raw form.
func (w *world) restyle(s Side, i int) {
	w.clock++
	for _, n := range w.fields[i].lens(s).Names() {
		w.store(s, w.groupOf(i), n, w.ends[s].fields[n].String(), func(s string) string { return s + "  " })
	}
}

func (w *world) block(s Side, on bool) {
	w.side[s].blocked = on
	delete(w.ends[s].fields, "blocked")
	if on {
		w.ends[s].fields["blocked"] = Bool(true)
	}
}

// view is what a read of the side gives; names are those whose times are told.
func (w *world) view(s Side, names []string) View {
	v := View{Skew: time.Duration(w.side[s].skew) * time.Second}
	if !w.side[s].exists {
		return v
	}
	v.Exists, v.Record = true, Record{Ref: Ref{"x", "contact", "1"}, Fields: w.ends[s].fields.Clone(), UpdatedAt: at(w.side[s].updated)}
	if w.side[s].exact {
		v.Times = map[string]time.Time{}
		for _, n := range names {
			v.Times[n] = w.ends[s].times[n]
		}
	}
	return v
}

// plan asks the planner, a second time with the contested times, and holds it
// to being pure and to contesting all that matters.
func (w *world) plan(t *rapid.T) Plan {
	ask := func(names [2][]string) Plan {
		left, right := w.view(Left, names[Left]), w.view(Right, names[Right])
		base := Base{Left: Shadow{maps.Clone(w.base.Left.Fields), w.base.Left.UpdatedAt}, Right: Shadow{maps.Clone(w.base.Right.Fields), w.base.Right.UpdatedAt}}
		plan := mustPlan(t, w.planner, left, right, base)
		if diff := cmp.Diff(plan, mustPlan(t, w.planner, left, right, base), sameValues); diff != "" {
			t.Fatalf("the planner is not deterministic:\n%s", diff)
		}
		if diff := cmp.Diff([]any{left, right, base}, []any{w.view(Left, names[Left]), w.view(Right, names[Right]), w.base}, sameValues); diff != "" {
			t.Fatalf("the planner changed its input:\n%s", diff)
		}
		return plan
	}
	flow := w.planner.Flow()
	plan, full := ask(ask([2][]string{}).Contested), ask([2][]string{flow.Names(Left), flow.Names(Right)})
	if diff := cmp.Diff(full.Writes, plan.Writes, sameValues); diff != "" {
		t.Fatalf("times that were not contested change the plan (-all times +contested):\n%s", diff)
	}
	return plan
}

// crashes of a pass.
const (
	none    = iota
	late    // before the commit
	halfway // between the writes
)

// pass plans, holds the plan to the model and the laws, writes and commits.
func (w *world) pass(t *rapid.T, crash int) Plan {
	plan := w.plan(t)
	rulings, goal := w.model.pass()
	w.obeys(t, plan, rulings)
	updated := [2]int{w.side[Left].updated, w.side[Right].updated}
	w.clock += rapid.IntRange(1, 3).Draw(t, "write takes")
	w.apply(t, Left, plan, goal[Left])
	if crash == halfway {
		return plan
	}
	w.apply(t, Right, plan, goal[Right])
	if crash == none && w.side[Left].exists && w.side[Right].exists {
		w.commit(rulings, goal, updated)
		for _, d := range plan.Decisions {
			if d.Outcome != Filtered && d.Outcome != Held {
				w.last[d.Field] = d.Outcome
			}
		}
		if plan.Rebase {
			w.base = plan.Base
		}
	}
	return plan
}

// obeys compares the decisions with the model's and with the true times.
func (w *world) obeys(t *rapid.T, plan Plan, rulings []ruling) {
	var want, got []string
	say := func(name string, o Outcome, from Side, merged, conflict, ambiguous bool, before [2]string) string {
		return fmt.Sprintf("%s: %s from %v merged %t conflict %t ambiguous %t %q", name, o, from, merged, conflict, ambiguous, before)
	}
	for g, r := range rulings {
		for _, i := range w.groups[g] {
			before := [2]string{w.side[Left].values[i], w.side[Right].values[i]}
			if r.outcome == Adopted || r.outcome != "" && before[Left] != before[Right] {
				want = append(want, say(w.fields[i].Name, r.outcome, r.from, r.merged != nil, r.conflict, r.ambiguous, before))
			}
		}
	}
	for _, d := range plan.Decisions {
		got = append(got, say(d.Field, d.Outcome, d.Winner, d.Merged, d.Conflict, d.Ambiguous, [2]string{d.Before[0].String(), d.Before[1].String()}))
		i := slices.IndexFunc(w.fields, func(f Field) bool { return f.Name == d.Field })
		if truth := w.truth[w.groupOf(i)]; d.Rule == "policy.last-write-wins" && !d.Ambiguous && truth[d.Winner] <= truth[d.Winner.Other()] {
			t.Fatalf("%s: the %v side won by time, but the edits were at %v", d.Field, d.Winner, truth)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("decisions (-model +planner):\n%s", diff)
	}
}

// apply writes to a side and holds the result to the laws.
func (w *world) apply(t *rapid.T, s Side, plan Plan, goal []string) {
	if plan.Writes[s] != nil && !w.side[s].exists {
		w.create(s)
	}
	for i := range w.fields {
		f, was := &w.fields[i], w.side[s].values[i]
		for _, n := range f.lens(s).Names() {
			if v, ok := plan.Writes[s][n]; ok {
				w.store(s, w.groupOf(i), n, v.String(), styles[s])
				w.writes[s][n]++
			}
		}
		now, err := f.lens(s).Get(w.ends[s].fields)
		if err != nil || now.String() != goal[i] {
			t.Fatalf("%s on the %v is %q after the writes %v, want %q", f.Name, s, now, plan.Writes[s], goal[i])
		}
		for _, item := range now.Items() {
			if !w.typed[i][item] {
				t.Fatalf("%s on the %v is %q, which nobody typed", f.Name, s, now)
			}
		}
		if was != goal[i] && was != "" {
			w.audited(t, s, plan, f.Name, was, goal[i])
		}
	}
	w.side[s].values = slices.Clone(goal)
}

// audited holds that a decision tells which value was lost to which.
func (w *world) audited(t *rapid.T, s Side, plan Plan, field, was, now string) {
	for _, d := range plan.Decisions {
		lost, ok := d.Lost()
		if d.Field == field && d.Before[s].String() == was && d.After.String() == now && ok && (d.Merged || lost == d.Before[s]) {
			return
		}
	}
	t.Fatalf("%s on the %v went from %q to %q and no decision says so: %v", field, s, was, now, shown(plan.Decisions))
}

// settle lets the world come to rest and holds it to termination, idempotence
// and convergence.
func (w *world) settle(t *rapid.T) {
	for range 2 {
		w.pass(t, rapid.IntRange(none, halfway).Draw(t, "crash"))
	}
	w.pass(t, none)
	for s, counts := range w.writes {
		for n, count := range counts {
			if count > 1 {
				t.Fatalf("%s on the %v was written %d times after the last edit", n, Side(s), count)
			}
		}
	}
	if plan := w.pass(t, none); !plan.Empty() {
		t.Fatalf("a pass at rest writes %v", plan.Writes)
	}
	plan := w.pass(t, none)
	waiting := map[string]bool{}
	for _, d := range plan.Decisions {
		waiting[d.Field] = d.Outcome == Held || d.Outcome == Filtered
	}
	linked := w.side[Left].exists && w.side[Right].exists
	if linked && (plan.Rebase || slices.Contains(slices.Collect(maps.Values(waiting)), false)) {
		t.Fatalf("a pass at rest has something to say: %v", plan)
	}
	for i, f := range w.fields {
		if l, r := w.side[Left].values[i], w.side[Right].values[i]; linked && l != r && !waiting[f.Name] &&
			(f.Direction == Both || w.last[f.Name] != Kept && w.last[f.Name] != "") { // "": there was no source yet
			t.Fatalf("%s stays apart at rest: %q and %q, last %q", f.Name, l, r, w.last[f.Name])
		}
	}
}

func TestPlannerLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		side := rapid.SampledFrom([]Side{Left, Right})
		field := rapid.IntRange(0, len(w.fields)-1)
		for range rapid.IntRange(0, 25).Draw(t, "steps") {
			w.writes = [2]map[string]int{{}, {}}
			s := side.Draw(t, "side")
			switch op := rapid.IntRange(0, 9).Draw(t, "step"); {
			case op < 3 && w.side[s].exists:
				w.edit(t, s, field.Draw(t, "field"))
			case op < 5 && w.side[Left].exists && w.side[Right].exists:
				i := field.Draw(t, "contested field")
				w.edit(t, s, i)
				w.edit(t, s.Other(), i)
			case op == 5 && w.side[s].exists:
				w.restyle(s, field.Draw(t, "field"))
			case op == 6 && w.side[s].exists:
				w.block(s, !w.side[s].blocked && rapid.Bool().Draw(t, "block"))
			case op == 7:
				w.pass(t, rapid.IntRange(late, halfway).Draw(t, "crash"))
			default:
				w.pass(t, none)
			}
		}
		w.writes = [2]map[string]int{{}, {}}
		w.settle(t)
	})
}
