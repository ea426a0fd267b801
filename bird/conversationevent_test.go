package bird_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// talkReceiver returns a receiver that wants changes of all kinds.
func talkReceiver(t testing.TB, in *inbox) http.Handler {
	return receiverOf(t, in, bird.Contact, bird.ConversationKind)
}

func receiverOf(t testing.TB, in *inbox, kinds ...sync.Kind) http.Handler {
	t.Helper()
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookKey}, Kinds: kinds, Witness: talkNames})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEventsOfConversationsAreChangesOfThem(t *testing.T) {
	const talk, jane = "7f7d4cff-2e27-4a1a-a2ba-0967341f974b", "e013a75b-b5ac-4341-aa7c-571d38d067d0"
	for file, claims := range map[string]bool{"event-conversation-created": true, "event-conversation-updated-inbound-message": true,
		"payloads/event-conversation-updated-outbound-message": true, "event-conversation-updated-closed": true, "event-conversation-deleted": false} {
		in := &inbox{}
		equal(t, file, answer(receiverOf(t, in, bird.ConversationKind), hook(payload(t, file), hookKey, time.Now())), 204)
		changes := in.changes()
		if len(changes) != 1 {
			t.Fatalf("%s: %d changes", file, len(changes))
		}
		c := changes[0]
		equal(t, file, []any{c.Ref, c.Reason, c.Priority, c.OccurredAt.IsZero()}, []any{talkRef(talk), sync.ReasonWebhook, sync.Live, false})
		if !claims {
			equal(t, file, len(c.Witness), 0)
			continue
		}
		equal(t, file, len(c.Witness), len(talkNames)) // the id, and all but the platform
		equal(t, file, []string{c.Witness["id"], c.Witness["contact_id"], c.Witness["contact_name"], c.Witness["attributes.ai_stage"]},
			[]string{sync.Text(talk).Digest(), sync.Text(jane).Digest(), sync.Text("Jane Doe").Digest(), sync.Value{}.Digest()})
	}
}

func TestKindsSayWhichChangesAreWanted(t *testing.T) {
	for _, tt := range []struct {
		kinds []sync.Kind
		want  []sync.Kind
	}{
		{nil, []sync.Kind{"contact"}},
		{[]sync.Kind{bird.Contact}, []sync.Kind{"contact"}},
		{[]sync.Kind{bird.ConversationKind}, []sync.Kind{"conversation"}},
		{[]sync.Kind{bird.Contact, bird.ConversationKind}, []sync.Kind{"contact", "conversation"}},
	} {
		in := &inbox{}
		answer(receiverOf(t, in, tt.kinds...), hook(payload(t, "event-conversation-created"), hookKey, time.Now()))
		var got []sync.Kind
		for _, c := range in.changes() {
			got = append(got, c.Ref.Kind)
		}
		equal(t, fmt.Sprint(tt.kinds), got, tt.want)
		equal(t, "the facts are told anyway", len(in.facts()), 2)
	}
	for _, wrong := range []bird.ReceiverOptions{{Kinds: []sync.Kind{"deal"}}, {Witness: []string{"stage"}}} {
		wrong.PublicURL, wrong.Secrets = hookURL, []string{hookKey}
		_, err := bird.NewReceiver(&inbox{}, wrong)
		failure(t, err, sync.Fatal)
	}
}

