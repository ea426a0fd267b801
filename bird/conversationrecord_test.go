package bird_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

var talkNames = []string{"status", "name", "contact_id", "contact_name", "channel_id", "platform", "created_at",
	"attributes.ai_stage", "attributes.hubspot_deal_id"}

func talkRef(id string) sync.Ref {
	return sync.Ref{System: bird.System, Kind: bird.ConversationKind, ID: id}
}

// attachTalks returns an adapter that keeps conversations in step, too.
func attachTalks(t *testing.T, s *birdtest.Server) *bird.Adapter {
	t.Helper()
	a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Fields: names,
		GETPerSecond: 1000, POSTPerSecond: 1000, Conversations: talkNames})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// inTalk runs a test in a bubble with a workspace that has one contact in a
// conversation with a few attributes.
func inTalk(t *testing.T, opts *birdtest.Options, test func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, talk string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(opts)
		defer s.Close()
		contact := create(t, s, map[string]any{"msisdn": "+573019999999", "name": "Jane Doe"})
		talk := s.Open(birdtest.Opening{ContactID: contact, Name: "A tour",
			Attributes: map[string]string{"ai_stage": "qualified", "typingStatus": "end"}})
		test(t, s, attachTalks(t, s), contact, talk)
	})
}

func readTalk(t *testing.T, a *bird.Adapter, id string) sync.Record {
	t.Helper()
	got := must[[]sync.Record](t)(a.Read(t.Context(), bird.ConversationKind, []string{id}))
	return got[0]
}

func TestAConversationIsARecord(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, talk string) {
		const gone = "00000000-0000-4000-8000-000000000000"
		got := must[[]sync.Record](t)(a.Read(t.Context(), bird.ConversationKind, []string{talk, gone, "../x", talk}))
		now, _ := s.Conversation(talk)
		want := sync.Fields{"id": sync.Text(talk), "status": sync.Text("active"), "name": sync.Text("A tour"), "contact_id": sync.Text(contact),
			"contact_name": sync.Text("Jane Doe"), "channel_id": sync.Text(birdtest.DefaultChannel), "platform": sync.Text("whatsapp"),
			"created_at": sync.Text(now.CreatedAt.UTC().Format(time.RFC3339Nano)), "attributes.ai_stage": sync.Text("qualified")}
		equal(t, "fields", got[0].Fields, want)
		equal(t, "ref", got[0].Ref, talkRef(talk))
		equal(t, "doubled", got[3].Fields, want)
		equal(t, "updated", got[0].UpdatedAt.Equal(now.UpdatedAt), true)
		for _, i := range []int{1, 2} {
			equal(t, "gone", []any{got[i].Deleted, got[i].Ref.Kind, got[i].Fields == nil}, []any{true, bird.ConversationKind, true})
		}
		s.DeleteConversation(talk)
		equal(t, "deleted", readTalk(t, a, talk).Deleted, true)
		_, known := a.Snapshot(talkRef(talk), time.Time{})
		equal(t, "and forgotten", known, false)
		equal(t, "the channel is read once", s.Log().Calls("/channels/"), 1)
	})
}

// TestAConversationsContact is who began, or else the first contact, also one
// who is not among the five that are featured.
func TestAConversationsContact(t *testing.T) {
	const anna, ben = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
	person := func(id, kind, name string) string {
		return `{"id":"` + id + `","type":"` + kind + `","displayName":"` + name + `","contact":{"identifierKey":"phonenumber","identifierValue":"573000000001"}}`
	}
	four := strings.Repeat(person("u", "user", "U")+",", 4)
	for name, tt := range map[string]struct {
		conversation, participants string
		id, called                 string
		lists                      int
	}{
		"who began":                  {`"initiatingParticipant":` + person(anna, "contact", "Anna") + `,"featuredParticipants":[` + person(ben, "contact", "Ben") + `]`, "", anna, "Anna", 0},
		"who began, named elsewhere": {`"initiatingParticipant":` + person(anna, "contact", "") + `,"featuredParticipants":[` + person(anna, "contact", "Anna") + `]`, "", anna, "Anna", 0},
		"the first":                  {`"initiatingParticipant":` + person("f", "flow", "F") + `,"featuredParticipants":[` + person(ben, "contact", "Ben") + `,` + person(anna, "contact", "Anna") + `]`, "", ben, "Ben", 0},
		"nobody":                     {`"featuredParticipants":[` + person("f", "flow", "F") + `]`, "", "", "", 0},
		"a phone is no name":         {`"featuredParticipants":[` + person(ben, "contact", "+57 300 000 0001") + `]`, "", ben, "", 0},
		"who is not featured":        {`"featuredParticipants":[` + four + person("u", "user", "U") + `]`, four + person(ben, "contact", "Ben"), ben, "Ben", 1},
		"nobody in a crowd":          {`"featuredParticipants":[` + four + person("u", "user", "U") + `]`, four + person("u", "user", "U"), "", "", 1},
	} {
		inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
			s.Faults().Add(birdtest.Fault{Path: "/participants", Status: 200, Body: `{"results":[` + tt.participants + `]}`})
			s.Faults().Add(birdtest.Fault{Path: talk, Count: 1, Status: 200, Body: `{"id":"` + talk + `","status":"active",` + tt.conversation + `}`})
			got := readTalk(t, a, talk)
			equal(t, name, []string{got.Fields["contact_id"].String(), got.Fields["contact_name"].String()}, []string{tt.id, tt.called})
			equal(t, name, s.Log().Calls("/participants"), tt.lists)
		})
	}
}

