package bird_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/internal/simhttp"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// TestOutageOfEightHoursLosesNothing lets our endpoint answer 503 for as long
// as Bird repeats a webhook, while a day's talk goes on. Everything then comes
// late, doubled and out of order, with its first timestamp and with ever new
// ids of requests, and each thing that happened becomes one fact, and one note
// with the whole text.
func TestOutageOfEightHoursLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(&birdtest.Options{FreshRequestIDs: true})
		defer s.Close()
		s.SetChaos(birdtest.Chaos{Delay: time.Minute, Duplicate: 1})
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Fields: []string{"name"}})
		if err != nil {
			t.Fatal(err)
		}
		crm := &book{records: map[string]sync.Record{}}
		e := engine(t, a, crm)
		door := open(t, s, e)
		defer door.web.Close()

		door.down.Store(true)
		began := time.Now()
		truth := day(t, s)
		work(t, e)
		equal(t, "notes while down", len(crm.notes), 0)
		time.Sleep(time.Until(began.Add(8 * time.Hour)))
		door.down.Store(false)
		if err := s.WaitWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		stats := s.WebhookStats()
		equal(t, "lost", []int{stats.Failed, stats.Dropped}, []int{0, 0})
		if stats.Duplicated*2 != stats.Delivered || stats.Attempts < 8*stats.Delivered {
			t.Errorf("%+v: not everything was doubled and repeated", stats)
		}
		work(t, e)
		equal(t, "notes", crm.notes, truth)
	})
}

// work lets the engine do what there is, and what has to wait for that.
func work(t *testing.T, e *sync.Engine) {
	t.Helper()
	for range 10 {
		if err := e.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
	}
}

// day plays what eight contacts talk about in eight hours. It returns the notes
// that this makes: the ids of facts, with the texts of messages.
func day(t *testing.T, s *birdtest.Server) (truth []string) {
	t.Helper()
	note := func(fact, id, text string) { truth = append(truth, "bird:"+fact+":"+id+" "+text) }
	long := strings.Repeat("The balcony faces south. ", 20)
	for i := range 8 {
		talk := s.StartConversation(create(t, s, map[string]any{"name": fmt.Sprint("Person ", i), "msisdn": fmt.Sprintf("+57300000%04d", i)}))
		say := func(fact, id, text string) {
			note(fact, id, text)
			time.Sleep(7 * time.Minute)
		}
		note("conversation.started", talk, "")
		say("message.received", s.ContactSays(talk, "Is it still free?"), "Is it still free?")
		say("message.sent", s.BotSays(talk, long), long)
		say("message.received", s.ContactSays(talk, long+"?"), long+"?")
		say("message.sent", s.InboxSays(talk, "I will show you around."), "I will show you around.")
		note("escalation.triggered", talk+":"+birdtest.DefaultAgent, "")
		s.SetOutcome("delivery_failed")
		lost := s.AgentSays(talk, "At five?")
		s.SetOutcome("read")
		say("message.sent", lost, "At five?")
		note("message.failed", lost, "At five?")
		s.CloseConversation(talk)
		note("conversation.closed", talk+":"+lost, "")
	}
	slices.Sort(truth)
	return truth
}

// door is where webhooks come in.
type door struct {
	web  *simhttp.Server
	down atomic.Bool
}

// open lets all events of the workspace arrive at a receiver for the inbox.
func open(t *testing.T, s *birdtest.Server, inbox sync.Inbox, kinds ...sync.Kind) *door {
	t.Helper()
	const address = "https://sync.example.com/webhooks/bird"
	rc, err := bird.NewReceiver(inbox, bird.ReceiverOptions{PublicURL: address, Secrets: []string{"key"}, Kinds: kinds, Witness: talkNames})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{}
	d.web = simhttp.Pipe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		rc.ServeHTTP(w, r)
	}))
	s.SetWebhookClient(d.web.Client())
	s.Proxy("https://sync.example.com", d.web.URL)
	for _, event := range []string{"conversation.created", "conversation.updated", "conversation.deleted",
		"whatsapp.inbound", "whatsapp.outbound", "whatsapp.interaction"} {
		s.Subscribe(event, address, "key")
	}
	return d
}

