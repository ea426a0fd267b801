// Package simpreset makes the accounts of both simulated vendors as the
// ready-made mapping of package urbanhub needs them.
package simpreset

import (
	"context"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
)

// SetUp makes what the preset needs in both accounts, with the adapters' own
// Setup, and returns what HubSpot's is capable of. No webhook of Bird is
// made: whoever uses it tells of contacts and facts by Flows.
func SetUp(ctx context.Context, workspace *birdtest.Server, account *hubspottest.Server) (hubspot.Capabilities, error) {
	if err := setUpBird(ctx, workspace); err != nil {
		return hubspot.Capabilities{}, err
	}
	return setUpHubSpot(ctx, account)
}

func setUpBird(ctx context.Context, workspace *birdtest.Server) error {
	b, err := bird.New(workspace.WorkspaceID, workspace.AccessKey, &bird.Options{BaseURL: workspace.URL, HTTPClient: workspace.Client()})
	if err != nil {
		return err
	}
	needs, err := bird.ParseSchema(urbanhub.BirdSchema())
	if err != nil {
		return err
	}
	needs.Webhooks = nil
	_, err = b.Setup(ctx, needs, bird.SetupOptions{})
	return err
}

// setUpHubSpot adds by hand the one stage that no stock pipeline has.
func setUpHubSpot(ctx context.Context, account *hubspottest.Server) (hubspot.Capabilities, error) {
	account.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	h, err := hubspot.New(hubspot.Static(account.Token), &hubspot.Options{BaseURL: account.URL, HTTPClient: account.Client()})
	if err != nil {
		return hubspot.Capabilities{}, err
	}
	needs, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		return hubspot.Capabilities{}, err
	}
	report, err := h.Setup(ctx, needs, hubspot.SetupOptions{})
	if err != nil {
		return hubspot.Capabilities{}, err
	}
	return report.Capabilities, h.Close(ctx)
}
