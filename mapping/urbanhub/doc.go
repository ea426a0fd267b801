// Package urbanhub is the ready-made map between Bird and HubSpot for a letting
// agency whose AI agents talk to leads in Bird.
//
// # Contacts
//
// With Bird on the left and HubSpot on the right:
//
//	bird_contact_id      id                   →  custom_bird_contact_id
//	hubspot_id           external_id          ←  id
//	phone                msisdn               ↔  phone
//	email                email                ↔  email
//	name                 name                 →  firstname, lastname
//	conversation_status  conversation_status  →  ai_conversation_status
//	property_interest    property_interest    →  urbanhub_property_interest
//	property_preferences attributes.propertyInterest ← property_preferences
//
// Records are recognised by those ids, then by email, then by phone. A contact
// leaves Bird when it has an email or a phone, and HubSpot when it passes the
// filters of [Options]. Where both sides edited the email or the phone the
// later edit wins, and HubSpot's when the order cannot be known, because there
// people correct what the AI agent heard. A blank never overwrites a value:
// neither side clears a contact's data by not knowing it. The ids are owned by
// the side that gave them and restored there when somebody edits the copy.
//
// # Deals
//
// A conversation with an AI stage and a contact is a deal, created by its id
// together with the association to the contact, for which it waits:
//
//	conversation_id        id                              →  conversation_id
//	hubspot_deal_id        attributes.hubspot_deal_id      ←  id
//	dealname               contact_name, name, id          →  dealname
//	stage                  attributes.ai_stage             ↔  dealstage, pipeline
//	ai_agent_type          attributes.ai_agent_type        →  ai_agent_type
//	qualification_score    attributes.qualification_score  →  qualification_score
//	property_interest      attributes.property_interest    →  property_interest
//	tour_scheduled_date    attributes.tour_scheduled_date  →  tour_scheduled_date
//	last_ai_interaction    attributes.last_ai_interaction  →  last_ai_interaction
//
// Seven AI stages fold into six deal stages, whose ids [Options] may change:
//
//	lead            qualifiedtobuy
//	qualified       appointmentscheduled
//	tour_scheduled  appointmentscheduled
//	tour_completed  decisionmakerstage, which no stock pipeline has
//	application     contractsent
//	unqualified     closedlost
//	lease_signed    closedwon
//
// The AI stage stays as it is while the deal's stage agrees with it. A stage
// only moves down this list: what comes late or out of order is undone, in
// Bird too. People may move a deal wherever they like in HubSpot, and it stays
// there until the AI agent gets further.
//
// # Activities
//
// Each of these facts is recorded once, at the event's own time, on the
// timeline of the contact, for which it waits, and of the conversation's deal,
// if there is one by then:
//
//	conversation.started     note
//	message.received         note, or with Options.Communications a communication
//	qualification.completed  task
//	tour.scheduled           meeting
//	escalation.triggered     note
//
// Facts that name a conversation also move it on, and the deal with it:
//
//	qualification.completed  ai_stage qualified, or unqualified where the fact says qualified: false; the score
//	tour.scheduled           ai_stage tour_scheduled; the tour's time
//	tour.completed           ai_stage tour_completed
//	application.submitted    ai_stage application
//	lease.signed             ai_stage lease_signed
//
// One that comes late, after a later one, only fills what is blank.
//
// Package bird takes the last three only from calls whose bird.FlowMap names
// them; docs/bird-flows.md has that map.
//
// # Triggers
//
// A deal's new stage is told to the contact in Bird as its attribute
// deal_stage. A contact's new conversation status moves its HubSpot property
// bird_workflow_trigger, which workflows watch, and with Options.CustomEvent
// sends a custom event; the first status of a contact does neither.
//
// # Workflows that ask for a message
//
// With Options.WorkflowMessages a HubSpot workflow has Bird write to its
// contact. A developer defines a custom workflow action for contacts with the
// input fields
//
//	text         what is said, or
//	template     the id of a template's project in Bird, with its locale
//	channel_id   where to begin a conversation if none is open; optional
//	draft        "true" for a note that only agents see; optional
//
// and the output fields bird_status and bird_reference, and the host gives its
// definition id to hubspot.NewActionReceiver:
//
//	Actions: map[int64]hubspot.WorkflowAction{id: {Fact: urbanhub.MessageRequested, Wait: time.Hour}}
//
// The message is sent once, however often HubSpot calls, and then the action is
// completed with bird_status "sent". A message that Bird refuses goes to the dead
// letters, and the workflow goes on by itself when its Wait is over.
//
// # Beyond the preset
//
// [Set] is all of it as data, to be extended and compiled. [YAML] is the same as
// a file to start a changed one from. [HubSpotSchema] and [BirdSchema] are what
// the two accounts must have for it.
package urbanhub
