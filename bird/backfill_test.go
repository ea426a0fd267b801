package bird_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/internal/simhttp"
	"github.com/urbanhub/crmsync/sync"
)

func factIDs(facts []sync.Fact) []string {
	var ids []string
	for _, f := range facts {
		ids = append(ids, f.ID)
	}
	return ids
}

// TestBackfilledFactsAreTheLiveOnes lets the webhooks tell a story and then
// reads it back: the facts have the same ids, and no others.
func TestBackfilledFactsAreTheLiveOnes(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, first string) {
		s.DeleteConversation(first) // nobody listened yet
		in := &inbox{}
		hooks := simhttp.Pipe(http.Handler(receiver(t, in)))
		defer hooks.Close()
		s.SetWebhookClient(hooks.Client())
		s.Proxy(hookURL, hooks.URL)
		for _, event := range []string{"conversation.created", "conversation.updated", "whatsapp.inbound", "whatsapp.outbound"} {
			s.Subscribe(event, hookURL, hookKey)
		}
		tell := func(what func()) {
			what()
			if err := s.WaitWebhooks(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		var conversation string
		tell(func() {
			conversation, _ = s.ContactWrites(birdtest.DefaultChannel, contact, "Is the two-bedroom still available?")
		})
		tell(func() { s.BotSays(conversation, "It is.") })
		tell(func() { s.Say(conversation, birdtest.Saying{Body: birdtest.TextBody("note"), Draft: true}) })
		middle := time.Now()
		tell(func() { s.AgentSays(conversation, "When would you like to see it?") })
		tell(func() { s.ContactSays(conversation, "On Friday") })
		tell(func() { s.CloseConversation(conversation) })

		live := factIDs(in.facts())
		slices.Sort(live)
		live = slices.Compact(live)
		facts := must[[]sync.Fact](t)(a.History(t.Context(), ref(contact), time.Time{}))
		got := factIDs(facts)
		equal(t, "oldest first", slices.IsSortedFunc(facts, func(x, y sync.Fact) int { return x.OccurredAt.Compare(y.OccurredAt) }), true)
		slices.Sort(got)
		equal(t, "ids", got, live)

		var story [][]any
		for _, f := range facts {
			story = append(story, []any{f.Type, f.Subject.ID == contact, f.Data["conversation_id"] == conversation, f.Data["sender_type"], f.Data["text"], f.Data["conversation_status"]})
		}
		equal(t, "story", story, [][]any{
			{"conversation.started", true, true, nil, nil, nil},
			{"message.received", true, true, "contact", "Is the two-bedroom still available?", nil},
			{"message.sent", true, true, "bot", "It is.", nil},
			{"escalation.triggered", true, true, nil, nil, nil},
			{"message.sent", true, true, "user", "When would you like to see it?", nil},
			{"message.received", true, true, "contact", "On Friday", nil},
			{"conversation.closed", true, true, nil, nil, "closed"},
		})

		var since []string
		for _, f := range must[[]sync.Fact](t)(a.History(t.Context(), ref(contact), middle)) {
			since = append(since, f.Type)
		}
		equal(t, "since the middle", since, []string{"escalation.triggered", "message.sent", "message.received", "conversation.closed"})
		calls := s.Log().Calls("/messages")
		equal(t, "since the end", []any{len(must[[]sync.Fact](t)(a.History(t.Context(), ref(contact), time.Now()))), s.Log().Calls("/messages") - calls}, []any{0, 0})
	})
}

// TestAClosingIsTheSameWithoutItsLastMessage, which Bird's lists may leave out.
func TestAClosingIsTheSameWithoutItsLastMessage(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, conversation string) {
		last := s.ContactSays(conversation, "Bye")
		time.Sleep(time.Hour)
		said := time.Now()
		s.CloseConversation(conversation)
		c, _ := s.Conversation(conversation)
		s.Faults().Add(birdtest.Fault{Path: "/participants/" + contact, Status: 200, Body: `{"results":[{"id":"` + conversation + `","status":"closed","updatedAt":"` + c.UpdatedAt.Format(time.RFC3339Nano) + `"}]}`})
		for _, since := range []time.Time{{}, said} {
			facts := must[[]sync.Fact](t)(a.History(t.Context(), ref(contact), since))
			closing := facts[len(facts)-1]
			equal(t, "closing", []any{closing.ID, closing.OccurredAt.Equal(c.UpdatedAt)}, []any{"bird:conversation.closed:" + conversation + ":" + last, true})
		}
	})
}

func TestBackfillOfNothing(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	equal(t, "facts", len(must[[]sync.Fact](t)(a.History(t.Context(), ref(id), time.Time{}))), 0)
	_, err := a.History(t.Context(), sync.Ref{System: bird.System, Kind: "deal", ID: id}, time.Time{})
	failure(t, err, sync.Fatal)
	s.Down(true)
	_, err = a.History(t.Context(), ref(id), time.Time{})
	failure(t, err, sync.Retry)
}

// TestBackfillGivesWayToLiveReads fills the GETs of the workspace with the
// histories of many contacts and measures what a live read waits.
func TestBackfillGivesWayToLiveReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client()})
		if err != nil {
			t.Fatal(err)
		}
		ids := s.Fill(200)
		for _, id := range ids {
			s.ContactSays(s.StartConversation(id), "Hello")
		}
		start := time.Now()
		var g errgroup.Group
		for _, id := range ids {
			g.Go(func() error {
				facts, err := a.History(t.Context(), ref(id), time.Time{})
				equal(t, "facts", len(facts), 2)
				return err
			})
		}
		worst := time.Duration(0)
		for range 50 {
			time.Sleep(100 * time.Millisecond)
			before := time.Now()
			read(t, a, ids[0])
			worst = max(worst, time.Since(before))
		}
		if worst > 100*time.Millisecond {
			t.Errorf("a live read waited %v behind the backfill", worst)
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 8*time.Second || took > 20*time.Second {
			t.Errorf("400 calls of backfill took %v at 40 a second", took)
		}
		equal(t, "refusals", s.Log().Count(func(c birdtest.Call) bool { return c.Status == 429 }), 0)
	})
}
