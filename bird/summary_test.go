package bird_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"html"
	htmltemplate "html/template"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

var update = flag.Bool("update", false, "write the golden files of the summaries anew")

var bogota = time.FixedZone("America/Bogota", -5*60*60)

func summarizer(t testing.TB, opts bird.SummaryOptions) *bird.Summarizer {
	t.Helper()
	s, err := bird.NewSummarizer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func htmlOf(t testing.TB, s *bird.Summarizer, thread bird.Thread) string {
	t.Helper()
	out, err := s.HTML(thread)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func said(from bird.Participant, minute int, text string) bird.Message {
	return bird.Message{ID: fmt.Sprintf("m%03d", minute), Sender: from, Status: "delivered",
		Body:      bird.Body{Type: "text", Text: text},
		CreatedAt: time.Date(2026, 1, 22, 4, minute, 0, 0, time.UTC)}
}

var (
	jane  = bird.Participant{ID: "c1", Type: bird.ContactParticipant, Name: "Jane Doe", IdentifierValue: "+573000000001"}
	maya  = bird.Participant{ID: "b1", Type: bird.BotParticipant, Name: "Maya"}
	carla = bird.Participant{ID: "u1", Type: bird.UserParticipant, Name: "Carla Example"}
)

// tourThread is a conversation with one of everything.
func tourThread() bird.Thread {
	with := func(m bird.Message, edit func(m *bird.Message)) bird.Message {
		edit(&m)
		return m
	}
	return bird.Thread{
		Conversation: bird.Conversation{ID: "v1", Status: "active", Name: "Loft & patio", Summary: "Wants a two-bedroom.",
			Featured: []bird.Participant{maya, jane}},
		Messages: []bird.Message{
			with(said(carla, 9, "Hi Jane, Carla here.\r\nSunday at 10?"), func(m *bird.Message) { m.Status = "read" }),
			said(jane, 1, "Is the <b>two-bedroom</b> still available? 👩‍👩‍👧 \"yes\" & 'no'"),
			said(maya, 2, "Yes!"),
			with(said(maya, 2, "Yes!"), func(m *bird.Message) { m.Status = "processing" }), // seen twice
			with(said(maya, 3, "Internal: she seems keen"), func(m *bird.Message) { m.Draft = true }),
			with(said(maya, 4, "Here is the plan"), func(m *bird.Message) { m.Status = "delivery_failed" }),
			with(said(jane, 5, "My papers"), func(m *bird.Message) {
				m.Body.Type = "file"
				m.Body.Files = []bird.File{{Name: "pay slip.pdf", URL: "https://media.api.bird.com/x?token=secret"},
					{Name: "https://media.api.bird.com/y?token=secret", ContentType: "image/png"}, {URL: "https://media.api.bird.com/z"}}
			}),
			with(said(jane, 6, ""), func(m *bird.Message) {
				m.Body = bird.Body{Type: "html", Subject: "Re: tour", HTML: "<style>p{}</style><p>Good &lt;day&gt;</p><p>Jane<br>Doe</p>"}
			}),
			with(said(jane, 7, ""), func(m *bird.Message) { m.Body.Type = "location" }),
			said(bird.Participant{Type: bird.FlowParticipant}, 8, "مرحبا שלום"),
		},
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, file, got, string(want))
}

func TestSummary(t *testing.T) {
	s := summarizer(t, bird.SummaryOptions{Location: bogota,
		ConversationURL: func(id string) string { return "https://inbox.example.com/conversations/" + id + "?a=1&b=2" }})
	thread := tourThread()
	golden(t, "summary.html", htmlOf(t, s, thread))
	text, err := s.Text(thread)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "summary.txt", text)
	slices.Reverse(thread.Messages)
	golden(t, "summary.html", htmlOf(t, s, thread))
	for _, secret := range []string{"token", "media.api", "Internal", "style", "p{}"} {
		if strings.Contains(text+htmlOf(t, s, thread), secret) {
			t.Errorf("the summary tells %q", secret)
		}
	}
}

func TestSummaryOfAnAnswerOfBird(t *testing.T) {
	var list struct {
		Results []bird.Message `json:"results"`
	}
	if err := json.Unmarshal([]byte(payload(t, "payloads/conversation-messages-list-response")), &list); err != nil {
		t.Fatal(err)
	}
	var c bird.Conversation
	if err := json.Unmarshal([]byte(payload(t, "payloads/conversation-get-live")), &c); err != nil {
		t.Fatal(err)
	}
	golden(t, "summary-answer.html", htmlOf(t, summarizer(t, bird.SummaryOptions{}), bird.Thread{Conversation: c, Messages: list.Results}))
}

// TestSummaryKeepsTheNewest gives more messages than fit.
func TestSummaryKeepsTheNewest(t *testing.T) {
	thread := bird.Thread{Conversation: bird.Conversation{ID: "v1"}}
	for i := range 59 {
		thread.Messages = append(thread.Messages, said(jane, i, fmt.Sprintf("number %d %s", i, strings.Repeat("<&>", 700))))
	}
	out := htmlOf(t, summarizer(t, bird.SummaryOptions{}), thread)
	shown := strings.Count(out, "number ")
	equal(t, "in the middle", shown > 5 && shown < 50, true)
	for i := range 59 {
		equal(t, fmt.Sprint("number ", i), strings.Contains(out, fmt.Sprintf("number %d ", i)), i >= 59-shown)
	}
	equal(t, "what is left out", strings.Contains(out, fmt.Sprintf("[%d earlier messages are left out]", 59-shown)), true)
	equal(t, "almost full", units(out) <= 65_536 && units(out) > 65_536-10_000, true)
	allowed(t, out)
}

// TestSummaryCutsOneLongMessage in such a way that what is seen as one
// character stays whole.
func TestSummaryCutsOneLongMessage(t *testing.T) {
	for name, unit := range map[string]string{
		"ascii": "a", "escaped": "&", "accent": "e\u0301\u0323", "family": "👩‍👩‍👧‍👦", "skin": "👍🏽", "flag": "🇨🇴", "rtl": "שָׁ", "lines": "x\n",
	} {
		text := strings.Repeat(unit, 70_000/utf8.RuneCountInString(unit)+1)
		thread := bird.Thread{Messages: []bird.Message{said(jane, 1, "older"), said(maya, 2, text)}}
		out := htmlOf(t, summarizer(t, bird.SummaryOptions{}), thread)
		allowed(t, out)
		equal(t, name+" fits", units(out) <= 65_536 && units(out) > 65_000, true)
		equal(t, name+" older", strings.Contains(out, "[1 earlier message is left out]"), true)
		_, rest, _ := strings.Cut(out, "(AI agent)</strong>")
		kept, _, marked := strings.Cut(rest, " <strong>[the rest of this message is left out]</strong>")
		equal(t, name+" is marked", marked, true)
		kept = strings.TrimPrefix(html.UnescapeString(strings.ReplaceAll(kept, "<br>", "\n")), "\n")
		if strings.Trim(strings.ReplaceAll(kept, unit, ""), "x\n") != "" {
			t.Errorf("%s: parted at %q", name, kept[max(0, len(kept)-30):])
		}
	}
}

func TestSummaryOptions(t *testing.T) {
	thread := tourThread()
	custom := htmltemplate.Must(htmltemplate.New("").Parse(`{{range .Messages}}<p title="{{.From.Name}}">{{.Text}}</p>{{end}}`))
	out := htmlOf(t, summarizer(t, bird.SummaryOptions{HTML: custom}), thread)
	equal(t, "a host's template", strings.HasPrefix(out, `<p title="Jane Doe">Is the &lt;b&gt;two-bedroom`), true)

	for _, address := range []string{"javascript:alert(1)", "ftp://example.com", "//example.com", "https:example", "https://x/" + strings.Repeat("a", 3000), "%"} {
		out := htmlOf(t, summarizer(t, bird.SummaryOptions{ConversationURL: func(string) string { return address }}), thread)
		equal(t, address, strings.Contains(out, "href"), false)
	}
	_, err := bird.NewSummarizer(&bird.SummaryOptions{MaxLength: -1})
	equal(t, "rule", failure(t, err, sync.Fatal).Rule, "summary.length")
	_, err = summarizer(t, bird.SummaryOptions{MaxLength: 10}).HTML(thread)
	equal(t, "rule", failure(t, err, sync.Fatal).Rule, "summary.length")
	broken := htmltemplate.Must(htmltemplate.New("").Parse(`{{range .Messages}}{{index .Text 1000000}}{{end}}`))
	_, err = summarizer(t, bird.SummaryOptions{HTML: broken}).HTML(thread)
	equal(t, "rule", failure(t, err, sync.Fatal).Rule, "summary.template")
	equal(t, "subject", bird.SummarySubject("tour.scheduled\n"), "AI Agent Activity: tour.scheduled")
}

// TestSummaryBoundsNamesAndLists, so that a crowd leaves room for what is said.
func TestSummaryBoundsNamesAndLists(t *testing.T) {
	thread := bird.Thread{Messages: []bird.Message{said(jane, 1, "Hi")}}
	for i := range 30 {
		thread.Participants = append(thread.Participants, bird.Participant{ID: fmt.Sprint(i), Type: "user", Name: strings.Repeat("é", 500)})
		thread.Messages[0].Body.Files = append(thread.Messages[0].Body.Files, bird.File{Name: strings.Repeat("<", 500) + ".pdf"})
	}
	out := htmlOf(t, summarizer(t, bird.SummaryOptions{}), thread)
	equal(t, "contacts first, the others counted", strings.HasPrefix(out, "<p>Jane Doe (contact), é") && strings.Contains(out, "… (person) and 19 more</p>"), true)
	equal(t, "files", strings.Count(out, "<br>["), 13)
	equal(t, "length", units(out) < 10_000, true)
	allowed(t, out)
}

func TestSummaryOfNothing(t *testing.T) {
	s, err := bird.NewSummarizer(nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "nothing", htmlOf(t, s, bird.Thread{}), "<p><em>Times: UTC.</em></p>\n")
	equal(t, "nobody", htmlOf(t, s, bird.Thread{Messages: []bird.Message{{}}}),
		"<p><em>Times: UTC.</em></p>\n<p><strong>participant</strong><br>[no text]</p>\n")
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// The markup of the default template, and the entities html/template writes.
var (
	markup   = regexp.MustCompile(`^<(?:p|/p|br|em|/em|strong|/strong|/a|a href="https?://[^"<>\s]+")>`)
	entities = regexp.MustCompile(`^&(?:amp|lt|gt|#34|#39|#43);`)
)

// allowed fails for markup that is not the default template's: every "<"
// begins one of its tags, every "&" an entity, and the tags are balanced.
func allowed(t interface {
	Helper()
	Fatalf(string, ...any)
}, out string,
) {
	t.Helper()
	for i := range len(out) {
		switch {
		case out[i] == '<' && !markup.MatchString(out[i:]), out[i] == '&' && !entities.MatchString(out[i:]):
			t.Fatalf("foreign markup: %q", out[i:min(len(out), i+60)])
		}
	}
	d := xml.NewDecoder(strings.NewReader("<body>" + strings.ReplaceAll(out, "<br>", "<br/>") + "</body>"))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if e, ok := token.(xml.StartElement); ok && len(e.Attr) > 0 && (e.Name.Local != "a" || len(e.Attr) != 1) {
			t.Fatalf("foreign attributes on %s", e.Name.Local)
		}
	}
}

var nasty = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "{{.}}", "]]>", "<!--", "&lt;b&gt;", "&#x3c;",
		"javascript:alert(1)", "\u202Egnp.exe", "\x00\x1b[31m", "\xff<\xfe", "</p><p>", "<br>", "\r\n\r", "\uFEFF\uFFFE\uFFFF", "🇨🇴🇨", "a\u0301\u0301", "<plaintext>"}),
)

