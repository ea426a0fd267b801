package sync

import (
	"fmt"
	"testing"
)

// contact returns a planner of ten fields, and two views in step with their
// base: plain texts, a two-word name, lists and a field that goes one way.
func contact(t failer) (planner *Planner, left, right View, base Base) {
	var fields []Field
	l, r := Fields{IDField: Text("1")}, Fields{IDField: Text("2")}
	for i := range 10 {
		n := fmt.Sprint(i)
		f := Field{Name: "f" + n, Left: foldLens{"left_" + n}, Right: foldLens{"right_" + n}}
		l["left_"+n], r["right_"+n] = Text("PERSON"+n+"@EXAMPLE.COM"), Text("person"+n+"@example.com")
		switch i {
		case 0:
			f.Left = wordsLens{"left_0", "left_0_rest"}
			l["left_0"], l["left_0_rest"], r["right_0"] = Text("Ana"), Text("Prueba"), Text("Ana Prueba")
		case 1, 2:
			f.Left, f.Right, f.Policy.Kind = setLens{foldLens{"left_" + n}}, setLens{foldLens{"right_" + n}}, Union
			l["left_"+n], r["right_"+n] = Text("tour;lease"), Text("Lease;Tour")
		case 3:
			f.Direction = ToRight
		}
		fields = append(fields, f)
	}
	left, right = view(10, l), view(10, r)
	planner = mustPlanner(t, testFlow(Policy{}, fields...))
	return planner, left, right, mustPlan(t, planner, left, right, Base{}).Base
}

func TestPlanUnchanged(t *testing.T) {
	planner, left, right, base := contact(t)
	if plan := mustPlan(t, planner, left, right, base); !plan.Empty() || plan.Rebase || plan.Decisions != nil {
		t.Fatalf("an unchanged contact is planned as %+v", plan)
	}
	allocs := testing.AllocsPerRun(100, func() { mustPlan(t, planner, left, right, base) })
	if allocs > 20 {
		t.Errorf("an unchanged contact of 10 fields costs %v allocations, want at most 20", allocs)
	}
}

// BenchmarkPlanUnchanged is the cost of an echo: ten fields, none changed.
// The aim is 5 µs and 20 allocations at most.
func BenchmarkPlanUnchanged(b *testing.B) {
	planner, left, right, base := contact(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := planner.Plan(left, right, base); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlanOneChanged is the cost of one edit among ten fields.
func BenchmarkPlanOneChanged(b *testing.B) {
	planner, left, right, base := contact(b)
	left.Record.Fields["left_5"] = Text("new@example.com")
	b.ReportAllocs()
	for b.Loop() {
		if plan, err := planner.Plan(left, right, base); err != nil || plan.Empty() {
			b.Fatal(plan, err)
		}
	}
}
