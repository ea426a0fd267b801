package training_test

import (
	"fmt"

	"github.com/urbanhub/crmsync/sync"
)

// Chapter 1: a contact travels both ways.
func Example_firstSync() {
	l := openLab(nil, nil)
	defer l.close()

	// A lead writes to the AI agent in Bird, and something says so.
	ana := l.lead(map[string]any{"name": "Ana Gil", "msisdn": "+573000000001", "email": "ana@example.com"})
	l.look(ana)
	copied := l.partner(ana)
	contact, _ := l.hubspot.Contact(copied.ID)
	fmt.Println("in HubSpot:", contact["firstname"], contact["lastname"], contact["phone"])

	// A sales person corrects the address in HubSpot.
	l.hubspot.Edit(copied.ID, map[string]string{"email": "ana.gil@example.com"})
	l.look(copied)
	person, _ := l.bird.Contact(ana.ID)
	fmt.Println("in Bird:", person.Field("email"))

	// Bird's Flow tells of that edit, too: it was ours, and nothing happens.
	writes := l.bird.WriteCount(ana.ID, "email") + l.hubspot.WriteCount(copied.ID, "email")
	l.look(ana, ana, copied)
	fmt.Println("writes by the echoes:", l.bird.WriteCount(ana.ID, "email")+l.hubspot.WriteCount(copied.ID, "email")-writes)

	// Measure, past the engine's own books, whether both sides agree.
	agreement := must(l.engine.Verify(l.ctx, contacts))
	fmt.Println("fields compared and equal:", agreement.Compared == agreement.Equal && agreement.Compared > 0)
	fmt.Println("linked by:", must(l.cfg.Store.Link(l.ctx, contacts, ana)).Evidence, "state:", sync.Active)
	// Output:
	// in HubSpot: Ana Gil +573000000001
	// in Bird: ana.gil@example.com
	// writes by the echoes: 0
	// fields compared and equal: true
	// linked by: created state: active
}