// TestWhatAnEventDoesNotTellIsNotClaimed: a blank that is claimed by mistake
// would hide an edit.
func TestWhatAnEventDoesNotTellIsNotClaimed(t *testing.T) {
	const id = "7f7d4cff-2e27-4a1a-a2ba-0967341f974b"
	user := `{"id":"u1","type":"user"}`
	for payload, want := range map[string]int{ // changes of the conversation, -1 without claims
		`{"id":"%","status":"active","attributes":{}}`:                                                                     1,
		`{"id":"%","status":"active","attributes":{},"style":"default"}`:                                                   1,
		`{"id":"%","status":"active"}`:                                                                                     -1,
		`{"id":"%","attributes":{}}`:                                                                                       -1,
		`{"id":"%","status":"active","attributes":null}`:                                                                   -1,
		`{"id":"%","status":"active","attributes":{},"style":"resource"}`:                                                  0,
		`{"id":"","status":"active","attributes":{}}`:                                                                      0,
		`{"id":"../contacts","status":"active","attributes":{}}`:                                                           0,
		`{"id":"%","status":"active","attributes":{},"featuredParticipants":[` + strings.Repeat(user+",", 4) + user + `]}`: -1,
	} {
		in := &inbox{}
		body := `{"event":"conversation.updated","payload":` + strings.ReplaceAll(payload, "%", id) + `}`
		equal(t, payload, answer(talkReceiver(t, in), hook(body, hookKey, time.Now())), 204)
		got := len(in.changes())
		if got == 1 && in.changes()[0].Witness == nil {
			got = -1
		}
		equal(t, payload, got, want)
	}
	in := &inbox{}
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookKey}, Kinds: []sync.Kind{bird.ConversationKind}})
	if err != nil {
		t.Fatal(err)
	}
	answer(r, hook(payload(t, "event-conversation-created"), hookKey, time.Now()))
	equal(t, "without names", len(in.changes()[0].Witness), 0)
}

// TestChangesOfConversationsAreToldApart by all that an event says, and are
// the same for a retry.
func TestChangesOfConversationsAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, attributes := range []string{`{}`, `{"ai_stage":"lost"}`, `{"ai_stage":"qualified"}`} {
		body := `{"event":"conversation.updated","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.045Z","attributes":` + attributes + `}}`
		var ids []string
		for _, ago := range []time.Duration{0, 8 * time.Hour} {
			in := &inbox{}
			answer(talkReceiver(t, in), hook(body, hookKey, time.Now().Add(-ago)))
			ids = append(ids, in.changes()[0].ID)
		}
		equal(t, "a retry", ids[0], ids[1])
		seen[ids[0]] = true
	}
	equal(t, "states", len(seen), 3)
}

// TestWhatAnEventClaimsIsWhatAReadShows, for each event of a conversation's
// life.
func TestWhatAnEventClaimsIsWhatAReadShows(t *testing.T) {
	s := birdtest.NewServer(&birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	t.Cleanup(s.Close)
	a := attachTalks(t, s)
	in, wait := listenFor(t, s, bird.ReceiverOptions{Kinds: []sync.Kind{bird.ConversationKind}, Witness: talkNames},
		"conversation.created", "conversation.updated")
	contact := create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane Doe"})
	var talk string
	for i, step := range []func(){
		func() {
			talk = s.Open(birdtest.Opening{ContactID: contact, Attributes: map[string]string{"ai_stage": "lead"}})
		},
		func() { s.ContactSays(talk, "Hello") },
		func() { s.BotSays(talk, "Hello") },
		func() { s.AgentSays(talk, "Hello") },
		func() {
			apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"attributes.ai_stage": sync.Text("lost")}})
		},
		func() {
			apply(t, a, sync.Write{Ref: talkRef(talk), Fields: sync.Fields{"attributes.ai_stage": sync.Value{}}})
		},
		func() { s.CloseConversation(talk) },
	} {
		step()
		wait()
		read := must[[]sync.Record](t)(a.Read(t.Context(), bird.ConversationKind, []string{talk}))
		changes := in.changes()
		last := slices.MaxFunc(changes, func(x, y sync.Change) int { return x.OccurredAt.Compare(y.OccurredAt) })
		if len(last.Witness) != len(talkNames) || len(changes) < i+1 {
			t.Fatalf("step %d: %d changes, %d claims", i, len(changes), len(last.Witness))
		}
		for name, digest := range last.Witness {
			equal(t, fmt.Sprint("step ", i, " ", name), digest, read[0].Fields[name].Digest())
		}
	}
}
