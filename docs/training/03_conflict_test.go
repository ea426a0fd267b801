package training_test

import (
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Chapter 3: both sides edit one field. Why has it its value, and how does one
// get the other one back?
func Example_conflict() {
	l := openLab(nil, nil)
	defer l.close()
	ana := l.lead(map[string]any{"name": "Ana Gil", "email": "ana@example.com"})
	l.look(ana)
	copied := l.partner(ana)

	before := time.Now()

	// The AI agent hears one address; a moment later a sales person types another.
	check(l.bird.Edit(ana.ID, map[string]any{"email": "ana@example.net"}))
	l.hubspot.Edit(copied.ID, map[string]string{"email": "ana.gil@example.com"})
	l.look(ana)

	// The record's story: every decision, and what it was before.
	story := must(l.engine.Explain(l.ctx, contacts, ana))
	for _, field := range story.Fields {
		if field.Field != "email" {
			continue
		}
		for _, step := range field.Steps {
			fmt.Println(step.Rule, "->", step.After)
			if lost, ok := step.Lost(); ok {
				fmt.Println("  lost:", lost)
			}
		}
	}

	// The sales person was wrong. What would be taken back, and then do it.
	undo := sync.Undo{Flow: contacts, Ref: ana, Field: "email", Since: before, DryRun: true}
	for _, u := range must(l.engine.Undo(l.ctx, undo)) {
		fmt.Println("would go back in", u.Ref.System, "from", u.From, "to", u.To)
	}
	undo.DryRun = false
	must(l.engine.Undo(l.ctx, undo))
	l.settle()
	person, _ := l.bird.Contact(ana.ID)
	contact, _ := l.hubspot.Contact(copied.ID)
	fmt.Println("both:", person.Field("email"), contact["email"])

	// Nobody changed the audit.
	fmt.Println("faults in the audit:", len(must(l.engine.VerifyAudit(l.ctx)).Faults))
	// Output:
	// create -> ana@example.com
	// policy.last-write-wins -> ana.gil@example.com
	//   lost: ana@example.net
	// would go back in bird from ana.gil@example.com to ana@example.net
	// both: ana@example.net ana@example.net
	// faults in the audit: 0
}