func TestPublishedConversationsAreRecords(t *testing.T) {
	for file, nobody := range map[string]bool{"conversation-get-live": false, "conversation-get-all-fields": true} {
		inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
			body := payload(t, "payloads/"+file)
			s.Faults().Add(birdtest.Fault{Path: "/conversations/", Status: 200, Body: body})
			s.Faults().Add(birdtest.Fault{Path: "/channels/", Status: 404, Body: `{"code":"NotFound"}`})
			var told struct{ ID, Status string }
			if err := json.Unmarshal([]byte(body), &told); err != nil {
				t.Fatal(err)
			}
			got := readTalk(t, a, talk)
			equal(t, file, []string{got.ID, got.Fields["id"].String(), got.Fields["status"].String()}, []string{told.ID, told.ID, told.Status})
			equal(t, file, []bool{got.Fields["contact_id"].Blank(), got.Fields["created_at"].Blank()}, []bool{nobody, false})
		})
	}
}

func TestOnlyKnownFieldsOfConversationsAreRead(t *testing.T) {
	for name, known := range map[string]bool{"id": true, "status": true, "attributes.x": true, "stage": false, "attributes.": false, "msisdn": false} {
		a, err := bird.New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "key", &bird.Options{Conversations: []string{name}})
		if (err == nil) != known {
			t.Errorf("%s: %v", name, err)
		}
		if known {
			equal(t, "projection", a.Projection(bird.ConversationKind), []string{name})
		}
	}
	a, err := bird.New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "key", nil)
	if err != nil || a.Projection(bird.ConversationKind) != nil || a.Projection("deal") != nil {
		t.Error("more is read than was asked for", err)
	}
}

// TestAKeyThatSeesNoChannels shows when the platform is wanted, for it would
// look as if the conversation had none.
func TestAKeyThatSeesNoChannels(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
		s.Faults().Add(birdtest.Fault{Path: "/channels/", Status: 403, Body: `{"code":"FORBIDDEN_INTERNAL"}`})
		_, err := a.Read(t.Context(), bird.ConversationKind, []string{talk})
		failure(t, err, sync.Denied)
	})
}

func TestConversationsAreMatchedByTheirID(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, _ *birdtest.Server, a *bird.Adapter, _, talk string) {
		id := func(v string) sync.Probe { return sync.Probe{{Name: "id", Value: sync.Text(v)}} }
		got := must[[]sync.Match](t)(a.Match(t.Context(), bird.ConversationKind, []sync.Probe{id(""), id(talk), id("00000000-0000-4000-8000-000000000000")}))
		equal(t, "candidates", []int{len(got[0].Candidates), len(got[1].Candidates), len(got[2].Candidates)}, []int{0, 1, 0})
		equal(t, "found", []any{got[1].Candidates[0].Ref, got[1].By}, []any{talkRef(talk), "id"})
		_, err := a.Match(t.Context(), bird.ConversationKind, []sync.Probe{{{Name: "name", Value: sync.Text("A tour")}}})
		equal(t, "rule", failure(t, err, sync.Fatal).Rule, "key.id")
	})
}

// TestWritesToConversations are read, merged and written, whatever Bird makes
// of attributes that a call leaves out.
func TestWritesToConversations(t *testing.T) {
	for _, opts := range []birdtest.Options{{}, {ReplaceConversationAttributes: true}} {
		inTalk(t, &opts, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
			before := readTalk(t, a, talk)
			res := apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"status": sync.Text("closed"), "name": sync.Text("Done"),
				"attributes.ai_stage": sync.Value{}, "attributes.hubspot_deal_id": sync.Number("77")}})
			equal(t, "result", []any{res.Err, res.Complete, res.Created, res.Call != ""}, []any{nil, true, false, true})
			want := before.Fields.Clone()
			delete(want, "attributes.ai_stage")
			maps.Copy(want, sync.Fields{"status": sync.Text("closed"), "name": sync.Text("Done"), "attributes.hubspot_deal_id": sync.Text("77")})
			equal(t, "answer", res.Record.Fields, want)
			equal(t, "read back", readTalk(t, a, talk).Fields, want)
			now, _ := s.Conversation(talk)
			equal(t, "the others stay", now.Attributes, map[string]string{"ai_stage": "", "hubspot_deal_id": "77", "typingStatus": "end"})
			equal(t, "updated", res.Record.UpdatedAt.Equal(now.UpdatedAt), true)
			snapshot, known := a.Snapshot(talkRef(talk), time.Now())
			equal(t, "snapshot", []any{known, snapshot.Fields["status"]}, []any{true, sync.Text("closed")})

			patches := func() int { return s.Log().Count(func(c birdtest.Call) bool { return c.Method == "PATCH" }) }
			again := apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"status": sync.Text("closed"), "attributes.ai_stage": sync.Text(""),
				"attributes.never": sync.Value{}}})
			equal(t, "nothing new", []any{again.Err, again.Complete, patches()}, []any{nil, true, 1})
			equal(t, "nothing at all", []any{apply(t, a, sync.Write{Ref: talkRef(talk)}).Err, patches()}, []any{nil, 1})
		})
	}
}

