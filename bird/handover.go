package bird

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// botsAttribute is the attribute of a conversation that names its AI employees.
const botsAttribute = "llmbotIds"

// handovers returns a fact for each person to whom an AI employee's
// conversation was handed over: Bird has no event of it, and shows it by a
// message of a person, or by a person who has joined. What the AI employee, a
// Flow or a program says is never a take-over, however late it is told, and
// neither is one who began the conversation.
func (c *Conversation) handovers(subject sync.Ref) []sync.Fact {
	if !c.hasBot() {
		return nil
	}
	var facts []sync.Fact
	seen := map[string]bool{c.Initiator.ID: true}
	add := func(p Participant, at time.Time) {
		if p.Type != UserParticipant || p.ID == "" || seen[p.ID] {
			return
		}
		seen[p.ID] = true
		f := sync.Fact{ID: escalatedID(c.ID, p.ID), Type: factEscalated, Subject: subject, OccurredAt: at, Data: c.data()}
		f.Data["agent_id"] = p.ID
		facts = append(facts, f)
	}
	add(c.LastMessage.Sender, c.LastMessage.CreatedAt)
	for _, p := range c.Featured {
		if p.Status == "" || p.Status == "active" { // who was only asked has not joined
			add(p, c.UpdatedAt)
		}
	}
	return facts
}

// hasBot reports whether an AI employee takes part or did.
func (c *Conversation) hasBot() bool {
	if c.Attributes[botsAttribute] != "" || c.LastMessage.Sender.Type == BotParticipant || c.Initiator.Type == BotParticipant {
		return true
	}
	for _, p := range c.Featured {
		if p.Type == BotParticipant {
			return true
		}
	}
	return false
}
