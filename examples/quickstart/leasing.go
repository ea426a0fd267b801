package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
)

// A lead is a conversation with one of those who write to Bird.
type lead struct {
	person, talk string // their ids in Bird
	// stage is where the deal shall be, aiStage the conversation in Bird.
	stage, aiStage string
}

// The leads, by how far they come.
const (
	tenant   = iota // signs the lease
	visitor         // sees the property
	favoured        // is helped on by a sales person
	caller          // asks for a person
	leads           // how many
)

// recorded is what facts of Bird's AI agents become in HubSpot.
var recorded = map[string]string{
	"qualification.completed": "tasks", "tour.scheduled": "meetings", "escalation.triggered": "notes",
}

// expect notes that a fact is to become an activity of a contact.
func (s *story) expect(contact, activity string) {
	if activity == "" {
		return
	}
	if s.told[contact] == nil {
		s.told[contact] = map[string]int{}
	}
	s.told[contact][activity]++
}

// fact lets the AI agent tell of something by an action of its own, which calls
// us as a Flow does.
func (s *story) fact(i int, event string, data map[string]any) {
	l := s.leads[i]
	arguments := map[string]any{"conversation_id": l.talk}
	for name, v := range data {
		arguments[name] = v
	}
	s.bird.RunFlow(l.person, event, arguments)
	s.expect(l.person, recorded[event])
}

// rough has every webhook of both vendors come twice and in any order.
func (s *story) rough() (smooth func()) {
	s.bird.SetChaos(birdtest.Chaos{Duplicate: 1, Delay: 20 * time.Millisecond})
	s.hubspot.SetChaos(hubspottest.Chaos{Duplicate: 1})
	s.hubspot.ShuffleWebhooks(true)
	return func() {
		s.bird.SetChaos(birdtest.Chaos{})
		s.hubspot.SetChaos(hubspottest.Chaos{})
		s.hubspot.ShuffleWebhooks(false)
	}
}

// conversations lets leads write on WhatsApp and the AI agent answer.
func (s *story) conversations(ctx context.Context) error {
	defer s.rough()()
	messages := 0
	for i := range leads {
		l := lead{person: s.ids[len(s.ids)-2-i], stage: "qualifiedtobuy", aiStage: urbanhub.StageLead}
		l.talk = s.bird.Open(birdtest.Opening{ContactID: l.person, Attributes: map[string]string{"ai_stage": l.aiStage}})
		s.leads = append(s.leads, l)
		s.expect(l.person, "notes")
		for _, says := range []string{"Good morning, is the flat still to let?", "Is there a <balcony>?"} {
			s.bird.ContactSays(l.talk, says)
			s.bird.BotSays(l.talk, "It is, and there is one.")
			s.expect(l.person, "notes")
			messages++
		}
	}
	s.handover()
	if err := s.settle(ctx); err != nil {
		return err
	}
	if got := len(s.hubspot.Objects("deals")); got != leads {
		return fmt.Errorf("conversations: HubSpot has %d deals, want %d", got, leads)
	}
	s.say("whatsapp", "%d leads write %d messages, the AI answers, every webhook comes twice and shuffled: %d deals, %d notes",
		leads, messages, leads, len(s.hubspot.Objects("notes")))
	s.say("handover", "one of them asks for a person; a Flow tells of it and so does Bird: one note among these")
	return nil
}

// leasing lets leads qualify and book a tour.
func (s *story) leasing(ctx context.Context) error {
	defer s.rough()()
	qualified := map[string]any{"score": 85, "budget": "2500000"}
	if err := s.day(ctx, "qualification.completed", "appointmentscheduled", urbanhub.StageQualified, qualified, tenant, visitor, favoured); err != nil {
		return err
	}
	tour := map[string]any{"starts_at": "2026-12-01T15:00:00Z", "property": "Tower 4, 402"}
	if err := s.day(ctx, "tour.scheduled", "appointmentscheduled", urbanhub.StageTourScheduled, tour, tenant, visitor); err != nil {
		return err
	}
	s.say("leasing", "3 leads qualify and 2 book a tour: %d tasks, %d meetings, the deals are at %s",
		len(s.hubspot.Objects("tasks")), len(s.hubspot.Objects("meetings")), s.stage(tenant))
	return nil
}

// day lets the AI agent tell of an event of leads, which moves their deals.
func (s *story) day(ctx context.Context, event, stage, aiStage string, data map[string]any, leads ...int) error {
	for _, i := range leads {
		s.fact(i, event, data)
		s.leads[i].stage, s.leads[i].aiStage = stage, aiStage
	}
	return s.settle(ctx)
}

// deal returns a lead's deal in HubSpot, which may not be there.
func (s *story) deal(i int) (id string, props map[string]string) {
	for id, props := range s.hubspot.Objects("deals") {
		if props["conversation_id"] == s.leads[i].talk {
			return id, props
		}
	}
	return "", nil
}

func (s *story) stage(i int) string {
	_, props := s.deal(i)
	return props["dealstage"]
}

// handover lets a person take a conversation over, of which both a Flow and
// Bird itself tell.
func (s *story) handover() {
	s.bird.AgentSays(s.leads[caller].talk, "Jane from Leasing here. How can I help?")
	s.fact(caller, "escalation.triggered", map[string]any{"reason": "asks for a person", "agent_id": birdtest.DefaultAgent})
}

// signing lets leads see the property and one sign, while a sales person moves
// a deal on and then a late event about it comes.
func (s *story) signing(ctx context.Context) error {
	defer s.rough()()
	l := &s.leads[favoured]
	l.stage, l.aiStage = "contractsent", urbanhub.StageApplication
	deal, _ := s.deal(favoured)
	s.hubspot.EditObject("deals", deal, map[string]string{"dealstage": l.stage})
	if err := s.day(ctx, "tour.completed", "decisionmakerstage", urbanhub.StageTourCompleted, nil, tenant, visitor); err != nil {
		return err
	}
	talk, _ := s.bird.Conversation(l.talk)
	contact, _ := s.bird.Contact(l.person)
	s.say("sales", "a person moves a deal to %s; in Bird the AI stage is %s and the contact's deal stage %v",
		l.stage, talk.Attributes["ai_stage"], contact.Field("deal_stage"))

	s.fact(favoured, "tour.scheduled", map[string]any{"starts_at": "2026-12-02T15:00:00Z"})
	if err := s.day(ctx, "lease.signed", "closedwon", urbanhub.StageLeaseSigned, nil, tenant); err != nil {
		return err
	}
	talk, _ = s.bird.Conversation(l.talk)
	s.say("late event", "the AI tells of a tour of that lead afterwards: a meeting, but the deal stays at %s and the AI stage at %s",
		s.stage(favoured), talk.Attributes["ai_stage"])
	s.say("lease", "one lead signs after the tour, another only saw the property: the deals are at %s and %s", s.stage(tenant), s.stage(visitor))
	return nil
}
