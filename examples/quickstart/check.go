package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// The fields that the engine may write on each side.
var (
	birdFields    = []string{"external_id", "msisdn", "email", "attributes.propertyInterest"}
	hubspotFields = []string{"custom_bird_contact_id", "phone", "email", "firstname", "lastname",
		"ai_conversation_status", "urbanhub_property_interest"}
)

// birdWrites returns how often each field of each contact was written.
func (s *story) birdWrites() map[string]int {
	counts := map[string]int{}
	for _, id := range s.ids {
		for _, f := range birdFields {
			counts[id+" "+f] = s.bird.WriteCount(id, f)
		}
	}
	return counts
}

// countWrites finds the field that was written most often since the last
// outside edits, and complains when it is more than once.
func (s *story) countWrites(ctx context.Context, before map[string]int) {
	for i, id := range s.ids {
		for _, f := range birdFields {
			s.count("Bird", id, f, s.bird.WriteCount(id, f)-before[id+" "+f])
		}
		mate, err := s.mate(ctx, i)
		if err != nil {
			continue // verify complains
		}
		for _, f := range hubspotFields {
			s.count("HubSpot", mate, f, s.hubspot.WriteCount(mate, f)+s.hubspot.NoopCount(mate, f))
		}
	}
}

func (s *story) count(side, id, field string, writes int) {
	s.rep.MostWrites = max(s.rep.MostWrites, writes)
	if writes > 1 {
		s.complain("%s %s: %s was written %d times after the last outside edit", side, id, field, writes)
	}
}

func (s *story) complain(format string, args ...any) {
	s.rep.Disagreements = append(s.rep.Disagreements, fmt.Sprintf(format, args...))
}

// verify measures the agreement twice: by the engine's own verification,
// which reads both sides over HTTP through the mapping, and past all of the
// engine, by looking into both simulators.
func (s *story) verify(ctx context.Context) error {
	s.say("verify", "reading all pairs afresh; Bird allows 40 reads a second")
	calls := s.hubspot.Log().Calls("")
	people, err := s.agreement(ctx, s.flow, len(s.ids))
	if err != nil {
		return err
	}
	deals, err := s.agreement(ctx, s.deals, len(s.leads))
	if err != nil {
		return err
	}
	equal := people.Equal + deals.Equal
	s.rep.Compared = people.Compared + deals.Compared
	s.rep.Agreement = float64(equal) / float64(max(s.rep.Compared, 1))
	stats, err := s.queue.Stats(ctx, s.start)
	if err != nil {
		return err
	}
	if s.rep.Dead = stats.Dead; stats.Dead > 0 {
		s.complain("%d dead letters are left", stats.Dead)
	}
	s.compareTruth(ctx)
	s.compareLeasing(ctx)
	s.say("verify", "%d pairs read afresh from both sides (%d HubSpot calls): %d of %d fields agree",
		people.Pairs+deals.Pairs, s.hubspot.Log().Calls("")-calls, equal, s.rep.Compared)
	return nil
}

// agreement is the engine's own verification of a flow that shall have so many
// pairs.
func (s *story) agreement(ctx context.Context, flow *sync.Flow, pairs int) (sync.Agreement, error) {
	a, err := s.engine.Verify(ctx, flow.Name)
	if err != nil {
		return a, err
	}
	for _, d := range a.Differences {
		s.complain("verify: %s and %s differ in %s", d.Left, d.Right, d.Field)
	}
	if a.Pairs != pairs || a.Missing > 0 || a.Skipped > 0 {
		s.complain("verify %s: %d pairs, %d missing, %d fields skipped; want %d, 0, 0", flow.Name, a.Pairs, a.Missing, a.Skipped, pairs)
	}
	return a, nil
}

// compareTruth compares what both simulators hold, without the engine, the
// adapters or the mapping.
func (s *story) compareTruth(ctx context.Context) {
	if n := len(s.hubspot.Contacts()); n != len(s.ids) {
		s.complain("HubSpot holds %d contacts, Bird %d", n, len(s.ids))
	}
	for i, id := range s.ids {
		mate, err := s.mate(ctx, i)
		if err != nil {
			s.complain("%v", err)
			continue
		}
		s.compareContact(id, mate)
	}
}

func (s *story) compareContact(id, mate string) {
	contact, _ := s.bird.Contact(id)
	props, _ := s.hubspot.Contact(mate)
	field := func(name string) string {
		if v := contact.Field(name); v != nil {
			return fmt.Sprint(v)
		}
		return ""
	}
	for _, pair := range [][2]string{
		{id, props["custom_bird_contact_id"]},
		{field("external_id"), mate},
		{field("email"), props["email"]},
		{field("msisdn"), international(props["phone"])},
		{field("name"), strings.TrimSpace(props["firstname"] + " " + props["lastname"])},
		{field("conversation_status"), props["ai_conversation_status"]},
		{field("property_interest"), props["urbanhub_property_interest"]},
		{field("attributes.propertyInterest"), props["property_preferences"]},
	} {
		if pair[0] != pair[1] {
			s.complain("bird contact %s and hubspot contact %s hold different values", id, mate)
		}
	}
}

// international writes a Colombian number as sales people type it in the form
// that Bird keeps.
func international(phone string) string {
	phone = strings.ReplaceAll(phone, " ", "")
	if phone != "" && !strings.HasPrefix(phone, "+") {
		phone = "+57" + phone
	}
	return phone
}
