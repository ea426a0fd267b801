package training_test

import (
	"fmt"

	"github.com/urbanhub/crmsync/sync"
)

// Chapter 6: two systems with a history meet, step by step.
func Example_goLive() {
	l := openLab(nil, nil)
	defer l.close()
	var people []sync.Ref
	for i := range 5 {
		email := fmt.Sprintf("lead%d@example.com", i)
		people = append(people, l.lead(map[string]any{"name": fmt.Sprint("Lead ", i), "email": email}))
		if i < 2 { // known to both
			l.hubspot.CreateObject("contacts", map[string]string{"email": email, "phone": fmt.Sprint("+57300000000", i)})
		}
	}

	// Shadow: the flow reads, matches and compares, and writes nothing.
	contactFlow := l.cfg.Flows[0]
	contactFlow.Rollout = sync.Rollout{Shadow: true}
	l.look(people...)
	fmt.Println("in shadow, contacts in HubSpot:", len(l.hubspot.Contacts()))

	// The plan: what would happen if the flow were open.
	contactFlow.Rollout = sync.Rollout{}
	plan := must(l.engine.Forecast(l.ctx, contacts, people))
	fmt.Println("plan: create", plan.Creates, "update", plan.Updates, "overwrite", plan.Overwrites)

	// A few first: one record on an allow-list.
	contactFlow.Rollout = sync.Rollout{Allow: people[:1]}
	l.look(people...)
	fmt.Println("allowed:", must(l.cfg.Store.Link(l.ctx, contacts, people[0])).State)

	// Then all, in stages that stop by themselves when something is wrong.
	contactFlow.Rollout = sync.Rollout{}
	load := sync.Load{Name: "first load", Flow: contacts, From: sync.Left, Stages: []int{2, 3}, Guard: sync.Guard{Creations: 10}}
	progress := l.backfill(load)
	fmt.Println("walked through:", progress.Done, "failed:", progress.Failed, "contacts in HubSpot:", len(l.hubspot.Contacts()))

	agreement := must(l.engine.Verify(l.ctx, contacts))
	fmt.Println("pairs:", agreement.Pairs, "ratio:", agreement.Ratio())

	// The brake, for when something is wrong after all.
	brake := sync.Switch{Flow: contacts, Why: "training"}
	check(l.engine.Suspend(l.ctx, brake))
	check(l.bird.Edit(people[0].ID, map[string]any{"property_interest": "loft"}))
	l.look(people[0])
	contact, _ := l.hubspot.Contact(l.partner(people[0]).ID)
	fmt.Printf("suspended: %q\n", contact["urbanhub_property_interest"])
	check(l.engine.Resume(l.ctx, brake)) // verifies the flow, which brings what waited
	l.settle()
	contact, _ = l.hubspot.Contact(l.partner(people[0]).ID)
	fmt.Printf("resumed: %q\n", contact["urbanhub_property_interest"])
	// Output:
	// in shadow, contacts in HubSpot: 2
	// plan: create 3 update 2 overwrite 0
	// allowed: active
	// walked through: 5 failed: 0 contacts in HubSpot: 5
	// pairs: 5 ratio: 1
	// suspended: ""
	// resumed: "loft"
}

// backfill runs a load while the engine works.
func (l *lab) backfill(load sync.Load) sync.Progress {
	stop := l.run()
	defer stop()
	return must(l.engine.Backfill(l.ctx, load))
}