var participants = rapid.Custom(func(t *rapid.T) bird.Participant {
	return bird.Participant{ID: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "id"), Name: nasty.Draw(t, "name"),
		Type: rapid.SampledFrom([]string{"contact", "bot", "user", "flow", "accessKey", "<i>", ""}).Draw(t, "type"), IdentifierValue: nasty.Draw(t, "address")}
})

var messages = rapid.Custom(func(t *rapid.T) bird.Message {
	m := said(participants.Draw(t, "sender"), rapid.IntRange(0, 59).Draw(t, "minute"), strings.Repeat(nasty.Draw(t, "text"), rapid.IntRange(0, 300).Draw(t, "times")))
	m.ID = rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "id")
	m.Body.Type, m.Body.HTML, m.Body.Subject = nasty.Draw(t, "type"), nasty.Draw(t, "html"), nasty.Draw(t, "subject")
	m.Status = rapid.SampledFrom([]string{"read", "rejected", "<i>"}).Draw(t, "status")
	if rapid.Bool().Draw(t, "file") {
		m.Body.Files = []bird.File{{Name: nasty.Draw(t, "file name"), ContentType: nasty.Draw(t, "content type"), URL: nasty.Draw(t, "url")}}
	}
	return m
})

// TestSummaryLaws: no message adds markup, and the length holds, whatever
// people write.
func TestSummaryLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(4000, 20_000).Draw(t, "limit")
		url := rapid.OneOf(nasty, rapid.Just("https://inbox.example.com/")).Draw(t, "url")
		s, err := bird.NewSummarizer(&bird.SummaryOptions{MaxLength: limit, ConversationURL: func(string) string { return url + nasty.Draw(t, "tail") }})
		if err != nil {
			t.Fatal(err)
		}
		thread := bird.Thread{Messages: rapid.SliceOfN(messages, 0, 8).Draw(t, "messages"), Participants: rapid.SliceOfN(participants, 0, 3).Draw(t, "participants"),
			Conversation: bird.Conversation{ID: "v1", Name: nasty.Draw(t, "title"), Status: nasty.Draw(t, "status"), Summary: nasty.Draw(t, "note")}}
		out, err := s.HTML(thread)
		if err != nil {
			t.Fatal(err)
		}
		if units(out) > limit {
			t.Fatalf("%d characters of %d", units(out), limit)
		}
		allowed(t, out)
		if len(thread.Messages) > 0 && !strings.Contains(out, ":") {
			t.Fatalf("no message is left in %q", out)
		}
	})
}

