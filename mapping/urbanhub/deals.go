package urbanhub

import (
	"maps"
	"slices"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// The kinds of deals in a flow and in every [sync.Ref].
const (
	Conversation sync.Kind = "conversation"
	Deal         sync.Kind = "deal"
)

// The stages that an AI agent gives a conversation in its attribute ai_stage.
const (
	StageLead          = "lead"
	StageQualified     = "qualified"
	StageTourScheduled = "tour_scheduled"
	StageTourCompleted = "tour_completed"
	StageApplication   = "application"
	StageUnqualified   = "unqualified"
	StageLeaseSigned   = "lease_signed"
)

// The raw names of a conversation in Bird.
const (
	contactID       = "contact_id"
	contactName     = "contact_name"
	aiStage         = "attributes.ai_stage"
	aiAgentType     = "attributes.ai_agent_type"
	aiScore         = "attributes.qualification_score"
	aiInterest      = "attributes.property_interest"
	aiTour          = "attributes.tour_scheduled_date"
	aiLast          = "attributes.last_ai_interaction"
	hubspotDealID   = "attributes.hubspot_deal_id"
	conversationKey = "conversation_id" // in deals and in the data of facts
)

// dealName calls a deal after the contact, or after the conversation.
const dealName = `{{default (default (print "Bird conversation " .id) .name) .contact_name}}`

// progress is the order of the stages. A lost deal is not reopened by what
// comes late, and a signed lease is the end of it.
var progress = []string{StageLead, StageQualified, StageTourScheduled, StageTourCompleted, StageApplication, StageUnqualified, StageLeaseSigned}

// dealStages are HubSpot's stages for those of the AI agents.
var dealStages = map[string]string{
	StageLead:          "qualifiedtobuy",
	StageQualified:     "appointmentscheduled",
	StageTourScheduled: "appointmentscheduled",
	StageTourCompleted: "decisionmakerstage",
	StageApplication:   "contractsent",
	StageLeaseSigned:   "closedwon",
	StageUnqualified:   "closedlost",
}

// peoplesStages are those of HubSpot's stock pipeline that only people choose.
var peoplesStages = map[string]string{
	"presentationscheduled": StageTourScheduled,
	"decisionmakerboughtin": StageTourCompleted,
}

// Deals returns the flow of deals, which needs that of [Contacts] beside it.
func Deals(o Options) (*sync.Flow, error) {
	spec := DealSpec(o)
	return spec.Flow()
}

// DealSpec returns the map of deals as data, for hosts that extend it.
func DealSpec(o Options) *mapping.Spec {
	return &mapping.Spec{
		Name: dealFlow,
		Left: mapping.End{System: Bird, Kind: Conversation, Leave: []mapping.When{
			{Expr: "record[" + quote(aiStage) + `] != ""`, Why: "has no AI stage"},
			{Expr: "record." + contactID + ` != ""`, Why: "belongs to no contact"},
		}},
		Right: mapping.End{System: HubSpot, Kind: Deal, CreateKey: conversationKey, Relate: []mapping.Relate{
			{Flow: contactFlow, Kind: Contact, Field: contactID, Required: true},
		}},
		Fields:    dealFields(o),
		Identity:  []string{conversationKey, "hubspot_deal_id"},
		FirstSync: sync.Policy{Kind: sync.PreferUnlessBlank, Owner: sync.Right},
	}
}

func dealFields(o Options) []mapping.Field {
	text := func(name, left string) mapping.Field {
		return mapping.Text(name, left, name).To(sync.Right).WithKeepBlank()
	}
	moment := func(name, left string) mapping.Field {
		return mapping.DateTime(name, mapping.At(left), mapping.At(name)).To(sync.Right).WithKeepBlank()
	}
	return []mapping.Field{
		mapping.ID(conversationKey, sync.IDField, conversationKey).To(sync.Right).WithPolicy(sync.Own, sync.Left),
		mapping.ID("hubspot_deal_id", hubspotDealID, sync.IDField).To(sync.Left).WithPolicy(sync.Own, sync.Right),
		mapping.Template("dealname", dealName, []string{contactName, "name", sync.IDField}, "dealname").WithKeepBlank(),
		stage(o),
		text("ai_agent_type", aiAgentType),
		mapping.Number("qualification_score", mapping.At(aiScore), mapping.At("qualification_score")).To(sync.Right).WithKeepBlank(),
		text("property_interest", aiInterest),
		moment("tour_scheduled_date", aiTour),
		moment("last_ai_interaction", aiLast),
	}
}

// stage is the field of the stages: two ways, forward only but for people.
func stage(o Options) mapping.Field {
	table := stages(o)
	var order []string
	for _, row := range table[:len(progress)] {
		if !slices.Contains(order, row.Right) {
			order = append(order, row.Right)
		}
	}
	f := mapping.Enum("stage", aiStage, "dealstage", table...).WithPolicy(sync.Monotonic, sync.Right, order...).WithKeepBlank()
	pipeline := o.Pipeline
	if pipeline == "" {
		pipeline = "default"
	}
	f.Right = f.Right.Along("pipeline", pipeline)
	return f
}

// stages is the table: the stages that are written to either side, and then
// those that only people choose in HubSpot.
func stages(o Options) []mapping.Option {
	chosen := maps.Clone(dealStages)
	maps.Copy(chosen, o.Stages)
	more := o.PeoplesStages
	if more == nil {
		more = peoplesStages
	}
	var table []mapping.Option
	written := map[string]bool{}
	for _, ai := range progress {
		table = append(table, mapping.Option{Left: ai, Right: chosen[ai]})
		written[chosen[ai]] = true
	}
	for _, id := range slices.Sorted(maps.Keys(more)) {
		if !written[id] {
			table = append(table, mapping.Option{Left: more[id], Right: id})
		}
	}
	return table
}
