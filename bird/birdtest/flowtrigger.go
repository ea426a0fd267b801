package birdtest

import "slices"

// The triggers of Flows that are about conversations and feed items. Unlike
// changes of contacts they run those Flows only that name them.
// See https://docs.bird.com/applications/automation/flows/concepts/triggers.
const (
	itemAssigned = "feed_item.assigned"
	itemClosed   = "feed_item.closed"
)

// trigger runs the Flows that name the event, once for each contact of the
// conversation.
func (s *Server) trigger(event string, v *Conversation) {
	for _, f := range s.automations {
		if !slices.Contains(f.Events, event) {
			continue
		}
		for _, id := range v.contacts() {
			if c := s.contacts[id]; c != nil {
				s.call(f, s.body(f, c, v, event, nil))
			}
		}
	}
}

// moved triggers what became of a feed item since it was as given.
func (s *Server) moved(v *Conversation, was feedItem) {
	now := v.item
	if (now.agentID != was.agentID || now.teamID != was.teamID) && now.agentID+now.teamID != "" {
		s.trigger(itemAssigned, v)
	}
	if now.closed && !was.closed {
		s.trigger(itemClosed, v)
	}
}