func FuzzSummary(f *testing.F) {
	f.Add("Jane", "Is it <b>free</b>?", "<p>a</p>", "plan.pdf", "https://inbox.example.com/1", 3)
	f.Add("Jane", "Hi", "", "", "htTp://inbox.example.com", 1)
	f.Add("\u202E", "\x00👩‍👩‍👧\r\n", "<style><", "https://x/?t=1", "javascript:1", 900)
	f.Fuzz(func(t *testing.T, name, text, markup, file, url string, times int) {
		from := bird.Participant{Type: bird.ContactParticipant, Name: name}
		m := said(from, 1, strings.Repeat(text, max(0, min(times, 1000))))
		m.Body.HTML, m.Body.Files = markup, []bird.File{{Name: file, URL: url}}
		thread := bird.Thread{Conversation: bird.Conversation{ID: "v1", Name: name}, Messages: []bird.Message{m, said(maya, 2, text)}}
		s := summarizer(t, bird.SummaryOptions{MaxLength: 8000, ConversationURL: func(string) string { return url }})
		out := htmlOf(t, s, thread)
		allowed(t, out)
		if units(out) > 8000 || !utf8.ValidString(out) {
			t.Fatalf("%d characters", units(out))
		}
		if out != htmlOf(t, s, thread) {
			t.Fatal("not the same twice")
		}
		plain, err := s.Text(thread)
		if err != nil || units(plain) > 8000 {
			t.Fatal(units(plain), err)
		}
	})
}

// TestThread reads a conversation with more participants than Bird features.
func TestThread(t *testing.T) {
	s, a := connect(t, nil)
	id := s.StartConversation(create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane Doe"}))
	s.ContactSays(id, "Is it <b>free</b>?")
	s.BotSays(id, "Yes.")
	for _, name := range []string{"Ana", "Bea", "Carla", "Dora"} {
		s.Say(id, birdtest.Saying{From: birdtest.Participant{ID: s.AddAgent(name), Type: "user", Status: "active", DisplayName: name},
			Body: birdtest.TextBody("I am " + name)})
	}
	thread, err := a.Thread(t.Context(), id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	out := htmlOf(t, summarizer(t, bird.SummaryOptions{}), thread)
	for _, want := range []string{"Jane Doe (contact), ", "(AI agent)", "Is it &lt;b&gt;free&lt;/b&gt;?", "I am Dora", "Ana (person), Bea (person), Carla (person), Dora (person)"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	allowed(t, out)
	_, err = a.Thread(t.Context(), "nothing", time.Time{})
	failure(t, err, sync.NotFound)
}
