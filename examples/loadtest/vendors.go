package main

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
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
	if err := v.setUp(ctx); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *vendors) close() {
	v.bird.Close()
	v.hubspot.Close()
}

func (v *vendors) setUp(ctx context.Context) error {
	b, err := bird.New(v.bird.WorkspaceID, v.bird.AccessKey, &bird.Options{BaseURL: v.bird.URL})
	if err != nil {
		return err
	}
	birdNeeds, err := bird.ParseSchema(urbanhub.BirdSchema())
	if err != nil {
		return err
	}
	birdNeeds.Webhooks = nil // contacts are told of by Flows
	if _, err := b.Setup(ctx, birdNeeds, bird.SetupOptions{}); err != nil {
		return err
	}
	v.hubspot.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	h, err := hubspot.New(hubspot.Static(v.hubspot.Token), &hubspot.Options{BaseURL: v.hubspot.URL})
	if err != nil {
		return err
	}
	hubspotNeeds, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		return err
	}
	if _, err := h.Setup(ctx, hubspotNeeds, hubspot.SetupOptions{}); err != nil {
		return err
	}
	return h.Close(ctx)
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
