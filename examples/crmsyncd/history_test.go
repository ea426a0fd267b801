package main

import (
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// What was said before there was a sync comes to HubSpot once, however often
// the history is read and whatever webhooks tell of it.
func TestHistory(t *testing.T) {
	r := newRig(t, "engine: {sweep_interval: 1h}\n")
	person, err := r.bird.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com", "msisdn": "+573000000001"})
	if err != nil {
		t.Fatal(err)
	}
	conversation, _ := r.bird.ContactWrites(birdtest.DefaultChannel, person, "Is the two-bedroom still available?")
	r.bird.BotSays(conversation, "It is.")
	r.bird.ContactSays(conversation, "May I see it on Friday?")
	r.must(exitDone, "setup", "--yes")
	stop := r.serve()
	r.must(exitDone, "backfill", "contacts", "--from", "bird")
	r.eventually("the contact is in HubSpot", func() bool { return r.mate("ana@example.com") != "" })

	r.must(exitUsage, "history", "somebody")
	notes := func(text string) (n int) {
		for _, note := range r.hubspot.Objects("notes") {
			if strings.Contains(note["hs_note_body"], text) {
				n++
			}
		}
		return n
	}
	if notes("") != 0 {
		t.Fatal("there are notes before the history was read")
	}
	var first, second, nothing struct{ Contacts, Facts int }
	r.object(exitDone, &first, "history")
	r.object(exitDone, &second, "history", "bird:contact:"+person)
	r.object(exitDone, &nothing, "history", "--since", "0s")
	r.bird.ContactSays(conversation, "Or on Monday?") // of which a webhook tells
	if err := r.bird.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.must(exitDone, "history")
	r.bird.ContactSays(conversation, "That is all.") // and it is: facts of a contact keep their order
	r.eventually("the last message is a note", func() bool { return notes("That is all.") > 0 })
	for _, text := range []string{"Is the two-bedroom", "on Friday?", "on Monday?", "That is all."} {
		if n := notes(text); n != 1 {
			t.Errorf("%d notes say %q", n, text)
		}
	}
	if first.Contacts != 1 || first.Facts == 0 || second != first || nothing.Contacts != 1 || nothing.Facts != 0 {
		t.Errorf("read %+v, then %+v, and since now %+v", first, second, nothing)
	}
	stop() // which holds the file of the audit
	if !r.noted("crmsyncd: ana: history") {
		t.Error("the audit does not know who read the history")
	}
}
