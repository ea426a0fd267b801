package training_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
)

// A pager prints what it is told.
type pager struct{}

// Notify implements [alert.Notifier].
func (pager) Notify(_ context.Context, a alert.Alert) error {
	state := "begins"
	if !a.Ended.IsZero() {
		state = "is over"
	}
	fmt.Println("alert", a.Rule, state)
	return nil
}

// Chapter 5: a record that cannot be synced, and a vendor that is down.
func Example_trouble() {
	var alerts *alert.Manager
	l := openLab(nil, func(cfg *sync.Config) {
		alerts = must(alert.New(alert.Options{Queue: cfg.Queue, Notifiers: []alert.Notifier{pager{}}}))
		cfg.Observer = alerts.Observe
	})
	defer l.close()
	ana := l.lead(map[string]any{"name": "Ana Gil", "email": "ana@example.com"})
	l.look(ana)
	copied := l.partner(ana)

	// Somebody types a phone number that is none. The record alone waits.
	l.hubspot.Edit(copied.ID, map[string]string{"phone": "12345"})
	l.look(copied)
	letter := must(l.cfg.Queue.Dead(l.ctx, sync.DeadFilter{}))[0]
	last := letter.History[len(letter.History)-1]
	fmt.Println("dead letter:", last.Action, "by rule", last.Rule, "field", last.Field)
	alerts.Evaluate(l.ctx, time.Now())

	// Mend the cause, then replay: both sides are read afresh.
	l.hubspot.Edit(copied.ID, map[string]string{"phone": "300 000 0001"})
	must(l.engine.ReplayDead(l.ctx, sync.DeadFilter{}))
	l.settle()
	person, _ := l.bird.Contact(ana.ID)
	fmt.Println("in Bird:", person.Field("msisdn"))
	alerts.Evaluate(l.ctx, time.Now())

	// HubSpot is down: what comes in is taken in, and waits.
	l.hubspot.Down(true)
	check(l.bird.Edit(ana.ID, map[string]any{"property_interest": "two-bedroom"}))
	check(l.engine.Enqueue(l.ctx, sync.Change{ID: "during the outage", Ref: ana, Reason: sync.ReasonWebhook}))
	_ = l.engine.RunOnce(l.ctx) // the sweep of HubSpot fails, too
	stats := must(l.cfg.Queue.Stats(l.ctx, time.Now()))
	fmt.Println("waiting:", stats.Waiting > 0, "dead:", stats.Dead, "ready to take in:", l.engine.Health(l.ctx).Ready)

	l.hubspot.Down(false)
	l.settle()
	contact, _ := l.hubspot.Contact(copied.ID)
	fmt.Println("in HubSpot:", contact["urbanhub_property_interest"])
	// Output:
	// dead letter: invalid by rule phone.e164 field phone
	// alert DeadLettersGrowing begins
	// in Bird: +573000000001
	// alert DeadLettersGrowing is over
	// waiting: true dead: 0 ready to take in: true
	// in HubSpot: two-bedroom
}
