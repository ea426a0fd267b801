package urbanhub

import (
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// The types of the facts that transitions make.
const (
	DealStageChanged = "deal.stage.changed"
	AIStatusChanged  = "ai.status.changed"
)

// triggers tell which transitions make facts: a deal's stage became another, on
// whichever side, and so did a contact's conversation status.
func triggers() []sync.Trigger {
	return []sync.Trigger{
		{Name: "urbanhub-deal-stage", Flow: dealFlow, Field: "stage", With: []string{contactID}, Fact: DealStageChanged},
		{Name: "urbanhub-ai-status", Flow: contactFlow, Field: "conversation_status", Fact: AIStatusChanged},
	}
}

// changed is what is told of a transition; a first status is none, so that no
// backfill starts a workflow for everybody.
const changed = `data.from != ""`

// told are the records to which transitions are told.
func told(o Options) []mapping.ActivitySpec {
	contact := []mapping.Relate{{Flow: contactFlow, Required: true}}
	out := []mapping.ActivitySpec{
		{
			Name: "urbanhub-deal-stage", Fact: DealStageChanged, When: "data." + contactID + ` != ""`, System: Bird, Kind: Contact, Update: true,
			Relate: []mapping.Relate{{Kind: Contact, Field: contactID, Required: true}},
			Fields: []mapping.Content{{Name: "deal_stage", Text: "{{.Data.to}}"}},
		},
		{
			Name: "urbanhub-workflow", Fact: AIStatusChanged, When: changed, System: HubSpot, Kind: Contact, Update: true, Relate: contact,
			Fields: []mapping.Content{{Name: "bird_workflow_trigger", Text: `{{iso .OccurredAt}} {{printf "%.8s" .Key}}`}},
		},
	}
	if o.CustomEvent == "" {
		return out
	}
	return append(out, mapping.ActivitySpec{
		Name: "urbanhub-custom-event", Fact: AIStatusChanged, When: changed, System: HubSpot, Kind: "event", Key: "uuid", Unique: true, Relate: contact,
		Fields: []mapping.Content{
			{Name: "eventName", Text: o.CustomEvent},
			{Name: "occurredAt", Text: "{{iso .OccurredAt}}"},
			{Name: "from_status", Text: "{{.Data.from}}", Max: 256},
			{Name: "to_status", Text: "{{.Data.to}}", Max: 256},
		},
	})
}

// Set returns everything that the preset syncs: contacts, deals, activities
// and triggers. Its Compile gives what an engine runs.
func Set(o Options) *mapping.Set {
	return &mapping.Set{
		Flows:      []mapping.Spec{*ContactSpec(o), *DealSpec(o)},
		Templates:  map[string]string{"body": body},
		Activities: activities(o),
		Triggers:   triggers(),
	}
}
