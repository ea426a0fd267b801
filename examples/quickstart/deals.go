package main

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// The types of activities in HubSpot.
var activityTypes = []string{"notes", "tasks", "meetings"}

// compareLeasing compares, without the engine, what both simulators hold of
// the conversations with what happened in them.
func (s *story) compareLeasing(ctx context.Context) {
	if s.rep.Deals = len(s.hubspot.Objects("deals")); s.rep.Deals != len(s.leads) {
		s.complain("HubSpot holds %d deals of %d conversations", s.rep.Deals, len(s.leads))
	}
	for i := range s.leads {
		s.compareDeal(ctx, i)
	}
	s.rep.Activities = activities{s.countActivities("notes"), s.countActivities("tasks"), s.countActivities("meetings")}
	for i, contact := range s.ids {
		s.compareTimeline(ctx, i, s.told[contact])
	}
}

// compareDeal compares a deal with its conversation and both contacts.
func (s *story) compareDeal(ctx context.Context, i int) {
	l := s.leads[i]
	deal, props := s.deal(i)
	talk, _ := s.bird.Conversation(l.talk)
	contact, _ := s.bird.Contact(l.person)
	if deal == "" || talk.Attributes["hubspot_deal_id"] != deal {
		s.complain("conversation %s does not know its deal", l.talk)
		return
	}
	mate, err := s.mate(ctx, slices.Index(s.ids, l.person))
	if with := s.hubspot.Associated("deals", deal, "contacts"); err != nil || !slices.Equal(with, []string{mate}) {
		s.complain("deal %s belongs to the contacts %v, want %s", deal, with, mate)
	}
	if props["dealstage"] != l.stage || contact.Field("deal_stage") != l.stage || talk.Attributes["ai_stage"] != l.aiStage {
		s.complain("deal %s is at %s, in Bird at %v and %s; want %s and %s", deal, props["dealstage"],
			contact.Field("deal_stage"), talk.Attributes["ai_stage"], l.stage, l.aiStage)
	}
	for _, kind := range activityTypes { // those older than the deal, too
		if got, want := len(s.hubspot.Associated("deals", deal, kind)), s.told[l.person][kind]; got != want {
			s.complain("deal %s has %d %s, want %d", deal, got, kind, want)
		}
	}
}

// compareTimeline compares the activities of a contact with what happened.
func (s *story) compareTimeline(ctx context.Context, i int, told map[string]int) {
	mate, err := s.mate(ctx, i)
	if err != nil {
		return // compareTruth complains
	}
	for _, kind := range activityTypes {
		if got := len(s.hubspot.Associated("contacts", mate, kind)); got != told[kind] {
			s.complain("hubspot contact %s has %d %s, want %d", mate, got, kind, told[kind])
		}
	}
}

// countActivities counts the activities of a type, each of a fact of its own.
func (s *story) countActivities(kind string) int {
	want := 0
	for _, told := range s.told {
		want += told[kind]
	}
	records, keys := s.hubspot.Objects(kind), map[string]bool{}
	for props := range maps.Values(records) {
		keys[props["bird_event_key"]] = true
		if strings.Contains(props["hs_note_body"], "<balcony>") {
			s.complain("a contact's message added markup to a note")
		}
	}
	if len(records) != want || len(keys) != want {
		s.complain("HubSpot holds %d %s of %d facts, want %d", len(records), kind, len(keys), want)
	}
	return len(records)
}
