package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// A story is one run of the quickstart.
type story struct {
	*world
	out    io.Writer
	start  time.Time
	rng    *rand.Rand
	people []person
	ids    []string // of the people, in Bird
	leads  []lead
	told   map[string]map[string]int // activities that a contact of Bird shall have, by their type in HubSpot
	rep    report
}

// begin starts both vendors and sets them up. The story is to be closed, also
// after an error.
func begin(ctx context.Context, contacts int, seed uint64, out io.Writer) (*story, error) {
	fmt.Fprintln(out, "crmsync quickstart: two simulated vendors on loopback; nothing leaves this machine")
	fmt.Fprintln(out)
	w, err := newWorld(ctx, seed)
	s := &story{world: w, out: out, start: time.Now(), rng: rand.New(rand.NewPCG(seed, 2)), people: people(contacts+5, seed),
		told: map[string]map[string]int{}}
	s.rep.Contacts = contacts
	return s, err
}

// play runs the whole story.
func (s *story) play(ctx context.Context) error {
	s.say("set-up", "by the adapters, as the preset needs it: %d things created in HubSpot, %d in Bird", s.created.HubSpot, s.created.Bird)
	for _, chapter := range []func(context.Context) error{
		s.firstSync, s.newLeads, s.editsInHubSpot, s.conflict, s.doubledWebhook, s.droppedWebhook,
		s.outage, s.invalidPhone, s.rush, s.conversations, s.leasing, s.signing, s.explain,
	} {
		if err := chapter(ctx); err != nil {
			s.rep.measure(s.tally)
			return err
		}
	}
	s.rep.measure(s.tally)
	return s.verify(ctx)
}

// say narrates one step.
func (s *story) say(topic, format string, args ...any) {
	fmt.Fprintf(s.out, "%6.2fs  %-11s %s\n", time.Since(s.start).Seconds(), topic, fmt.Sprintf(format, args...))
}

// firstSync lets leads that wait in Bird meet an account that knows some of
// them already, by email or by phone.
func (s *story) firstSync(ctx context.Context) error {
	waiting := s.people[:len(s.people)-5]
	known := 0
	for i, p := range waiting {
		switch i % 10 {
		case 3:
			s.hubspot.Create(map[string]string{"email": p.email, "firstname": "Known"})
			known++
			s.rep.Changes++
		case 7:
			s.hubspot.Create(map[string]string{"phone": p.phone, "firstname": "Called"})
			known++
			s.rep.Changes++
		}
		if err := s.lead(p); err != nil {
			return err
		}
	}
	time.Sleep(300 * time.Millisecond) // HubSpot's search sees new contacts late
	if err := s.listen(); err != nil {
		return err
	}
	s.run(ctx)
	if _, err := s.engine.Sweep(ctx, "bird"); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if got := len(s.hubspot.Contacts()); got != len(waiting) {
		return fmt.Errorf("first sync: HubSpot has %d contacts, want %d", got, len(waiting))
	}
	s.say("first sync", "%d leads of Bird are in HubSpot: %d created, %d found by email or phone, with %d calls",
		len(waiting), len(waiting)-known, known, s.hubspot.Log().Calls(""))
	return nil
}

// lead creates a contact in Bird.
func (s *story) lead(p person) error {
	id, err := s.bird.Create(p.fields())
	s.ids = append(s.ids, id)
	s.rep.Changes++
	return err
}

// newLeads lets people write to Bird while everything runs.
func (s *story) newLeads(ctx context.Context) error {
	for _, p := range s.people[len(s.people)-5:] {
		if err := s.lead(p); err != nil {
			return err
		}
	}
	s.bird.StartConversation(s.ids[len(s.ids)-1])
	s.expect(s.ids[len(s.ids)-1], "notes")
	if err := s.settle(ctx); err != nil {
		return err
	}
	p := s.people[len(s.people)-1]
	mate, err := s.mate(ctx, len(s.ids)-1)
	if err != nil {
		return err
	}
	props, _ := s.hubspot.Contact(mate)
	s.say("new leads", "5 people write to Bird; %s is HubSpot contact %s, first name %s", p.name, mate, props["firstname"])
	return nil
}