// engine returns one that keeps the workspace's contacts in a book, and notes
// there what happened with them.
func engine(t *testing.T, a *bird.Adapter, crm *book) *sync.Engine {
	t.Helper()
	flow := &sync.Flow{
		Name:  "contacts",
		Left:  sync.Endpoint{System: bird.System, Kind: bird.Contact},
		Right: sync.Endpoint{System: "book", Kind: bird.Contact, CreateKey: "bird"},
		Fields: []sync.Field{
			{Name: "id", Left: same("id"), Right: same("bird"), Direction: sync.ToRight, Policy: sync.Policy{Kind: sync.Own}},
			{Name: "name", Left: same("name"), Right: same("name")},
		},
		Identity: []sync.Identity{{Name: "id", Left: same("id"), Right: same("bird")}},
	}
	var activities []*sync.Activity
	for _, fact := range []string{"conversation.started", "conversation.closed", "message.received", "message.sent", "message.failed",
		"escalation.triggered"} {
		activities = append(activities, &sync.Activity{Name: fact, Fact: fact, System: "book", Kind: "note", Key: "key", Unique: true,
			Relate: []sync.Relation{{Flow: flow.Name, Required: true}},
			Render: func(f sync.Fact) (sync.Fields, error) {
				text, _ := f.Data["text"].(string)
				return sync.Fields{"note": sync.Text(f.ID + " " + text)}, nil
			}})
	}
	e, err := sync.New(sync.Config{
		Flows: []*sync.Flow{flow}, Activities: activities,
		Peers: map[sync.System]sync.Peer{bird.System: {Source: a, Sink: a}, "book": {Source: crm, Sink: crm}},
		Store: memstore.New(), Queue: memqueue.New(nil), SweepInterval: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// same is the lens through which a field is what it is, and blanks are equal.
type same string

func (s same) Names() []string { return []string{string(s)} }
func (s same) Get(f sync.Fields) (sync.Value, error) {
	if v := f[string(s)]; !v.Blank() {
		return v, nil
	}
	return sync.Value{}, nil
}
func (s same) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	return sync.Fields{string(s): v}, nil
}

// book is a system that holds records by the field "bird", and notes, of which
// it does not mind to have one twice.
type book struct {
	mu      stdsync.Mutex
	records map[string]sync.Record
	notes   []string // sorted
}

func (b *book) Read(_ context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []sync.Record
	for _, id := range ids {
		r, known := b.records[id]
		if !known {
			r = sync.Record{Ref: sync.Ref{System: "book", Kind: kind, ID: id}, Deleted: true}
		}
		all = append(all, r)
	}
	return all, nil
}

func (b *book) Changes(context.Context, sync.Cursor) (sync.ChangePage, error) {
	return sync.ChangePage{}, nil
}

func (b *book) Match(_ context.Context, _ sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	return make([]sync.Match, len(probes)), nil
}

func (b *book) Apply(_ context.Context, writes []sync.Write) ([]sync.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var results []sync.Result
	for _, w := range writes {
		if w.Ref.Kind == "note" {
			results = append(results, b.note(w))
			continue
		}
		id := w.Ref.ID
		if id == "" {
			id = w.Fields["bird"].String()
		}
		r := sync.Record{Ref: sync.Ref{System: "book", Kind: w.Ref.Kind, ID: id}, Fields: b.records[id].Fields.Clone(), UpdatedAt: time.Now()}
		r.Fields["id"] = sync.Text(id)
		for name, v := range w.Fields {
			r.Fields[name] = v
		}
		b.records[id] = r
		results = append(results, sync.Result{Record: r, Created: w.Ref.ID == ""})
	}
	return results, nil
}

func (b *book) note(w sync.Write) sync.Result {
	b.notes = append(b.notes, w.Fields["note"].String())
	slices.Sort(b.notes)
	return sync.Result{Created: true, Record: sync.Record{Ref: sync.Ref{System: "book", Kind: "note", ID: w.Fields["key"].String()}}}
}
