package urbanhub

import (
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// MessageRequested is the type of the facts by which a HubSpot workflow asks
// for a message: what hubspot.WorkflowAction.Fact of the host's action is.
const MessageRequested = "message.requested"

// The kinds of what carries out such a request.
const (
	Message    sync.Kind = "message"
	Completion sync.Kind = "action_completion"
)

// asked has Bird send what a workflow asks for, and then lets the workflow go
// on: the engine carries out the activities of a fact one after the other.
func asked(o Options) []mapping.ActivitySpec {
	if !o.WorkflowMessages {
		return nil
	}
	input := func(name string) string { return `{{index .Data "inputFields.` + name + `"}}` }
	return []mapping.ActivitySpec{
		{
			Name: "urbanhub-asked-message", Fact: MessageRequested, System: Bird, Kind: Message, Key: "reference",
			Relate: []mapping.Relate{{Flow: contactFlow, Required: true}},
			Fields: []mapping.Content{
				{Name: "text", Text: input("text")},
				{Name: "template", Text: input("template")},
				{Name: "locale", Text: input("locale")},
				{Name: "channel_id", Text: input("channel_id")},
				{Name: "draft", Text: input("draft")},
			},
		},
		{
			Name: "urbanhub-asked-done", Fact: MessageRequested, System: HubSpot, Kind: Completion, Key: "key", Unique: true,
			Relate: []mapping.Relate{{Required: true}},
			Fields: []mapping.Content{
				{Name: "callbackId", Text: "{{.Data.callbackId}}", Required: true},
				{Name: "bird_status", Text: "sent"},
				{Name: "bird_reference", Text: "{{.Key}}"},
			},
		},
	}
}
