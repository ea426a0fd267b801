package sync_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// compose makes an engine between two systems in memory.
func compose(left, right *fake) *sync.Engine {
	engine, err := sync.New(sync.Config{
		Flows: []*sync.Flow{people()},
		Peers: map[sync.System]sync.Peer{
			leftSystem:  {Source: left, Sink: left},
			rightSystem: {Source: right, Sink: right},
		},
		Store: memstore.New(),
		Queue: memqueue.New(nil),
	})
	if err != nil {
		panic(err)
	}
	return engine
}

// A webhook says that a record changed; the engine looks at it and creates its
// counterpart.
func ExampleEngine() {
	ctx := context.Background()
	left, right := newFake(leftSystem, "L"), newFake(rightSystem, "R")
	engine := compose(left, right)

	ana := left.create("name", "Ana Gil", "email", "ana@example.com")
	err := engine.Enqueue(ctx, sync.Change{ID: "webhook-1", Ref: ana, Reason: sync.ReasonWebhook})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println("done:", engine.RunOnce(ctx))

	for _, ref := range right.living() {
		fmt.Println(ref, right.get(ref, "fullname"), "of", right.get(ref, "alpha_id"))
	}
	// Output:
	// done: <nil>
	// beta:contact:R1 Ana Gil of L1
}

// Run works until its context ends, finishes what is under way, and returns
// nil.
func ExampleEngine_Run() {
	left, right := newFake(leftSystem, "L"), newFake(rightSystem, "R")
	left.feed = true // the engine's own sweep finds the record
	left.create("name", "Ana Gil")
	engine := compose(left, right)

	ctx, stop := context.WithCancel(context.Background()) // in a main: signal.NotifyContext
	right.notify = func(ref sync.Ref) {
		fmt.Println("created", ref)
		stop()
	}
	fmt.Println("stopped:", engine.Run(ctx))
	// Output:
	// created beta:contact:R1
	// stopped: <nil>
}

// Verify reads every linked pair and tells what disagrees, whatever the engine
// believes; the disagreements are queued.
func ExampleEngine_Verify() {
	ctx := context.Background()
	left, right := newFake(leftSystem, "L"), newFake(rightSystem, "R")
	left.feed = true
	left.create("name", "Ana Gil", "email", "ana@example.com")
	engine := compose(left, right)
	if err := engine.RunOnce(ctx); err != nil {
		fmt.Println(err)
	}

	right.corrupt(right.ref("R1"), "fullname", "Somebody Else")
	for range 2 {
		a, err := engine.Verify(ctx, "people")
		fmt.Println(a.Equal, "of", a.Compared, "fields equal", err)
		for _, d := range a.Differences {
			fmt.Println(d.Left, d.Right, d.Field)
		}
		if err := engine.RunOnce(ctx); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// 4 of 5 fields equal <nil>
	// alpha:contact:L1 beta:contact:R1 name
	// 5 of 5 fields equal <nil>
}

// Both sides changed the name. The right system knows exactly when; the left
// one only that it was before its record's last change, and that is earlier.
func ExamplePlanner_Plan() {
	planner, err := sync.NewPlanner(people())
	if err != nil {
		fmt.Println(err)
	}
	noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	base := sync.Base{
		Left:  sync.Shadow{Fields: texts("id", "L1", "beta_id", "R1", "name", "Ana", "email", "", "msisdn", ""), UpdatedAt: noon},
		Right: sync.Shadow{Fields: texts("id", "R1", "alpha_id", "L1", "fullname", "Ana", "mail", "", "phone", ""), UpdatedAt: noon},
	}
	left := sync.View{Exists: true, Record: sync.Record{Fields: base.Left.Fields.Clone(), UpdatedAt: noon.Add(time.Minute)}}
	left.Record.Fields["name"] = sync.Text("Ana G.")
	right := sync.View{Exists: true, Record: sync.Record{Fields: base.Right.Fields.Clone(), UpdatedAt: noon.Add(time.Hour)}}
	right.Record.Fields["fullname"] = sync.Text("Ana Gil")
	right.Times = map[string]time.Time{"fullname": noon.Add(2 * time.Minute)}

	plan, err := planner.Plan(left, right, base)
	fmt.Println("write to the left:", plan.Writes[sync.Left], err)
	for _, d := range plan.Decisions {
		lost, _ := d.Lost()
		fmt.Println(d.Field, d.Outcome, "by", d.Rule, "winner", d.Winner, "lost", lost, "ambiguous", d.Ambiguous)
	}
	// Output:
	// write to the left: map[name:Ana Gil] <nil>
	// name write by policy.last-write-wins winner right lost Ana G. ambiguous false
}

// What to do about an error is all in its action.
func ExampleActionOf() {
	err := &sync.Error{Op: "crm: update", Action: sync.Invalid, Ref: sync.Ref{System: "crm", Kind: "contact", ID: "512"},
		Field: "phone", Rule: "phone.e164", Hint: "correct the number, then replay"}
	fmt.Println(sync.ActionOf(fmt.Errorf("batch 7: %w", err)))
	fmt.Println(err)
	// Output:
	// invalid
	// crm: update crm:contact:512 field phone: invalid by rule phone.e164 (correct the number, then replay)
}
