package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/simpreset"
)

// The secrets that both ends know.
const (
	hubspotSecret = "loadtest-client-secret"
	flowSecret    = "loadtest-flow-secret"
)

// vendors are both simulated vendors with their quotas.
type vendors struct {
	bird    *birdtest.Server
	hubspot *hubspottest.Server
}

// newVendors starts both and sets them up as the preset needs it.
func newVendors(ctx context.Context, f flags) (*vendors, error) {
	v := &vendors{bird: birdtest.NewServer(nil), hubspot: hubspottest.NewServer(&hubspottest.Options{Burst: f.burst})}
	if _, err := simpreset.SetUp(ctx, v.bird, v.hubspot); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *vendors) close() {
	v.bird.Close()
	v.hubspot.Close()
}

// fill gives HubSpot n contacts of invented people, numbered from first, and
// returns their ids. They are a day old, and nobody is told of them.
func (v *vendors) fill(first, n int) []string {
	v.hubspot.SetSkew(-24 * time.Hour)
	defer v.hubspot.SetSkew(0)
	ids := make([]string, n)
	for i := range ids {
		k := first + i
		ids[i] = v.hubspot.Create(map[string]string{
			"email": fmt.Sprintf("lead%d@example.com", k), "phone": fmt.Sprintf("+57300%07d", k), "property_preferences": "studio"})
	}
	return ids
}

// settled waits until no webhook is on its way.
func (v *vendors) settled(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := v.bird.WaitWebhooks(ctx); err != nil {
		return err
	}
	return v.hubspot.WaitWebhooks(ctx)
}