func TestWritesThatConversationsRefuse(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
		fields := func(name string, v sync.Value) sync.Fields {
			return sync.Fields{name: v, "attributes.ai_stage": sync.Text("lost")}
		}
		for _, tt := range []struct {
			rule, field string
			write       sync.Write
		}{
			{"conversation.given", "", sync.Write{Ref: talkRef(""), Key: "attributes.hubspot_deal_id", Fields: fields("attributes.hubspot_deal_id", sync.Text("1"))}},
			{"conversation.kept", "", sync.Write{Ref: talkRef(talk), Delete: true}},
			{"conversation.readonly", "contact_id", sync.Write{Ref: talkRef(talk), Fields: fields("contact_id", sync.Text("x"))}},
			{"conversation.readonly", "platform", sync.Write{Ref: talkRef(talk), Fields: fields("platform", sync.Text("x"))}},
			{"conversation.readonly", "stage", sync.Write{Ref: talkRef(talk), Fields: fields("stage", sync.Text("x"))}},
			{"conversation.readonly", "attributes.", sync.Write{Ref: talkRef(talk), Fields: fields("attributes.", sync.Text("x"))}},
			{"conversation.text", "attributes.tags", sync.Write{Ref: talkRef(talk), Fields: fields("attributes.tags", sync.List("a", "b"))}},
			{"conversation.present", "name", sync.Write{Ref: talkRef(talk), Fields: fields("name", sync.Value{})}},
			{"conversation.present", "status", sync.Write{Ref: talkRef(talk), Fields: fields("status", sync.Text(""))}},
			{"bird.payload", "", sync.Write{Ref: talkRef(talk), Fields: fields("status", sync.Text("asleep"))}},
		} {
			res := apply(t, a, tt.write)
			e := failure(t, res.Err, sync.Invalid)
			equal(t, tt.rule, []string{e.Rule, e.Field}, []string{tt.rule, tt.field})
		}
		gone := apply(t, a, sync.Write{Ref: talkRef("00000000-0000-4000-8000-000000000000"), Fields: fields("name", sync.Text("x"))})
		failure(t, gone.Err, sync.NotFound)
		now, _ := s.Conversation(talk)
		equal(t, "unchanged", []string{now.Name, now.Status, now.Attributes["ai_stage"]}, []string{"A tour", "active", "qualified"})
	})
}

// TestReopeningBesideAnotherOneIsAConflict and nothing else is written.
func TestReopeningBesideAnotherOneIsAConflict(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, talk string) {
		s.CloseConversation(talk)
		s.StartConversation(contact)
		res := apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"status": sync.Text("active")}})
		equal(t, "rule", failure(t, res.Err, sync.Conflict).Rule, "conversation.active")
		if strings.Contains(res.Err.Error(), "+57") {
			t.Error(res.Err)
		}
	})
}

// TestALostWriteToAConversationIsNotBelieved: whether it happened is unknown.
func TestALostWriteToAConversationIsNotBelieved(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
		readTalk(t, a, talk)
		s.Faults().Add(birdtest.Fault{Method: "PATCH", DropAfter: true, Count: 1})
		res := apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"attributes.ai_stage": sync.Text("lost")}})
		failure(t, res.Err, sync.Retry)
		_, known := a.Snapshot(talkRef(talk), time.Time{})
		equal(t, "snapshot", known, false)
		equal(t, "it happened", readTalk(t, a, talk).Fields["attributes.ai_stage"], sync.Text("lost"))
	})
}

// TestAnAnswerThatTellsLittleIsNotComplete, as in Bird's documents.
func TestAnAnswerThatTellsLittleIsNotComplete(t *testing.T) {
	for body, want := range map[string]struct {
		complete bool
		stage    string
	}{
		`{"id":"%","status":"active"}`:                                  {false, ""},
		`{"id":"%","status":"active","attributes":{"ai_stage":"lost"}}`: {true, "lost"},
		`{"id":"%","attributes":{"ai_stage":"lost"}}`:                   {false, "lost"},
		`{}`: {true, "lost"}, // what was written into what was read
	} {
		inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, talk string) {
			readTalk(t, a, talk)
			s.Faults().Add(birdtest.Fault{Method: "PATCH", Status: 200, Body: strings.ReplaceAll(body, "%", talk)})
			res := apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"attributes.ai_stage": sync.Text("lost")}})
			equal(t, body, []any{res.Err, res.Complete, res.Record.Fields["attributes.ai_stage"].String()}, []any{nil, want.complete, want.stage})
			_, known := a.Snapshot(talkRef(talk), time.Time{})
			equal(t, body, known, want.complete)
		})
	}
}
