package bird

import (
	"cmp"
	"context"
	"encoding/json"
)

// The types of participants. An AI employee is a bot; Bird adds types without
// notice, so others may come.
// See https://docs.bird.com/api/conversations-api/api-reference/conversation-participants.
const (
	ContactParticipant   = "contact"   // the customer; the id is the contact's
	BotParticipant       = "bot"       // an AI employee
	UserParticipant      = "user"      // a person of the workspace, an agent
	FlowParticipant      = "flow"      // an automation
	AccessKeyParticipant = "accessKey" // a program
)

// A Participant is one who takes part in a conversation. Any of its texts may
// be empty: the answers differ in what they tell.
type Participant struct {
	ID     string
	Type   string // one of the constants above, or what Bird adds to them
	Status string
	Name   string
	// IdentifierKey and IdentifierValue are the address at which a contact
	// takes part, such as "phonenumber" and "+573000000001". A contact with a
	// WhatsApp user name has no phone, and its key is "whatsappusername".
	IdentifierKey, IdentifierValue string
}

// UnmarshalJSON reads both spellings of a contact's address, which stands under
// "contact" or on the participant itself. A phone gets its "+" back.
func (p *Participant) UnmarshalJSON(data []byte) error {
	type address struct {
		IdentifierKey   string `json:"identifierKey"`
		IdentifierValue string `json:"identifierValue"`
		PlatformAddress string `json:"platformAddress"`
	}
	var w struct {
		ID          string  `json:"id"`
		Type        string  `json:"type"`
		Status      string  `json:"status"`
		DisplayName string  `json:"displayName"`
		Contact     address `json:"contact"`
		address
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*p = Participant{ID: w.ID, Type: w.Type, Status: w.Status, Name: w.DisplayName,
		IdentifierKey:   cmp.Or(w.Contact.IdentifierKey, w.IdentifierKey),
		IdentifierValue: cmp.Or(w.Contact.IdentifierValue, w.IdentifierValue, w.Contact.PlatformAddress, w.PlatformAddress)}
	if p.IdentifierKey == phoneKey || p.IdentifierKey == "" {
		p.IdentifierValue = international(p.IdentifierValue)
	}
	return nil
}

// Inbound reports whether what the participant sends comes from the customer.
// Bird's conversations know no other direction.
func (p Participant) Inbound() bool { return p.Type == ContactParticipant }

// Participants returns all who take part in a conversation; its featured ones
// are at most five.
func (a *Adapter) Participants(ctx context.Context, conversationID string) ([]Participant, error) {
	ref := conversationRef(conversationID)
	return all[Participant](ctx, a, request{op: "bird: list participants", ref: ref, path: a.conversation(conversationID) + "/participants"})
}