// mate returns the HubSpot id linked to a person.
func (s *story) mate(ctx context.Context, i int) (string, error) {
	link, err := s.store.Link(ctx, s.flow.Name, sync.Ref{System: "bird", Kind: "contact", ID: s.ids[i]})
	if err != nil {
		return "", fmt.Errorf("person %d has no link: %w", i, err)
	}
	return link.Right.ID, nil
}

// edit changes a contact in HubSpot as a person would.
func (s *story) edit(ctx context.Context, i int, props map[string]string) (string, error) {
	mate, err := s.mate(ctx, i)
	if err != nil {
		return "", err
	}
	s.hubspot.Edit(mate, props)
	s.rep.Changes++
	return mate, nil
}

// editsInHubSpot lets sales people work.
func (s *story) editsInHubSpot(ctx context.Context) error {
	n := max(len(s.people)/4, 3)
	for i := range n {
		if _, err := s.edit(ctx, i, map[string]string{"phone": fmt.Sprintf("301 %07d", i), "property_preferences": "balcony"}); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	contact, _ := s.bird.Contact(s.ids[0])
	s.say("hubspot>bird", "%d contacts edited in HubSpot; in Bird the first now has %v and prefers a %v",
		n, contact.Field("msisdn"), contact.Field("attributes.propertyInterest"))
	echoes, _, _ := s.tally.counts()
	s.say("echo", "%d signals so far were echoes of our own writes: recognised by the base, not written back", echoes)
	return nil
}

// conflict edits one field on both sides at the same moment. Only Bird tells:
// by HubSpot's webhook its edit could be in Bird before the other is made.
func (s *story) conflict(ctx context.Context) error {
	s.hubspot.DropNext(1)
	mate, err := s.edit(ctx, 1, map[string]string{"email": "from.hubspot@example.com"})
	if err != nil {
		return err
	}
	if err := s.bird.Edit(s.ids[1], map[string]any{"email": "from.bird@example.com"}); err != nil {
		return err
	}
	s.rep.Changes++
	if err := s.settle(ctx); err != nil {
		return err
	}
	entries, err := s.engine.Entries(ctx, sync.AuditFilter{Ref: sync.Ref{System: "hubspot", Kind: "contact", ID: mate}, Limit: 1000})
	if err != nil {
		return err
	}
	for _, e := range entries {
		if d := e.Decision; d != nil && d.Conflict && d.Field == "email" {
			lost, _ := d.Lost()
			s.say("conflict", "email edited on both sides: %s wins by %s (ambiguous order: %t); the audit keeps %s",
				d.After, d.Rule, d.Ambiguous, lost)
			return nil
		}
	}
	return errors.New("conflict: the audit has no decision on the email edited on both sides")
}

// doubledWebhook delivers every webhook twice.
func (s *story) doubledWebhook(ctx context.Context) error {
	s.hubspot.SetChaos(hubspottest.Chaos{Duplicate: 1})
	defer s.hubspot.SetChaos(hubspottest.Chaos{})
	before := s.bird.WriteCount(s.ids[2], "msisdn")
	if _, err := s.edit(ctx, 2, map[string]string{"phone": "+573020000002"}); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if writes := s.bird.WriteCount(s.ids[2], "msisdn") - before; writes != 1 {
		return fmt.Errorf("doubled webhook: %d writes, want 1", writes)
	}
	s.say("doubled", "HubSpot delivers a webhook twice: one write")
	return nil
}

// droppedWebhook loses a webhook for good; the sweep finds the change.
func (s *story) droppedWebhook(ctx context.Context) error {
	s.hubspot.DropNext(1)
	if _, err := s.edit(ctx, 3, map[string]string{"phone": "+573030000003"}); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	contact, _ := s.bird.Contact(s.ids[3])
	if contact.Field("msisdn") == "+573030000003" {
		return errors.New("dropped webhook: it arrived all the same")
	}
	time.Sleep(300 * time.Millisecond) // the search index catches up
	found, err := s.engine.Sweep(ctx, hubspot.System)
	if err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	contact, _ = s.bird.Contact(s.ids[3])
	if contact.Field("msisdn") != "+573030000003" {
		return errors.New("dropped webhook: the sweep did not find the change")
	}
	s.say("dropped", "HubSpot loses a webhook; the sweep looks at %d recent contacts and finds the change", found)
	return nil
}

// outage takes HubSpot down for two seconds.
func (s *story) outage(ctx context.Context) error {
	s.tally.pause(true)
	defer s.tally.pause(false)
	_, _, before := s.tally.counts()
	s.hubspot.Down(true)
	time.AfterFunc(2*time.Second, func() { s.hubspot.Down(false) })
	began := time.Now()
	for i := 4; i < 8; i++ {
		if err := s.bird.Edit(s.ids[i], map[string]any{"conversation_status": "qualified"}); err != nil {
			return err
		}
		s.rep.Changes++
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	mate, err := s.mate(ctx, 4)
	if err != nil {
		return err
	}
	if props, _ := s.hubspot.Contact(mate); props["ai_conversation_status"] != "qualified" {
		return errors.New("outage: the edit did not arrive")
	}
	_, _, retries := s.tally.counts()
	s.say("outage", "HubSpot is down for 2 s; 4 edits of Bird wait, %d retries, all arrived after %.1f s", retries-before, time.Since(began).Seconds())
	return nil
}

// invalidPhone sends a value that breaks a rule to the dead letters, and
// replays it after the fix.
func (s *story) invalidPhone(ctx context.Context) error {
	mate, err := s.edit(ctx, 8, map[string]string{"phone": "call me"})
	if err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	dead, err := s.queue.Dead(ctx, sync.DeadFilter{})
	if err != nil {
		return err
	}
	if len(dead) != 1 {
		return fmt.Errorf("invalid phone: %d dead letters, want 1", len(dead))
	}
	history := dead[0].History
	s.say("dead letter", "%s", history[len(history)-1].Error)
	s.hubspot.DropNext(1) // so that only the replay can bring the fix
	s.hubspot.Edit(mate, map[string]string{"phone": "+573018000008"})
	s.rep.Changes++
	if err := s.settle(ctx); err != nil {
		return err
	}
	if _, err := s.queue.Replay(ctx, time.Now(), dead[0].Message.ID); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	contact, _ := s.bird.Contact(s.ids[8])
	if contact.Field("msisdn") != "+573018000008" {
		return errors.New("invalid phone: the replay did not bring the fix")
	}
	s.say("replayed", "a person corrects the phone and replays: Bird has %v", contact.Field("msisdn"))
	return nil
}

// rush edits many contacts on both sides at once: the last outside edits, after
// which every field is written at most once on each side.
func (s *story) rush(ctx context.Context) error {
	s.hubspot.ResetCounts()
	before := s.birdWrites()
	s.bird.SetChaos(birdtest.Chaos{Duplicate: 0.2})
	s.hubspot.SetChaos(hubspottest.Chaos{Duplicate: 0.2, Delay: 20 * time.Millisecond})
	order := s.rng.Perm(len(s.ids))
	sales, agents := order[:len(order)/5], order[len(order)-len(order)/10:]
	for _, i := range agents {
		if err := s.bird.Edit(s.ids[i], map[string]any{"conversation_status": "tour_scheduled"}); err != nil {
			return err
		}
		s.rep.Changes++
	}
	for _, i := range sales {
		email := fmt.Sprintf("moved%d.%d@example.com", i, s.rng.IntN(1e6))
		if _, err := s.edit(ctx, i, map[string]string{"email": email}); err != nil {
			return err
		}
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	if _, err := s.engine.Sweep(ctx, hubspot.System); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.countWrites(ctx, before)
	s.rep.count(s.world)
	s.say("rush", "%d edits in HubSpot and %d in Bird at once, a fifth of the webhooks doubled and shuffled; at most %d write of one field",
		len(sales), len(agents), s.rep.MostWrites)
	return nil
}
