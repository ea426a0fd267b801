package urbanhub

import (
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// The kinds of activities in HubSpot.
const (
	Note          sync.Kind = "note"
	Task          sync.Kind = "task"
	Meeting       sync.Kind = "meeting"
	Communication sync.Kind = "communication"
)

// activityKey is the property that keeps the key of a fact on each of them.
const activityKey = "bird_event_key"

// subject is the subject of every activity.
const subject = "AI Agent Activity: {{.Type}}"

// body is the HTML template of the activities' bodies, whatever the fact.
const body = `<p>{{title .Type}}{{with format "2006-01-02 15:04" .OccurredAt}}, {{.}} ({{zone}}){{end}}{{with .Data.platform}}, by {{.}}{{end}}</p>
{{with or .Data.text .Data.preview}}<p>{{range $i, $line := lines .}}{{if $i}}<br>{{end}}{{$line}}{{end}}</p>
{{end}}{{with .Data.name}}<p>Name: {{.}}</p>
{{end}}{{with .Data.property_interest}}<p>Property interest: {{.}}</p>
{{end}}{{with .Data.score}}<p>Score: {{.}}</p>
{{end}}{{with .Data.budget}}<p>Budget: {{.}}</p>
{{end}}{{with .Data.move_in}}<p>Moving in: {{.}}</p>
{{end}}{{with .Data.property}}<p>Property: {{.}}</p>
{{end}}{{with .Data.starts_at}}<p>From: {{format "2006-01-02 15:04" .}} ({{zone}})</p>
{{end}}{{with .Data.ends_at}}<p>To: {{format "2006-01-02 15:04" .}} ({{zone}})</p>
{{end}}{{with .Data.reason}}<p>Reason: {{.}}</p>
{{end}}{{with .Data.team}}<p>Team: {{.}}</p>
{{end}}{{with .Data.conversation_status}}<p>Conversation: {{.}}</p>
{{end}}{{with .Data.summary}}<p>{{range $i, $line := lines .}}{{if $i}}<br>{{end}}{{$line}}{{end}}</p>
{{end}}
`

// heading stands above the body where an activity has no subject of its own.
const heading = "<p><strong>" + subject + "</strong></p>"

// kinds are the activities that facts are recorded as.
var kinds = []struct {
	fact string
	kind sync.Kind
}{
	{"conversation.started", Note},
	{"message.received", Note},
	{"qualification.completed", Task},
	{"tour.scheduled", Meeting},
	{"escalation.triggered", Note},
}

// activities are what facts are recorded as.
func activities(o Options) []mapping.ActivitySpec {
	var out []mapping.ActivitySpec
	for _, k := range kinds {
		if k.fact == "message.received" && o.Communications {
			k.kind = Communication
		}
		out = append(out, recorded(o, k.fact, k.kind))
	}
	out = append(out, aiStates()...)
	out = append(out, told(o)...)
	return append(out, asked(o)...)
}

// recorded is the activity for facts of a type, on the timeline of the contact
// and of the conversation's deal, if there is one by then.
func recorded(o Options, fact string, kind sync.Kind) mapping.ActivitySpec {
	body := `{{template "body" .}}`
	if own := o.Bodies[fact]; own != "" {
		body = own
	}
	fields := contents[kind](body)
	if o.Owner != "" {
		fields = append(fields, mapping.Content{Name: "hubspot_owner_id", Text: o.Owner})
	}
	return mapping.ActivitySpec{
		Name: "urbanhub-" + fact, Fact: fact, System: HubSpot, Kind: kind, Key: activityKey, Unique: o.UniqueActivities[kind], Zone: o.Zone,
		Relate: []mapping.Relate{
			{Flow: contactFlow, Required: true},
			{Flow: dealFlow, Kind: Conversation, Field: conversationKey},
		},
		Fields: fields,
	}
}

// at is the event's own time, without which nothing has a place on a timeline.
var at = mapping.Content{Name: "hs_timestamp", Text: "{{epoch .OccurredAt}}", Required: true}

// contents are the properties of each kind. See
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide,
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/guide,
// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/meetings/guide and
// https://developers.hubspot.com/docs/api-reference/latest/crm/objects/communications/guide.
var contents = map[sync.Kind]func(body string) []mapping.Content{
	Note: func(body string) []mapping.Content {
		return []mapping.Content{at, {Name: "hs_note_body", HTML: heading + body}}
	},
	Task: func(body string) []mapping.Content {
		return []mapping.Content{at,
			{Name: "hs_task_subject", Text: subject},
			{Name: "hs_task_body", HTML: body},
			{Name: "hs_task_status", Text: "NOT_STARTED"},
			{Name: "hs_task_type", Text: "TODO"},
		}
	},
	Meeting: func(body string) []mapping.Content {
		return []mapping.Content{
			{Name: "hs_timestamp", Text: "{{epoch .Data.starts_at}}", Required: true},
			{Name: "hs_meeting_start_time", Text: "{{epoch .Data.starts_at}}", Required: true},
			{Name: "hs_meeting_end_time", Text: `{{epoch (or .Data.ends_at (plus "1h" .Data.starts_at))}}`, Required: true},
			{Name: "hs_meeting_title", Text: subject},
			{Name: "hs_meeting_body", HTML: body},
			{Name: "hs_meeting_location", Text: "{{.Data.property}}", Max: 1000},
			{Name: "hs_meeting_outcome", Text: "SCHEDULED"},
		}
	},
	Communication: func(body string) []mapping.Content {
		return []mapping.Content{at,
			{Name: "hs_communication_channel_type", Text: `{{if eq (lower .Data.platform) "sms"}}SMS{{else}}WHATS_APP{{end}}`},
			{Name: "hs_communication_logged_from", Text: "CRM"},
			{Name: "hs_communication_body", HTML: heading + body},
		}
	},
}

// aiStates write what a fact says about the lead into its conversation, from
// where the flow of deals takes it to HubSpot.
func aiStates() []mapping.ActivitySpec {
	stage := func(fact, stage string, more ...mapping.Content) mapping.ActivitySpec {
		fields := append([]mapping.Content{
			{Name: aiStage, Text: stage},
			{Name: aiAgentType, Text: "{{.Data.ai_agent_type}}"},
			{Name: aiInterest, Text: "{{.Data.property_interest}}"},
			{Name: aiLast, Text: "{{iso .OccurredAt}}"},
		}, more...)
		return mapping.ActivitySpec{
			Name: "urbanhub-state-" + fact, Fact: fact, When: "data." + conversationKey + ` != ""`,
			System: Bird, Kind: Conversation, Update: true, Clock: aiLast,
			Relate: []mapping.Relate{{Kind: Conversation, Field: conversationKey, Required: true}},
			Fields: fields,
		}
	}
	return []mapping.ActivitySpec{
		stage("qualification.completed", `{{if eq .Data.qualified "false"}}`+StageUnqualified+`{{else}}`+StageQualified+`{{end}}`,
			mapping.Content{Name: aiScore, Text: "{{.Data.score}}"}),
		stage("tour.scheduled", StageTourScheduled, mapping.Content{Name: aiTour, Text: "{{iso .Data.starts_at}}"}),
		stage("tour.completed", StageTourCompleted),
		stage("application.submitted", StageApplication),
		stage("lease.signed", StageLeaseSigned),
	}
}
