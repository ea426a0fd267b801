package bird_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// a deployment keeps the contacts of a workspace and their conversations in
// step with a book of people and deals.
type deployment struct {
	*testing.T
	bird   *birdtest.Server
	crm    *book
	store  *memstore.Store
	queue  sync.Queue
	engine *sync.Engine
}

// deploy runs a test with a deployment inside a bubble.
func deploy(t *testing.T, test func(t *testing.T, d *deployment)) {
	synctest.Test(t, func(t *testing.T) {
		d := &deployment{T: t, crm: &book{records: map[string]sync.Record{}}, store: memstore.New(), queue: memqueue.New(nil)}
		d.bird = birdtest.NewPipeServer(&birdtest.Options{ReplaceConversationAttributes: true})
		defer d.bird.Close()
		a := attachTalks(t, d.bird)
		var err error
		d.engine, err = sync.New(sync.Config{
			Flows: []*sync.Flow{people, deals},
			Peers: map[sync.System]sync.Peer{bird.System: {Source: a, Sink: a}, "book": {Source: d.crm, Sink: d.crm}},
			Store: d.store, Queue: d.queue, SweepInterval: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

var people = &sync.Flow{
	Name:  "people",
	Left:  sync.Endpoint{System: bird.System, Kind: bird.Contact},
	Right: sync.Endpoint{System: "book", Kind: bird.Contact, CreateKey: "bird"},
	Fields: []sync.Field{
		{Name: "id", Left: same("id"), Right: same("bird"), Direction: sync.ToRight, Policy: sync.Policy{Kind: sync.Own}},
		{Name: "name", Left: same("name"), Right: same("name")},
	},
}

var deals = &sync.Flow{
	Name: "deals",
	Left: sync.Endpoint{System: bird.System, Kind: bird.ConversationKind, Leave: func(rec sync.Record, _ []string) (bool, string, error) {
		return !rec.Fields["attributes.ai_stage"].Blank(), "it has no stage", nil
	}},
	Right: sync.Endpoint{System: "book", Kind: "deal", CreateKey: "bird", Relate: []sync.Association{{Flow: "people", Required: true,
		Of: func(rec sync.Record) (sync.Ref, bool) { return ref(rec.Fields["contact_id"].String()), true }}}},
	Fields: []sync.Field{
		{Name: "id", Left: same("id"), Right: same("bird"), Direction: sync.ToRight, Policy: sync.Policy{Kind: sync.Own}},
		{Name: "deal", Left: same("attributes.hubspot_deal_id"), Right: same("id"), Direction: sync.ToLeft, Policy: sync.Policy{Kind: sync.Own, Owner: sync.Right}},
		{Name: "stage", Left: same("attributes.ai_stage"), Right: same("dealstage")},
		{Name: "status", Left: same("status"), Right: same("talk"), Direction: sync.ToRight},
	},
	Identity: []sync.Identity{{Name: "id", Left: same("id"), Right: same("bird")}},
}

// begin lets a contact begin a conversation that has a stage.
func (d *deployment) begin() (talk string) {
	contact := create(d.T, d.bird, map[string]any{"msisdn": "+573019999999", "name": "Jane Doe"})
	return d.bird.Open(birdtest.Opening{ContactID: contact, Attributes: map[string]string{"ai_stage": "lead", "typingStatus": "end"}})
}

// calls returns how many calls of a method were about a conversation.
func (d *deployment) calls(method, talk string) int {
	return d.bird.Log().Count(func(c birdtest.Call) bool {
		return c.Method == method && c.Path == "/workspaces/"+d.bird.WorkspaceID+"/conversations/"+talk
	})
}

// wants compares what both sides hold of a conversation.
func (d *deployment) wants(when, talk, birdStage, crmStage, status string) {
	d.Helper()
	now, _ := d.bird.Conversation(talk)
	deal := d.crm.get(talk)
	equal(d.T, when, []string{now.Attributes["ai_stage"], now.Attributes["hubspot_deal_id"], now.Attributes["typingStatus"],
		deal["dealstage"].String(), deal["talk"].String()}, []string{birdStage, talk, "end", crmStage, status})
}

func (b *book) get(id string) sync.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.records[id].Fields.Clone()
}

// edit changes a record as a person would and tells the inbox.
func (b *book) edit(t *testing.T, in sync.Inbox, kind sync.Kind, id, name, value string) {
	t.Helper()
	w := sync.Write{Ref: sync.Ref{System: "book", Kind: kind, ID: id}, Fields: sync.Fields{name: sync.Text(value)}}
	must[[]sync.Result](t)(b.Apply(t.Context(), []sync.Write{w}))
	err := in.Enqueue(t.Context(), sync.Change{ID: "book:" + id + ":" + value, Ref: w.Ref, Reason: sync.ReasonWebhook})
	if err != nil {
		t.Fatal(err)
	}
}

// TestConversationsAndDealsStayInStep by webhooks alone.
func TestConversationsAndDealsStayInStep(t *testing.T) {
	deploy(t, func(t *testing.T, d *deployment) {
		door := open(t, d.bird, d.engine, bird.Contact, bird.ConversationKind)
		defer door.web.Close()
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error)
		go func() { stopped <- d.engine.Run(ctx) }()
		settle := func() {
			for range 2 { // what one webhook leads to makes others
				if err := d.bird.WaitWebhooks(ctx); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second)
			}
		}
		talk := d.begin()
		settle()
		d.wants("a conversation is a deal", talk, "lead", "lead", "active")
		equal(t, "with its contact", d.crm.get(d.contact(talk))["name"].String(), "Jane Doe")
		equal(t, "written back", d.calls("PATCH", talk), 1)

		set(t, d.bird, talk, "ai_stage", "qualified")
		settle()
		d.wants("an edit in Bird", talk, "qualified", "qualified", "active")
		equal(t, "nothing but the edit is written", d.calls("PATCH", talk), 2)

		d.bird.Log().Reset()
		d.crm.edit(t, d.engine, "deal", talk, "dealstage", "won")
		settle()
		d.wants("an edit of the deal", talk, "won", "won", "active")
		equal(t, "it is read, merged and written", []int{d.calls("GET", talk), d.calls("PATCH", talk)}, []int{2, 1})

		d.bird.Log().Reset()
		d.bird.ContactSays(talk, "Thank you")
		d.bird.BotSays(talk, "You are welcome")
		settle()
		equal(t, "what is said costs no call", []int{d.calls("GET", talk), d.calls("PATCH", talk)}, []int{0, 0})

		d.bird.CloseConversation(talk)
		settle()
		d.wants("closed", talk, "won", "won", "closed")
		d.crm.edit(t, d.engine, "deal", talk, "dealstage", "")
		settle()
		d.wants("cleared", talk, "", "", "closed")
		agreement, err := d.engine.Verify(ctx, deals.Name)
		equal(t, "agreement", []any{agreement.Pairs, agreement.Ratio(), err}, []any{1, 1.0, nil})

		d.bird.DeleteConversation(talk)
		settle()
		link, err := d.store.Link(ctx, deals.Name, talkRef(talk))
		equal(t, "detached", []any{link.State, err, len(d.crm.get(talk)) > 0}, []any{sync.Detached, nil, true})
		d.bird.Log().Reset()
		d.crm.edit(t, d.engine, "deal", talk, "dealstage", "lost")
		settle()
		equal(t, "nothing is written any more", d.calls("PATCH", talk), 0)
		d.alive()
		stop()
		equal(t, "stopped", <-stopped, nil)
	})
}

func (d *deployment) contact(talk string) string {
	now, _ := d.bird.Conversation(talk)
	return now.Participants[0].ID
}

// alive checks that nothing was given up.
func (d *deployment) alive() {
	d.Helper()
	dead, err := d.queue.Dead(d.Context(), sync.DeadFilter{})
	equal(d.T, "dead letters", []any{len(dead), err}, []any{0, nil})
}

// TestWhatNoWebhookToldIsFoundByTheWalk, and once at rest nothing is called
// but the lists.
func TestWhatNoWebhookToldIsFoundByTheWalk(t *testing.T) {
	deploy(t, func(t *testing.T, d *deployment) {
		talk := d.begin()
		work(t, d.engine)
		d.wants("a conversation is a deal", talk, "lead", "lead", "active")
		set(t, d.bird, talk, "ai_stage", "qualified")
		work(t, d.engine)
		d.wants("an edit in Bird", talk, "qualified", "qualified", "active")
		d.crm.edit(t, d.engine, "deal", talk, "dealstage", "won")
		work(t, d.engine)
		d.wants("an edit of the deal", talk, "won", "won", "active")

		d.bird.Log().Reset()
		work(t, d.engine)
		equal(t, "calls at rest", []int{d.calls("GET", talk), d.calls("PATCH", talk)}, []int{0, 0})
		d.bird.DeleteConversation(talk)
		work(t, d.engine)
		link, err := d.store.Link(t.Context(), deals.Name, talkRef(talk))
		equal(t, "detached", []any{link.State, err}, []any{sync.Detached, nil})
		d.alive()
	})
}
