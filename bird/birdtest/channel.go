package birdtest

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// DefaultChannel is the id of the WhatsApp channel that every workspace has.
const DefaultChannel = "e49b0247-4374-4652-bf37-bf937fa9983b"

// channel is an address of the workspace on a platform.
type channel struct {
	id, name, platform string
	conversational     bool // whether its messages make conversations
	createdAt          time.Time
	seq                int
	messages           []*Message // oldest first
}

// A manner is how a platform holds conversations: Bird's platformStyle, and
// the key of the identifiers by which contacts are known there.
type manner struct{ style, key string }

// manners of the platforms; any other one is direct, and its key is the
// platform's name with "id".
var manners = map[string]manner{
	"whatsapp":  {"direct", phoneKey},
	"sms":       {"direct", phoneKey},
	"rcs":       {"direct", phoneKey},
	"email":     {"email", emailKey},
	"instagram": {"direct-threaded", "instagramid"},
	"livechat":  {"direct-multiple", "visitorid"},
}

func (c *channel) manner() manner {
	if m, known := manners[c.platform]; known {
		return m
	}
	return manner{"direct", c.platform + "id"}
}

// AddChannel gives the workspace one more channel of a platform: "whatsapp",
// "sms", "rcs" and others hold one conversation with a contact at a time,
// "livechat", "email" and "instagram" several. It returns the channel's id.
func (s *Server) AddChannel(platform string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openChannel(s.uuid(), platform).id
}

// openChannel adds a channel. The caller holds s.mu.
func (s *Server) openChannel(id, platform string) *channel {
	s.lastSeq++
	c := &channel{id: id, name: platform, platform: platform, conversational: true, createdAt: s.now(), seq: s.lastSeq}
	s.channels = append(s.channels, c)
	return c
}

// SetConversational switches conversations of a channel on or off. While off,
// what contacts write there makes no conversation and conversations of the
// channel have no events. It reports false when there is no such channel.
// See https://docs.bird.com/api/conversations-api/api-reference/channel-configuration/update-conversations-configuration.
func (s *Server) SetConversational(channelID string, on bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.channel(channelID)
	if c != nil {
		c.conversational = on
	}
	return c != nil
}

// channel returns a channel, nil when there is none of the id.
func (s *Server) channel(id string) *channel {
	i := slices.IndexFunc(s.channels, func(c *channel) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return s.channels[i]
}

func (s *Server) channelRoutes() []route {
	return []route{
		{"GET channels", s.listChannels},
		{"GET channels/messages", s.listChannelMessages},
		{"GET channels/*", s.on(func(c *channel, _ request) reply { return reply{http.StatusOK, s.wireChannel(c)} })},
		{"GET channels/*/conversational", s.on(s.getConversational)},
		{"PATCH channels/*/conversational", s.on(s.patchConversational)},
		{"GET channels/*/messages", s.on(func(c *channel, r request) reply { return s.answerChannelMessages(r, c.messages) })},
		{"POST channels/*/messages", s.on(s.sendOnChannel)},
		{"GET channels/*/messages/*", s.on(s.getChannelMessage)},
	}
}

// on finds the channel that a path names.
func (s *Server) on(handle func(*channel, request) reply) func(request) reply {
	return func(r request) reply {
		if c := s.channel(r.args[0]); c != nil {
			return handle(c, r)
		}
		return missing("channel").reply()
	}
}

func (s *Server) listChannels(r request) reply {
	return list(s, r, s.channels, func(c *channel) (int, time.Time) { return c.seq, c.createdAt }, s.wireChannel)
}

func (s *Server) wireChannel(c *channel) map[string]any {
	return map[string]any{"id": c.id, "name": c.name, "platformId": c.platform, "status": "active",
		"workspaceId": s.WorkspaceID, "createdAt": c.createdAt.Format(timeLayout), "updatedAt": c.createdAt.Format(timeLayout)}
}

func (s *Server) getConversational(c *channel, _ request) reply {
	status := "inactive"
	if c.conversational {
		status = "active"
	}
	return reply{http.StatusOK, map[string]any{"channelId": c.id, "status": status}}
}

func (s *Server) patchConversational(c *channel, r request) reply {
	var in struct {
		Status string `json:"status"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if in.Status != "active" && in.Status != "inactive" {
		return invalid("status must be active or inactive").reply()
	}
	c.conversational = in.Status == "active"
	return s.getConversational(c, r)
}

func (s *Server) listChannelMessages(r request) reply {
	var all []*Message
	for _, c := range s.channels {
		all = append(all, c.messages...)
	}
	slices.SortFunc(all, func(a, b *Message) int { return cmp.Compare(a.seq, b.seq) })
	return s.answerChannelMessages(r, all)
}

func (s *Server) answerChannelMessages(r request, all []*Message) reply {
	return list(s, r, all, messageKey, s.wireChannelMessage)
}

func (s *Server) getChannelMessage(c *channel, r request) reply {
	m := s.messages[r.args[1]]
	if m == nil || m.channelID != c.id || m.Draft {
		return missing("message").reply()
	}
	return reply{http.StatusOK, s.wireChannelMessage(m)}
}

// sendOnChannel sends a message to a contact without naming a conversation.
// It goes into the one with the contact, if the channel has conversations.
func (s *Server) sendOnChannel(c *channel, r request) reply {
	var in struct {
		posting
		Receiver struct {
			Contacts []reference `json:"contacts"`
		} `json:"receiver"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if bad := in.checkContent(); bad != nil {
		return bad.reply()
	}
	if len(in.Receiver.Contacts) != 1 {
		return invalid("receiver must have one contact").reply()
	}
	to, bad := s.resolveContact(in.Receiver.Contacts[0])
	if bad != nil {
		return bad.reply()
	}
	m := &Message{Sender: accessKey, To: []string{to.ID}, Body: in.Body, Template: in.Template, Reference: in.Reference}
	s.deliverOn(c, m, to.ID)
	return reply{http.StatusAccepted, s.wireChannelMessage(m)}
}

// deliverOn puts a message into the contact's conversation on a channel,
// which is opened if need be, or on the bare channel.
func (s *Server) deliverOn(c *channel, m *Message, contactID string) {
	if !c.conversational {
		m.channelID = c.id
		s.number(m, c.createdAt)
		s.release(c, m)
		return
	}
	if v := s.current(c.id, contactID); v != nil {
		s.post(v, m)
		return
	}
	s.thread(Opening{ContactID: contactID, ChannelID: c.id}, m)
}
