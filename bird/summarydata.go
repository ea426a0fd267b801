package bird

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// A Summary is what the templates of a [Summarizer] are given. Its texts are
// as people wrote them, without control characters and not escaped.
type Summary struct {
	ConversationID string
	Title          string // the conversation's name; "" in most chats
	Status         string // "active" or "closed"
	Note           string // Bird's own summary of the conversation, often ""
	URL            string // where a person can read it; http or https, or ""
	Zone           string // of all times, such as "America/Bogota"
	Participants   []SummaryParticipant
	Unlisted       int // how many more took part
	Omitted        int // how many older messages are left out
	Messages       []SummaryMessage
}

// A SummaryParticipant is one who took part.
type SummaryParticipant struct {
	Name string // the name, else the address, else ""
	Type string // as [Participant.Type]
	Role string // contact, AI agent, person, automation, program or participant
}

// A SummaryMessage is one message.
type SummaryMessage struct {
	At      time.Time // in the zone; zero if Bird tells none
	From    SummaryParticipant
	Type    string // of its body: text, image, …
	Subject string // of an e-mail
	Text    string // lines end in "\n"
	Cut     bool   // the text goes on
	Files   []string
	// Failure says why the customer did not get it: sending failed, delivery
	// failed, rejected, skipped, or "".
	Failure string
}

// What a summary holds of names and lists at the most.
const (
	maxName   = 80 // characters
	maxListed = 12 // participants; files of a message
)

// roles says what the types of participants mean to people.
var roles = map[string]string{
	ContactParticipant: "contact", BotParticipant: "AI agent", UserParticipant: "person",
	FlowParticipant: "automation", AccessKeyParticipant: "program",
}

// rank is the order in which participants are listed.
var rank = map[string]int{ContactParticipant: -3, BotParticipant: -2, UserParticipant: -1}

// String returns the name and the role, such as "Jane Doe (contact)".
func (p SummaryParticipant) String() string {
	if p.Name == "" {
		return p.Role
	}
	return p.Name + " (" + p.Role + ")"
}

// Lines returns the text's lines.
func (m SummaryMessage) Lines() []string { return strings.Split(m.Text, "\n") }

// newest returns the summary with its n newest messages.
func (s *Summary) newest(n int) *Summary {
	part := *s
	part.Omitted = s.Omitted + len(s.Messages) - n
	part.Messages = s.Messages[len(s.Messages)-n:]
	return &part
}

// cut returns the summary with the first n bytes of its only message's text,
// or a little less.
func (s *Summary) cut(n int) *Summary {
	part := *s
	m := s.Messages[0]
	whole := m.Text
	m.Text = whole[:boundary(whole, n)]
	m.Cut = len(m.Text) < len(whole)
	part.Messages = []SummaryMessage{m}
	return &part
}

// people are the participants by the key that tells them apart.
type people struct {
	order []string
	known map[string]SummaryParticipant
}

func personKey(p *Participant) string {
	if p.ID != "" {
		return p.ID
	}
	return p.Type + "\x00" + cmp.Or(p.Name, p.IdentifierValue)
}

// peopleOf collects who took part, from wherever the thread tells of them.
func peopleOf(t Thread, messages []Message) *people {
	p := &people{known: map[string]SummaryParticipant{}}
	c := &t.Conversation
	for _, one := range slices.Concat(t.Participants, []Participant{c.Initiator}, c.Featured) {
		p.add(&one)
	}
	for i := range messages {
		p.add(&messages[i].Sender)
	}
	return p
}

// add learns of a participant; what is known already stays.
func (p *people) add(one *Participant) {
	if one.ID+one.Type+one.Name+one.IdentifierValue == "" {
		return
	}
	key := personKey(one)
	known, seen := p.known[key]
	if !seen {
		p.order = append(p.order, key)
	}
	kind := cmp.Or(known.Type, one.Type)
	p.known[key] = SummaryParticipant{
		Name: cmp.Or(known.Name, short(one.Name, maxName), short(one.IdentifierValue, maxName)),
		Type: kind, Role: cmp.Or(roles[kind], "participant"),
	}
}

// listed returns all, contacts first, then AI agents, then persons.
func (p *people) listed() []SummaryParticipant {
	var all []SummaryParticipant
	for _, key := range p.order {
		all = append(all, p.known[key])
	}
	slices.SortStableFunc(all, func(a, b SummaryParticipant) int { return rank[a.Type] - rank[b.Type] })
	return all
}

// message prepares one message.
func (s *Summarizer) message(m *Message, all *people) SummaryMessage {
	out := SummaryMessage{
		From: all.known[personKey(&m.Sender)], Type: short(m.Body.Type, maxName), Subject: short(m.Body.Subject, maxName),
		Text: clean(m.Body.words()),
	}
	if MessageStatus(m.Status).Failed() {
		out.Failure = strings.ReplaceAll(m.Status, "_", " ")
	}
	if !m.CreatedAt.IsZero() {
		out.At = m.CreatedAt.In(s.opts.Location)
	}
	if out.From.Role == "" {
		out.From.Role = "participant"
	}
	for _, f := range m.Body.Files {
		out.Files = append(out.Files, fileName(f))
	}
	if n := len(out.Files); n > maxListed {
		out.Files = append(out.Files[:maxListed], "…")
	}
	return out
}

// fileName returns the name by which people know a file. Addresses are no
// names: they may hold a token.
func fileName(f File) string {
	if name := short(f.Name, maxName); name != "" && !strings.Contains(name, "://") {
		return name
	}
	kind, _, _ := strings.Cut(f.ContentType, "/")
	switch kind {
	case "image", "video", "audio":
		return kind
	}
	return "file"
}
