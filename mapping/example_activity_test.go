package mapping_test

import (
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// A message becomes a note. Whatever the message says, its markup is text.
func ExampleActivitySpec() {
	spec := mapping.ActivitySpec{
		Name: "messages", Fact: "message.received", System: "hubspot", Kind: "note", Key: "event_key", Unique: true, Zone: "America/Bogota",
		Relate: []mapping.Relate{{Flow: "contacts", Required: true}},
		Fields: []mapping.Content{
			{Name: "hs_timestamp", Text: "{{epoch .OccurredAt}}", Required: true},
			{Name: "hs_note_body", HTML: `<p>{{title .Type}} at {{format "15:04" .OccurredAt}}: {{.Data.text}}</p>`},
		},
	}
	activity, err := spec.Activity()
	if err != nil {
		fmt.Println(err)
		return
	}
	note, err := activity.Render(sync.Fact{Type: "message.received", OccurredAt: time.Date(2026, 1, 25, 15, 0, 0, 0, time.UTC),
		Data: map[string]any{"text": "rooms < 3?"}})
	fmt.Println(note["hs_note_body"], err)
	// Output: <p>Message received at 10:00: rooms &lt; 3?</p> <nil>
}

// A template that is wrong is told with its place in the file.
func ExampleLoadSet() {
	_, err := mapping.LoadSet("sync.yaml", []byte(`version: 1
activities:
  - name: calls
    fact: call.ended
    system: hubspot
    kind: note
    key: event_key
    relate: [{kind: contact, field: contact_id}]
    fields: [{name: hs_note_body, html: "<p>{{.Duration}}</p>"}]
`))
	fmt.Println(err)
	// Output:
	// mapping field hs_note_body: fatal by rule template.compiles: sync.yaml:9:47: at activities[0].fields[0].html
	//         fields: [{name: hs_note_body, html: "<p>{{.Duration}}</p>"}]
	//                                                   ^ (mend the template: template: calls.hs_note_body:1:5: executing "calls.hs_note_body" at <.Duration>: can't evaluate field Duration of a fact)
}
