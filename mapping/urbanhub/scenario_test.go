package urbanhub_test

import (
	"fmt"
	"slices"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// An agency is the preset between two fakes.
type agency struct {
	*testing.T
	bird, hub *fake
	engine    *sync.Engine
	queue     sync.Queue

	mu    stdsync.Mutex
	hooks []sync.Change
	told  int
}

// inAgency runs a scenario in virtual time, with the activities' key unique or
// not.
func inAgency(t *testing.T, o urbanhub.Options, scenario func(a *agency)) {
	t.Helper()
	for _, unique := range []bool{true, false} {
		o.UniqueActivities = map[sync.Kind]bool{urbanhub.Note: unique, urbanhub.Task: unique, urbanhub.Meeting: unique}
		t.Run(fmt.Sprint("unique ", unique), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { scenario(newAgency(t, o)) })
		})
	}
}

func newAgency(t *testing.T, o urbanhub.Options) *agency {
	a := &agency{T: t, bird: newFake(urbanhub.Bird, nil), hub: newFake(urbanhub.HubSpot, nil), queue: memqueue.New(nil)}
	a.bird.notify, a.hub.notify = a.hook, a.hook
	cfg := sync.Config{Store: memstore.New(), Queue: a.queue, Peers: map[sync.System]sync.Peer{
		urbanhub.Bird: {Source: a.bird, Sink: a.bird}, urbanhub.HubSpot: {Source: a.hub, Sink: a.hub}}}
	compiled(t, o).AddTo(&cfg)
	engine, err := sync.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	a.engine = engine
	return a
}

// hook tells of the change of a record that a flow is about.
func (a *agency) hook(ref sync.Ref) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains([]sync.Kind{urbanhub.Contact, urbanhub.Conversation, urbanhub.Deal}, ref.Kind) {
		return
	}
	a.told++
	a.hooks = append(a.hooks, sync.Change{ID: fmt.Sprint("hook:", a.told), Ref: ref, Reason: sync.ReasonWebhook})
}

func (a *agency) take() []sync.Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	hooks := a.hooks
	a.hooks = nil
	return hooks
}

// tell takes facts in, each twice.
func (a *agency) tell(facts ...sync.Fact) {
	a.Helper()
	for _, f := range append(slices.Clone(facts), facts...) {
		if err := a.engine.Enqueue(a.Context(), f); err != nil {
			a.Fatal(err)
		}
	}
}

// settle works until nothing is left to do.
func (a *agency) settle() {
	a.Helper()
	for range 1000 {
		for _, c := range a.take() {
			if err := a.engine.Enqueue(a.Context(), c); err != nil {
				a.Fatal(err)
			}
		}
		if err := a.engine.RunOnce(a.Context()); err != nil {
			a.Fatal(err)
		}
		s, err := a.queue.Stats(a.Context(), time.Now())
		if err != nil {
			a.Fatal(err)
		}
		a.mu.Lock()
		waiting := len(a.hooks) + s.Waiting + s.Leased
		a.mu.Unlock()
		if waiting == 0 {
			time.Sleep(time.Minute)
			return
		}
		time.Sleep(max(time.Until(s.NextAt), 10*time.Millisecond))
	}
	a.Fatal("the agency does not settle")
}

// healthy checks that nothing was given up and that all sides agree.
func (a *agency) healthy() {
	a.Helper()
	dead, err := a.queue.Dead(a.Context(), sync.DeadFilter{Limit: 100})
	if err != nil {
		a.Fatal(err)
	}
	for _, d := range dead {
		a.Errorf("dead letter %s: %s", d.Message.Key, d.History[len(d.History)-1].Error)
	}
	for _, flow := range []string{"urbanhub-contacts", "urbanhub-deals"} {
		if v, err := a.engine.Verify(a.Context(), flow); err != nil || v.Pairs != 1 || v.Ratio() != 1 {
			a.Errorf("%s: %+v, %v", flow, v, err)
		}
	}
}

// holds checks a field of a record.
func (a *agency) holds(f *fake, ref sync.Ref, field, want string) {
	a.Helper()
	if got := f.get(ref, field); got != want {
		a.Errorf("%s %s = %q, want %q", ref, field, got, want)
	}
}

