package bird

import (
	"cmp"
	"errors"
	htmltemplate "html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"
	"unicode/utf16"

	"github.com/urbanhub/crmsync/sync"
)

// SummaryOptions adjusts a [Summarizer]. The zero value and nil mean the
// defaults.
type SummaryOptions struct {
	// Location is the zone in which times are written, best the account's;
	// nil is UTC.
	Location *time.Location
	// MaxLength is the greatest length of a summary, markup included; 0 is
	// 65,536, the most that HubSpot's note body takes. It is counted in UTF-16
	// units, which are never fewer than the characters however those are
	// counted. See
	// https://developers.hubspot.com/docs/api-reference/latest/crm/activities/notes/guide.
	MaxLength int
	// ConversationURL returns the address at which a person can read the
	// conversation; it is linked from the summary and from its media, whose
	// own addresses open for access keys only. Nil links nothing, and so does
	// an address that is not http or https.
	ConversationURL func(conversationID string) string
	// HTML and Text replace the templates; they are given a [*Summary].
	// The package html/template escapes what is inserted, so that no message
	// can add markup of its own; texts must not be converted to template.HTML.
	HTML *htmltemplate.Template
	Text *texttemplate.Template
}

// maxSummary is the length of HubSpot's longest texts.
const maxSummary = 65_536

// A Summarizer writes conversations down for people to read on a record's
// timeline. What it writes depends on the thread and the options alone. It is
// safe for concurrent use.
//
// Drafts, which are internal notes, are left out, and messages that did not
// reach the customer are marked. A summary that would be too long keeps the
// newest messages and says how many it leaves out; if not even the newest one
// fits, that one is cut, and marked so.
type Summarizer struct {
	opts SummaryOptions
}

// NewSummarizer returns a Summarizer. The error is a [*sync.Error] that names
// the wrong option.
func NewSummarizer(opts *SummaryOptions) (*Summarizer, error) {
	s := &Summarizer{}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.MaxLength < 0 {
		return nil, misconfigured("summary.length", "give the greatest length in characters, or 0 for 65,536")
	}
	s.opts.MaxLength = cmp.Or(s.opts.MaxLength, maxSummary)
	s.opts.Location = cmp.Or(s.opts.Location, time.UTC)
	s.opts.HTML = cmp.Or(s.opts.HTML, defaultHTML)
	s.opts.Text = cmp.Or(s.opts.Text, defaultText)
	return s, nil
}

// SummarySubject returns the subject of the activity for an event, such as
// "AI Agent Activity: tour.scheduled".
func SummarySubject(eventType string) string {
	return "AI Agent Activity: " + short(eventType, 100)
}

// HTML returns the thread as HTML for the body of an activity. The error is a
// [*sync.Error]: the template failed, or nothing fits into the length.
func (s *Summarizer) HTML(t Thread) (string, error) { return s.fit(s.opts.HTML, t) }

// Text returns the thread as plain text; its errors are those of HTML.
func (s *Summarizer) Text(t Thread) (string, error) { return s.fit(s.opts.Text, t) }

// executor is what the two kinds of templates have in common.
type executor interface {
	Execute(w io.Writer, data any) error
}

// fit renders as much of the thread as the length allows.
func (s *Summarizer) fit(template executor, t Thread) (string, error) {
	whole := s.summary(t)
	r := rendering{template: template, limit: s.opts.MaxLength}
	n := most(len(whole.Messages), func(n int) bool { return r.try(whole.newest(n)) })
	if n == 0 && len(whole.Messages) > 0 {
		last := whole.newest(1)
		most(len(last.Messages[0].Text), func(n int) bool { return r.try(last.cut(n)) })
	}
	switch {
	case r.err != nil:
		return "", summaryError(t, "summary.template", "mend the template; it is given a *bird.Summary", r.err)
	case !r.fits:
		return "", summaryError(t, "summary.length", "allow more characters, or use a template with less around the messages",
			errors.New("not even one message fits"))
	}
	return r.out, nil
}

func summaryError(t Thread, rule, hint string, cause error) error {
	return &sync.Error{Op: "bird: summarize", Action: sync.Fatal, Ref: conversationRef(t.Conversation.ID),
		Rule: rule, Hint: hint, Err: cause}
}

// A rendering remembers the last output that fits.
type rendering struct {
	template executor
	limit    int
	out      string
	fits     bool
	err      error
}

// try renders the summary and reports whether it fits.
func (r *rendering) try(s *Summary) bool {
	var b strings.Builder
	if err := r.template.Execute(&b, s); err != nil {
		r.err = errors.New("the template cannot be executed") // its own words may repeat a message
		return false
	}
	if length(b.String()) > r.limit {
		return false
	}
	r.out, r.fits = b.String(), true
	return true
}

// length counts UTF-16 units.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// most returns the greatest n up to limit for which ok holds, given that it
// holds for all below one for which it does. It asks for ever greater n as
// long as ok holds, and begins with few, so that no more is rendered than
// about twice what fits.
func most(limit int, ok func(int) bool) int {
	low, high := -1, limit+1
	for step := 1; low+step < high; step *= 2 {
		if !ok(low + step) {
			high = low + step
			break
		}
		low += step
	}
	for low+1 < high {
		if middle := low + (high-low)/2; ok(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return max(low, 0)
}

// conversationURL returns the address of the conversation, "" if there is none
// that a browser should open.
func (s *Summarizer) conversationURL(id string) string {
	if s.opts.ConversationURL == nil || id == "" {
		return ""
	}
	address := s.opts.ConversationURL(id)
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(address) > 2000 {
		return ""
	}
	return u.Scheme + address[len(u.Scheme):] // in lower case, as HubSpot's editor knows it
}

// summary prepares what the templates show.
func (s *Summarizer) summary(t Thread) *Summary {
	messages := delivered(t.Messages)
	people := peopleOf(t, messages)
	c := &t.Conversation
	out := &Summary{
		ConversationID: c.ID, Title: short(c.Name, maxName), Status: short(c.Status, maxName),
		Note: short(c.Summary, 1000), URL: s.conversationURL(c.ID), Zone: s.opts.Location.String(),
		Participants: people.listed(),
	}
	if n := len(out.Participants); n > maxListed {
		out.Participants, out.Unlisted = out.Participants[:maxListed], n-maxListed
	}
	for i := range messages {
		out.Messages = append(out.Messages, s.message(&messages[i], people))
	}
	return out
}

// delivered returns the messages but the drafts, each once as it was last,
// oldest first.
func delivered(messages []Message) []Message {
	kept := slices.DeleteFunc(slices.Clone(messages), func(m Message) bool { return m.Draft })
	slices.SortStableFunc(kept, func(a, b Message) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID), b.UpdatedAt.Compare(a.UpdatedAt))
	})
	return slices.CompactFunc(kept, func(a, b Message) bool { return a.ID != "" && a.ID == b.ID })
}
