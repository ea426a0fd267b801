package bird

import (
	"cmp"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// ConversationKind is the kind of Bird's conversations.
const ConversationKind sync.Kind = "conversation"

// The raw field names of conversations, beside [sync.IDField], [FieldName] and
// "attributes.X". Bird gives all of them but the status, which may be written.
const (
	FieldStatus      = "status"       // "active", or "closed"
	FieldContactID   = "contact_id"   // the contact who began, or else the first one taking part
	FieldContactName = "contact_name" // what that contact is called, as far as the conversation tells
	FieldChannelID   = "channel_id"
	FieldPlatform    = "platform"   // of the channel, such as "whatsapp"
	FieldCreatedAt   = "created_at" // RFC 3339 in UTC
)

// conversationFields read the fields that a conversation tells of itself. The
// platform is known by its channel only.
var conversationFields = map[string]func(*Conversation) string{
	sync.IDField:     func(c *Conversation) string { return c.ID },
	FieldName:        func(c *Conversation) string { return c.Name },
	FieldStatus:      func(c *Conversation) string { return c.Status },
	FieldContactID:   func(c *Conversation) string { return c.customer().ID },
	FieldContactName: func(c *Conversation) string { return c.customer().called() },
	FieldChannelID:   func(c *Conversation) string { return c.ChannelID },
	FieldPlatform:    func(*Conversation) string { return "" },
	FieldCreatedAt:   func(c *Conversation) string { return rfc3339(c.CreatedAt) },
}

func rfc3339(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// checkConversationFields refuses names that no conversation has.
func checkConversationFields(names []string) error {
	for _, name := range names {
		if key, isAttribute := strings.CutPrefix(name, attributePrefix); conversationFields[name] == nil && (!isAttribute || key == "") {
			return misconfigured("conversation.field", "conversations have no field "+name+"; an attribute's name begins with "+attributePrefix)
		}
	}
	return nil
}

// fields returns the fields with these names, without the blank ones.
func (c *Conversation) fields(names []string) sync.Fields {
	fields := sync.Fields{sync.IDField: sync.Text(c.ID)}
	for _, name := range names {
		var v string
		if key, isAttribute := strings.CutPrefix(name, attributePrefix); isAttribute {
			v = c.Attributes[key]
		} else {
			v = conversationFields[name](c)
		}
		if v != "" {
			fields[name] = sync.Text(v)
		}
	}
	return fields
}

// whole reports whether the answer or event tells the conversation in full, so
// that what is missing is blank. The examples in Bird's documents leave out
// most of it.
func (c *Conversation) whole() bool {
	return c.ID != "" && c.Status != "" && c.Attributes != nil && !c.crowded()
}

// crowded reports whether the contact may be among those who are not featured.
func (c *Conversation) crowded() bool {
	return len(c.Featured) >= mostFeatured && c.customer().ID == ""
}

// witness is what a signal claims that shows the conversation, nil if it may
// not show all of the fields. The platform never changes.
func (c *Conversation) witness(names []string) map[string]string {
	if len(names) == 0 || !c.whole() {
		return nil
	}
	fields := c.fields(names)
	claims := map[string]string{sync.IDField: fields[sync.IDField].Digest()}
	for _, name := range names {
		if name != FieldPlatform {
			claims[name] = fields[name].Digest() // a missing one claims a blank
		}
	}
	return claims
}

// withCustomer reports whether the conversation is one with a customer, and
// not among the workspace's own people.
func (c *Conversation) withCustomer() bool { return c.Style == "" || c.Style == "default" }

// customer returns the contact whose conversation it is: who began it, or else
// the first one taking part.
func (c *Conversation) customer() Participant {
	var found Participant
	for _, p := range append([]Participant{c.Initiator}, c.Featured...) {
		switch {
		case p.Type != ContactParticipant || p.ID == "":
		case found.ID == "":
			found = p
		case found.ID == p.ID:
			found.Name = cmp.Or(found.Name, p.Name)
		}
	}
	return found
}

// called returns the participant's name. One that only repeats the address
// says nothing about what the person is called.
func (p Participant) called() string {
	if p.Name == p.IdentifierValue || p.IdentifierKey == phoneKey && samePhone(p.Name, p.IdentifierValue) {
		return ""
	}
	return p.Name
}
