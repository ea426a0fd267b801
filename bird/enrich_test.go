package bird_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// partly is the fact of a message as far as an event told it.
func partly(data map[string]any) sync.Fact {
	return sync.Fact{ID: "bird:message.sent:m", Type: "message.sent", Subject: ref("c1"), Data: data}
}

func TestEnrichReadsWhatIsMissing(t *testing.T) {
	s, a := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	message := s.InboxSays(talk, "I will show you around.")
	const channel = birdtest.DefaultChannel
	whole := map[string]any{"conversation_id": talk, "channel_id": channel, "platform": "whatsapp", "message_id": message,
		"message_status": "read", "sender_type": "user", "text": "I will show you around."}
	with := func(changes map[string]any) map[string]any {
		data := map[string]any{}
		for k, v := range whole {
			data[k] = v
		}
		for k, v := range changes {
			data[k] = v
		}
		return present(data)
	}
	for name, tt := range map[string]struct {
		told, want map[string]any
		calls      int
	}{
		"whole":                     {whole, whole, 0},
		"no text":                   {with(map[string]any{"text": "", "sender_type": ""}), whole, 1},
		"preview":                   {with(map[string]any{"text": "I will", "preview": "true"}), whole, 1},
		"the status moved":          {with(map[string]any{"text": "", "message_status": "sent"}), whole, 1},
		"no conversation":           {with(map[string]any{"text": "", "conversation_id": ""}), whole, 2},
		"another conversation":      {with(map[string]any{"text": "", "conversation_id": "v1", "sender_type": ""}), with(map[string]any{"sender_type": ""}), 2},
		"gone":                      {with(map[string]any{"text": "", "message_id": "m1"}), with(map[string]any{"text": "", "message_id": "m1"}), 2},
		"gone, preview":             {with(map[string]any{"preview": "true", "message_id": "m1"}), with(map[string]any{"preview": "true", "message_id": "m1"}), 2},
		"no message":                {with(map[string]any{"text": "", "message_id": ""}), with(map[string]any{"text": "", "message_id": ""}), 0},
		"no place":                  {map[string]any{"message_id": message}, map[string]any{"message_id": message}, 0},
		"a status before":           {with(map[string]any{"text": "", "message_status": "delivered"}), whole, 1},
		"only the platform missing": {with(map[string]any{"platform": ""}), whole, 1},
		"an unknown channel":        {with(map[string]any{"platform": "", "channel_id": "ch1"}), with(map[string]any{"platform": "", "channel_id": "ch1"}), 1},
	} {
		s.Log().Reset()
		fresh := attach(t, s)
		told := with(tt.told)
		got, err := fresh.Enrich(context.Background(), partly(tt.told))
		equal(t, name, []any{err, got.ID, got.Data}, []any{nil, "bird:message.sent:m", any(tt.want)})
		equal(t, name+": calls", len(s.Log().Entries()), tt.calls)
		equal(t, name+": what was given stays", with(tt.told), told)
	}
	s.Log().Reset()
	for range 3 {
		if _, err := a.Enrich(context.Background(), partly(with(map[string]any{"platform": ""}))); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "a channel is asked for once", len(s.Log().Find("GET", "/workspaces/*/channels/"+channel)), 1)
}

// TestEnrichTellsWhatWasSaid up to the fact, for facts that are about more than
// one message.
func TestEnrichTellsWhatWasSaid(t *testing.T) {
	s, plain := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	s.ContactSays(talk, "Is <b>it</b> free?")
	s.BotSays(talk, "It is.")
	messages, err := plain.Messages(t.Context(), talk, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	booked := messages[len(messages)-1].CreatedAt
	s.SetSkew(time.Minute)
	s.ContactSays(talk, "Something later")

	summarizer, err := bird.NewSummarizer(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Summary: summarizer})
	if err != nil {
		t.Fatal(err)
	}
	tour := sync.Fact{ID: "tour", Type: "tour.scheduled", Subject: ref("c1"), OccurredAt: booked, Data: map[string]any{"conversation_id": talk}}
	got, err := a.Enrich(t.Context(), tour)
	summary, _ := got.Data["summary"].(string)
	if err != nil || !strings.Contains(summary, "Is <b>it</b> free?") || !strings.Contains(summary, "It is.") || strings.Contains(summary, "later") {
		t.Errorf("the summary is %q, %v", summary, err)
	}
	for name, f := range map[string]sync.Fact{
		"another conversation": {Type: tour.Type, Subject: tour.Subject, Data: map[string]any{"conversation_id": "v1"}},
		"none":                 {Type: tour.Type, Subject: tour.Subject},
	} {
		if got, err := a.Enrich(t.Context(), f); err != nil || got.Data["summary"] != nil {
			t.Errorf("%s: %v, %v", name, got.Data, err)
		}
	}
	if got, err := plain.Enrich(t.Context(), tour); err != nil || got.Data["summary"] != nil {
		t.Errorf("without Options.Summary: %v, %v", got.Data, err)
	}
}

