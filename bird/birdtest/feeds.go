package birdtest

import (
	"net/http"
	"slices"
	"time"
)

// A feedItem is the entry of a conversation in the Inbox, with an id of its
// own. See https://docs.bird.com/api/collaborations-api.
type feedItem struct {
	id, feedID      string
	closed          bool
	agentID, teamID string
	createdAt       time.Time
	contested       bool // the next change comes too late
}

// file puts a conversation into the feed of its channel.
func (s *Server) file(v *Conversation) {
	v.item = &feedItem{id: s.uuid(), feedID: "channel:" + v.ChannelID, createdAt: v.CreatedAt}
}

func (s *Server) feedRoutes() []route {
	return []route{
		{"POST search/feed-items", s.searchFeedItems},
		{"PATCH feeds/*/items/*", s.patchFeedItem},
	}
}

// searchFeedItems finds the items that are indexed by now.
func (s *Server) searchFeedItems(r request) reply {
	var in struct {
		ConversationIDs []string `json:"conversationIds"`
		AgentIDs        []string `json:"agentIds"`
		TeamIDs         []string `json:"teamIds"`
		Closed          *bool    `json:"closed"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if !r.query.Has("limit") {
		r.query.Set("limit", "25")
	}
	var kept []*Conversation
	for _, v := range s.threads {
		if s.indexed(v.item.createdAt) && among(in.ConversationIDs, v.ID) && among(in.AgentIDs, v.item.agentID) &&
			among(in.TeamIDs, v.item.teamID) && (in.Closed == nil || *in.Closed == v.item.closed) {
			kept = append(kept, v)
		}
	}
	return list(s, r, kept, func(v *Conversation) (int, time.Time) { return v.seq, v.CreatedAt }, wireFeedItem)
}

// among reports whether a value is one of those asked for, none being any.
func among(asked []string, value string) bool {
	return len(asked) == 0 || slices.Contains(asked, value)
}

func wireFeedItem(v *Conversation) map[string]any {
	nullable := func(id string) any {
		if id == "" {
			return nil
		}
		return id
	}
	return map[string]any{"id": v.item.id, "feedId": v.item.feedID, "conversationId": v.ID, "closed": v.item.closed,
		"agentId": nullable(v.item.agentID), "teamId": nullable(v.item.teamID), "createdAt": v.item.createdAt.Format(timeLayout)}
}

// patchFeedItem assigns, closes or reopens. A closed item cannot be assigned,
// not even by the call that reopens it.
func (s *Server) patchFeedItem(r request) reply {
	var in struct {
		AgentID optional `json:"agentId"`
		TeamID  optional `json:"teamId"`
		Closed  *bool    `json:"closed"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	at := slices.IndexFunc(s.threads, func(v *Conversation) bool { return v.item.id == r.args[1] && v.item.feedID == r.args[0] })
	if at < 0 {
		return missing("feed item").reply()
	}
	v := s.threads[at]
	switch {
	case v.item.contested:
		v.item.contested = false
		return (&refusal{Status: http.StatusConflict, Code: "Conflict", Message: "the item was changed meanwhile"}).reply()
	case v.item.closed && (in.AgentID.value != "" || in.TeamID.value != ""):
		return invalid("item is closed or archived").reply()
	case in.AgentID.value != "" && s.agent(in.AgentID.value) == nil:
		return missing("agent").reply()
	}
	was := *v.item
	if in.Closed != nil {
		if bad := s.closeItem(v, *in.Closed); bad != nil {
			return bad.reply()
		}
	}
	in.AgentID.into(&v.item.agentID)
	in.TeamID.into(&v.item.teamID)
	s.moved(v, was)
	return reply{http.StatusOK, wireFeedItem(v)}
}

// closeItem closes or reopens a feed item, and its conversation with it
// unless they are apart.
func (s *Server) closeItem(v *Conversation, shut bool) *refusal {
	if o, contact := s.rival(v); !shut && v.item.closed && o != nil {
		return s.rivalry(contact, v.ChannelID)
	}
	v.item.closed = shut
	status := active
	if shut {
		status = closed
	}
	if !s.opts.SeparateFeedItems && v.Status != status {
		v.Status = status
		s.changed(v)
	}
	return nil
}