// lead makes a contact who talks, with an AI stage.
func (a *agency) lead(stage string) (contact, conversation sync.Ref) {
	a.Helper()
	contact = a.bird.edit(urbanhub.Contact, "b1", "msisdn", "+573000000001", "name", "Ana Pérez")
	conversation = a.bird.edit(urbanhub.Conversation, "c1", "contact_id", "b1", aiStage, stage)
	a.settle()
	return contact, conversation
}

// deal is the only deal.
func (a *agency) deal() sync.Ref {
	a.Helper()
	deals := a.hub.of(urbanhub.Deal)
	if len(deals) != 1 {
		a.Fatalf("%d deals", len(deals))
	}
	return deals[0]
}

func TestDealFollowsTheConversation(t *testing.T) {
	inAgency(t, urbanhub.Options{}, func(a *agency) {
		quiet := a.bird.edit(urbanhub.Conversation, "c0", "contact_id", "b1")
		contact, conversation := a.lead("lead")
		deal := a.deal()
		if related := a.hub.related[deal]; !slices.Equal(related, a.hub.of(urbanhub.Contact)) {
			a.Errorf("the deal is associated with %v", related)
		}
		a.holds(a.hub, deal, dealStage, "qualifiedtobuy")
		a.holds(a.hub, deal, "pipeline", "default")
		a.holds(a.hub, deal, "dealname", "Bird conversation c1")
		a.holds(a.bird, conversation, "attributes.hubspot_deal_id", deal.ID)
		a.holds(a.bird, contact, "deal_stage", "qualifiedtobuy")
		a.holds(a.bird, quiet, "attributes.hubspot_deal_id", "")

		a.bird.edit(urbanhub.Conversation, "c1", aiStage, "tour_scheduled", "attributes.tour_scheduled_date", "2026-01-25T15:00:00Z")
		a.settle()
		a.holds(a.hub, deal, dealStage, "appointmentscheduled")
		a.holds(a.hub, deal, "tour_scheduled_date", "2026-01-25T15:00:00.000Z")
		a.holds(a.bird, contact, "deal_stage", "appointmentscheduled")

		a.bird.edit(urbanhub.Conversation, "c1", aiStage, "lead") // late
		a.settle()
		a.holds(a.hub, deal, dealStage, "appointmentscheduled")
		a.holds(a.bird, conversation, aiStage, "tour_scheduled")

		a.hub.edit(urbanhub.Deal, deal.ID, dealStage, "qualifiedtobuy") // a person
		a.settle()
		a.holds(a.hub, deal, dealStage, "qualifiedtobuy")
		a.holds(a.bird, conversation, aiStage, "lead")
		a.holds(a.bird, contact, "deal_stage", "qualifiedtobuy")

		a.bird.edit(urbanhub.Conversation, "c1", "attributes.qualification_score", "90")
		a.settle()
		a.holds(a.hub, deal, "qualification_score", "90")
		a.holds(a.hub, deal, dealStage, "qualifiedtobuy")

		a.bird.edit(urbanhub.Conversation, "c1", aiStage, "lease_signed")
		a.settle()
		a.holds(a.hub, deal, dealStage, "closedwon")
		a.holds(a.bird, contact, "deal_stage", "closedwon")
		a.healthy()
	})
}

