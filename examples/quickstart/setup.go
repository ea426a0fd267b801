package main

import (
	"context"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
)

// setUp makes both accounts as the preset needs them and returns the preset's
// options for what HubSpot's account is capable of.
func (w *world) setUp(ctx context.Context) (urbanhub.Options, error) {
	if err := w.setUpBird(ctx); err != nil {
		return urbanhub.Options{}, err
	}
	report, err := w.setUpHubSpot(ctx)
	if err != nil {
		return urbanhub.Options{}, err
	}
	w.bird.Log().Reset() // the story counts the calls of the sync
	w.hubspot.Log().Reset()
	return urbanhub.Options{UniqueActivities: report.Capabilities.UniqueActivities}, nil
}

// setUpBird defines the attributes and creates the webhooks.
func (w *world) setUpBird(ctx context.Context) error {
	adapter, err := bird.New(w.bird.WorkspaceID, w.bird.AccessKey, &bird.Options{BaseURL: w.bird.URL})
	if err != nil {
		return err
	}
	need, err := bird.ParseSchema(urbanhub.BirdSchema())
	if err != nil {
		return err
	}
	need.Endpoint = bird.Endpoint{URL: publicURL + "/webhooks/bird", SigningKey: birdKey}
	report, err := adapter.Setup(ctx, need, bird.SetupOptions{})
	if err != nil {
		return err
	}
	for _, l := range report.Lines {
		if l.State == bird.Created {
			w.created.Bird++
		}
	}
	return nil
}

// setUpHubSpot creates the properties; the one stage that no stock pipeline
// has is added by a person.
func (w *world) setUpHubSpot(ctx context.Context) (*hubspot.Report, error) {
	w.hubspot.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	adapter, err := hubspot.New(hubspot.Static(w.hubspot.Token), &hubspot.Options{BaseURL: w.hubspot.URL})
	if err != nil {
		return nil, err
	}
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		return nil, err
	}
	report, err := adapter.Setup(ctx, need, hubspot.SetupOptions{})
	if err != nil {
		return nil, err
	}
	for _, l := range report.Lines {
		if l.State == hubspot.Created {
			w.created.HubSpot++
		}
	}
	return report, adapter.Close(ctx)
}
