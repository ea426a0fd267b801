// Package urbanhub is the ready-made map between Bird and HubSpot for a letting
// agency whose AI agents talk to leads in Bird.
//
// Contacts, with Bird on the left and HubSpot on the right:
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
// [YAML] is the same map as a file to start a changed one from, and
// [HubSpotSchema] is what a HubSpot account must have for it, and [BirdSchema]
// what a Bird workspace must.
package urbanhub
