//go:build unix

package failover

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/simpreset"
	"github.com/urbanhub/crmsync/sync"
)

// The secrets that both ends know.
const (
	hubspotSecret = "failover-client-secret"
	flowSecret    = "failover-flow-secret"
)

// A town is both vendors and the people who are known to both. That Bird
// counts no reads is for getting to know them; the engine keeps to its quota.
type town struct {
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	unique  map[sync.Kind]bool
	people  []person
}

// A person is a contact on both sides.
type person struct{ bird, hubspot string }

// newTown starts both vendors, sets them up, and lets n people live there.
func newTown(t *testing.T, n int) *town {
	t.Helper()
	v := &town{
		bird:    birdtest.NewServer(&birdtest.Options{GETPerSecond: -1, FlowRetries: 10_000, FlowPause: 500 * time.Millisecond}),
		hubspot: hubspottest.NewServer(&hubspottest.Options{WebhookRetryScale: 0.005}),
	}
	t.Cleanup(func() {
		v.bird.Close()
		v.hubspot.Close()
	})
	can, err := simpreset.SetUp(t.Context(), v.bird, v.hubspot)
	if err != nil {
		t.Fatal(err)
	}
	v.unique = can.UniqueActivities
	for i := range n {
		if err := v.settle(i); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// settle lets a person live there who is equal on both sides.
func (v *town) settle(k int) error {
	email, phone := fmt.Sprintf("lead%d@example.com", k), fmt.Sprintf("+57300%07d", k)
	id, err := v.bird.Create(map[string]any{"email": email, "msisdn": phone})
	if err != nil {
		return err
	}
	p := person{id, v.hubspot.Create(map[string]string{"email": email, "phone": phone, "custom_bird_contact_id": id})}
	v.people = append(v.people, p)
	return v.bird.EditSilently(id, map[string]any{"external_id": p.hubspot})
}

// tell names the address of the webhooks.
func (v *town) tell(webhooks string) {
	v.hubspot.Subscribe(webhooks+hubspotPath, hubspotSecret)
	v.bird.OnContactChange(webhooks+flowPath, flowSecret)
}

// quiet waits until no webhook is on its way.
func (v *town) quiet(ctx context.Context) error {
	if err := v.bird.WaitWebhooks(ctx); err != nil {
		return err
	}
	return v.hubspot.WaitWebhooks(ctx)
}

// lost counts the webhooks that a vendor gave up.
func (v *town) lost() int { return v.bird.FlowStats().Failed + v.hubspot.WebhookStats().Failed }