func TestDealWaitsForItsContact(t *testing.T) {
	inAgency(t, urbanhub.Options{}, func(a *agency) {
		a.bird.edit(urbanhub.Contact, "b1", "name", "Ana Pérez")
		a.take() // nobody tells of the contact
		a.bird.edit(urbanhub.Conversation, "c1", "contact_id", "b1", aiStage, "qualified")
		stop := time.Now().Add(10 * time.Minute)
		for time.Now().Before(stop) {
			for _, c := range a.take() {
				if err := a.engine.Enqueue(a.Context(), c); err != nil {
					a.Fatal(err)
				}
			}
			if err := a.engine.RunOnce(a.Context()); err != nil {
				a.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		if deals := a.hub.of(urbanhub.Deal); len(deals) != 0 {
			a.Fatalf("deals %v without their contact", deals)
		}
		a.bird.edit(urbanhub.Contact, "b1", "msisdn", "+573000000001")
		a.settle()
		if related := a.hub.related[a.deal()]; len(related) != 1 {
			a.Errorf("the deal is associated with %v", related)
		}
		a.healthy()
	})
}

func TestFactsTellTheWholeStory(t *testing.T) {
	inAgency(t, urbanhub.Options{}, func(a *agency) {
		contact, conversation := a.lead("lead")
		person, deal := a.hub.of(urbanhub.Contact)[0], a.deal()
		for _, name := range []string{"conversation.started", "message.received", "qualification.completed", "tour.scheduled", "escalation.triggered"} {
			a.tell(told[name])
		}
		a.settle()
		a.tell(told["tour.scheduled"]) // later still, once more
		a.settle()
		for kind, want := range map[sync.Kind]int{urbanhub.Note: 3, urbanhub.Task: 1, urbanhub.Meeting: 1} {
			made := a.hub.of(kind)
			if len(made) != want {
				a.Errorf("%d of kind %s, want %d", len(made), kind, want)
			}
			for _, ref := range made {
				if !slices.Equal(a.hub.related[ref], []sync.Ref{person, deal}) {
					a.Errorf("%s is associated with %v", ref, a.hub.related[ref])
				}
			}
		}
		a.holds(a.hub, a.hub.of(urbanhub.Task)[0], "bird_event_key", sync.FactKey(told["qualification.completed"]))
		a.holds(a.bird, conversation, aiStage, "tour_scheduled")
		a.holds(a.hub, deal, dealStage, "appointmentscheduled")
		a.holds(a.hub, deal, "qualification_score", "85")
		a.holds(a.hub, deal, "tour_scheduled_date", "2026-01-25T15:00:00.000Z")
		a.holds(a.hub, deal, "last_ai_interaction", "2026-01-20T13:04:05.678Z")

		signed := told["lease.signed"]
		signed.OccurredAt = signed.OccurredAt.Add(time.Hour)
		a.tell(signed)
		a.settle()
		late := told["tour.scheduled"]
		late.ID, late.OccurredAt = "late", signed.OccurredAt.Add(-time.Minute)
		stages := a.bird.writes(conversation, aiStage)
		a.tell(late)
		a.settle()
		a.holds(a.bird, conversation, aiStage, "lease_signed")
		a.holds(a.bird, conversation, "attributes.last_ai_interaction", "2026-01-20T14:04:05.678Z")
		if again := a.bird.writes(conversation, aiStage); again != stages {
			a.Errorf("a late fact wrote the stage %d times", again-stages)
		}
		a.holds(a.hub, deal, dealStage, "closedwon")
		a.holds(a.bird, contact, "deal_stage", "closedwon")
		a.healthy()
	})
}

func TestFactsBeforeTheContact(t *testing.T) {
	inAgency(t, urbanhub.Options{}, func(a *agency) {
		a.tell(told["conversation.started"], told["message.received"])
		a.bird.edit(urbanhub.Contact, "b1", "msisdn", "+573000000001")
		a.bird.edit(urbanhub.Conversation, "c1", "contact_id", "b1", aiStage, "lead")
		a.settle()
		notes := a.hub.of(urbanhub.Note)
		if len(notes) != 2 || a.hub.related[notes[0]][0] != a.hub.of(urbanhub.Contact)[0] {
			a.Errorf("notes %v", notes)
		}
		a.healthy()
	})
}

func TestAIStatusStartsAWorkflow(t *testing.T) {
	const trigger = "bird_workflow_trigger"
	inAgency(t, urbanhub.Options{CustomEvent: "pe33_ai_status"}, func(a *agency) {
		a.lead("lead")
		person := a.hub.of(urbanhub.Contact)[0]
		a.bird.edit(urbanhub.Contact, "b1", "conversation_status", "new")
		a.settle()
		a.holds(a.hub, person, trigger, "") // a first status is no change
		a.bird.edit(urbanhub.Contact, "b1", "conversation_status", "qualified")
		a.settle()
		first := a.hub.get(person, trigger)
		a.bird.edit(urbanhub.Contact, "b1", "conversation_status", "new")
		a.settle()
		a.bird.edit(urbanhub.Contact, "b1", "conversation_status", "qualified")
		a.settle()
		if last := a.hub.get(person, trigger); first == "" || last == first {
			a.Errorf("the workflow's property was %q and is %q", first, last)
		}
		events := a.hub.of("event")
		if len(events) != 3 {
			a.Fatalf("%d custom events, want 3", len(events))
		}
		a.holds(a.hub, events[1], "to_status", "new")
		a.healthy()
	})
}