// TestEnrichWaitsForTheMessage, which Bird tells of before it shows it; one that
// never comes is waited for in vain.
func TestEnrichWaitsForTheMessage(t *testing.T) {
	for name, tt := range map[string]struct {
		early birdtest.Fault
		text  any
		took  time.Duration
	}{
		"shown at once":   {birdtest.Fault{Path: "/nothing"}, "I will show you around.", 0},
		"not there yet":   {birdtest.Fault{Path: "/messages/", Count: 3, Status: 404}, "I will show you around.", 6 * time.Second},
		"nothing said":    {birdtest.Fault{Path: "/messages/", Count: 1, Status: 200, Body: `{"id":"m1"}`}, "I will show you around.", 2 * time.Second},
		"never to appear": {birdtest.Fault{Path: "/messages/", Status: 404}, nil, 30 * time.Second},
	} {
		talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
			f, began := partly(map[string]any{"message_id": s.InboxSays(conversation, "I will show you around."), "conversation_id": conversation}), time.Now()
			f.OccurredAt = began
			s.Faults().Add(tt.early)
			got, err := a.Enrich(t.Context(), f)
			for e, ok := errors.AsType[*sync.Error](err); ok && e.Action == sync.RetryAt; e, ok = errors.AsType[*sync.Error](err) {
				time.Sleep(time.Until(e.RetryAt))
				got, err = a.Enrich(t.Context(), f)
			}
			equal(t, name, []any{err, got.Data["text"], time.Since(began).Round(time.Second)}, []any{nil, tt.text, tt.took})
		})
	}
}

// TestEnrichOfAnEMailWithoutText reads its HTML; of what has no words at all
// the preview stays, and is called one.
func TestEnrichOfAnEMailWithoutText(t *testing.T) {
	s, a := connect(t, nil)
	conversation := s.StartConversation(create(t, s, map[string]any{"email": "jane@example.com"}))
	for body, want := range map[string]map[string]any{
		`{"type":"html","html":{"html":"<p>Is it <b>free</b>?</p>"}}`: {"text": "Is it free?"},
		`{"type":"image","image":{"images":[]}}`:                      {"text": "A picture", "preview": "true"},
	} {
		s.Faults().Add(birdtest.Fault{Path: "/messages/m1", Count: 1, Status: 200, Body: `{"id":"m1","body":` + body + `}`})
		f, err := a.Enrich(t.Context(), partly(map[string]any{"message_id": "m1", "conversation_id": conversation, "text": "A picture", "preview": "true"}))
		equal(t, body, []any{err, f.Data["text"], f.Data["preview"]}, []any{nil, want["text"], want["preview"]})
	}
}

func TestEnrichLeavesOtherFactsAlone(t *testing.T) {
	s, a := connect(t, nil)
	for _, f := range []sync.Fact{
		{ID: "1", Type: "tour.scheduled", Subject: ref("c1"), Data: map[string]any{"message_id": "m1", "channel_id": 7}},
		{ID: "2", Type: "message.sent", Subject: sync.Ref{System: "crm", Kind: "contact", ID: "1"}, Data: map[string]any{"message_id": "m1", "conversation_id": "v1"}},
		{ID: "3", Type: "conversation.started", Subject: ref("c1")},
	} {
		got, err := a.Enrich(context.Background(), f)
		equal(t, f.ID, []any{err, got}, []any{nil, f})
	}
	equal(t, "calls", len(s.Log().Entries()), 0)
}

func TestEnrichIsRepeatedWhenBirdFails(t *testing.T) {
	s, a := connect(t, nil)
	s.Down(true)
	for name, data := range map[string]map[string]any{
		"message":  {"message_id": "m1", "conversation_id": "v1"},
		"channel":  {"message_id": "m1", "channel_id": "ch1"},
		"platform": {"message_id": "m1", "channel_id": "ch1", "text": "Hello"},
	} {
		f := partly(data)
		got, err := a.Enrich(context.Background(), f)
		failure(t, err, sync.Retry)
		equal(t, name, got, f)
	}
}

// present drops empty texts.
func present(data map[string]any) map[string]any {
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	return data
}
