//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/simpreset"
	"github.com/urbanhub/crmsync/sync"
)

// The secrets that both ends know.
const (
	hubspotSecret = "chaos-client-secret"
	flowSecret    = "chaos-flow-secret"
)

// A town is both vendors and those who live in them, with the memory of all
// that they did.
type town struct {
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	unique  map[sync.Kind]bool
	people  []*person
	facts   []fact
	edits   int
	taken   stdsync.Map // from a fact's reason to when its webhook was first taken
	gone    []span      // what was taken then may be lost for good
	// wentBack is when the store first lost what the sync had done.
	wentBack time.Time
}

// A span is from one moment to another.
type span struct{ from, to time.Time }

// A person is a contact with the values that were entered last.
type person struct {
	bird, hubspot string // ids; "" until the sync has made the other one
	fromBird      bool   // where the person first was, and where the email is changed
	email         string
	interest      string               // entered in Bird
	preferences   string               // entered in HubSpot
	entered       map[string]time.Time // when, by the flow's name of the field
}

// enters notes that a person is about to enter a value.
func (p *person) enters(field string) {
	if p.entered == nil {
		p.entered = map[string]time.Time{}
	}
	p.entered[field] = time.Now()
}

// A fact is one that Bird told; its reason is in the note that it becomes.
type fact struct {
	about  *person
	reason string
}

// reasonOf finds the reason in a webhook or a note, "" if there is none.
func reasonOf(text string) string {
	const length = len("reason-000000")
	if i := strings.Index(text, "reason-"); i >= 0 && len(text) >= i+length {
		return text[i : i+length]
	}
	return ""
}

// took notes when a webhook was answered.
func (v *town) took(body []byte) {
	if reason := reasonOf(string(body)); reason != "" {
		v.taken.LoadOrStore(reason, time.Now())
	}
}

// newTown starts both vendors and sets their accounts up. Webhooks come twice
// and late now and then. HubSpot may be one that keeps no keys of notes unique.
func newTown(ctx context.Context, keyless bool) (*town, error) {
	v := &town{
		bird: birdtest.NewServer(&birdtest.Options{GETPerSecond: -1, WritePerSecond: -1, FlowRetries: 10_000, FlowPause: 100 * time.Millisecond}),
		hubspot: hubspottest.NewServer(&hubspottest.Options{Burst: -1, Daily: -1, SearchLag: 500 * time.Millisecond,
			RejectUniqueOnActivities: keyless}),
	}
	can, err := simpreset.SetUp(ctx, v.bird, v.hubspot)
	if err != nil {
		v.close()
		return nil, err
	}
	v.unique = can.UniqueActivities
	v.bird.SetChaos(birdtest.Chaos{Duplicate: 0.2, Delay: 50 * time.Millisecond})
	v.hubspot.SetChaos(hubspottest.Chaos{Duplicate: 0.2, Delay: 50 * time.Millisecond})
	return v, nil
}

func (v *town) close() {
	v.bird.Close()
	v.hubspot.Close()
}

// tell names the address of the webhooks.
func (v *town) tell(webhooks string) {
	v.hubspot.Subscribe(webhooks+hubspotPath, hubspotSecret)
	v.bird.OnContactChange(webhooks+flowPath, flowSecret)
}

// messages counts the webhooks that were taken.
func (v *town) messages() int {
	return v.bird.FlowStats().Delivered + v.hubspot.WebhookStats().Delivered
}

// writes counts what the sync has written to HubSpot.
func (v *town) writes() int {
	return v.hubspot.WriteCount("", "") + v.hubspot.WriteCountOf("notes", "", "")
}

// live lets people come, edit and tell until ctx ends, so often a second.
func (v *town) live(ctx context.Context, rng *rand.Rand, perSecond int) error {
	for range 20 {
		if err := v.move(rng); err != nil {
			return err
		}
	}
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := v.act(rng); err != nil {
				return err
			}
		}
	}
}

// act lets somebody do something.
func (v *town) act(rng *rand.Rand) error {
	p := v.people[rng.IntN(len(v.people))]
	v.meet(p)
	switch n := rng.IntN(100); {
	case n < 3:
		return v.move(rng)
	case n < 15 && p.bird != "":
		return v.happen(p)
	case n < 30:
		return v.writeTo(p)
	case n < 65 && p.bird != "":
		v.edits++
		p.enters("property_interest")
		p.interest = fmt.Sprintf("home %d", v.edits)
		return v.bird.Edit(p.bird, map[string]any{"property_interest": p.interest})
	case p.hubspot != "":
		v.edits++
		p.enters("property_preferences")
		p.preferences = fmt.Sprintf("garden %d", v.edits)
		v.hubspot.Edit(p.hubspot, map[string]string{"property_preferences": p.preferences})
	}
	return nil
}

// move lets a new person come to one of the vendors.
func (v *town) move(rng *rand.Rand) (err error) {
	k := len(v.people)
	p := &person{fromBird: rng.IntN(2) == 0, email: fmt.Sprintf("lead%d@example.com", k)}
	phone := fmt.Sprintf("+57300%07d", k)
	if p.fromBird {
		p.bird, err = v.bird.Create(map[string]any{"name": fmt.Sprint("Lead ", k), "email": p.email, "msisdn": phone})
	} else {
		p.hubspot = v.hubspot.Create(map[string]string{"email": p.email, "phone": phone})
	}
	v.people = append(v.people, p)
	return err
}

// happen tells of a fact.
func (v *town) happen(p *person) error {
	f := fact{about: p, reason: fmt.Sprintf("reason-%06d", len(v.facts))}
	v.facts = append(v.facts, f)
	if !v.bird.RunFlow(p.bird, "escalation.triggered", map[string]any{"reason": f.reason}) {
		return errors.New("a contact is gone from Bird")
	}
	return nil
}

// writeTo gives a person a new email, always on the same side: of two edits
// at once one has to lose.
func (v *town) writeTo(p *person) error {
	v.edits++
	p.enters("email")
	p.email = fmt.Sprintf("lead%d@example.com", 1_000_000+v.edits)
	if p.fromBird {
		return v.bird.Edit(p.bird, map[string]any{"email": p.email})
	}
	v.hubspot.Edit(p.hubspot, map[string]string{"email": p.email})
	return nil
}

// meet looks whether a person has arrived on the other side.
func (v *town) meet(p *person) {
	if p.bird == "" {
		props, _ := v.hubspot.Contact(p.hubspot)
		p.bird = props["custom_bird_contact_id"]
	}
	if p.hubspot == "" {
		contact, _ := v.bird.Contact(p.bird)
		p.hubspot, _ = contact.Field("external_id").(string)
	}
}
