package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
)

type setupCommand struct {
	Yes       bool `help:"Do it; without this it only tells what it would do."`
	RotateKey bool `help:"Give Bird's webhooks the present signing key. Keep the old one in CRMSYNC_BIRD_SIGNING_KEY_OLD for a day."`
}

// Run makes both accounts as the mapping needs them, and keeps what they can
// do in the store.
func (s *setupCommand) Run(ctx context.Context, t *terminal) error {
	return t.withNew(ctx, func(d *deployment) error { return s.setUp(ctx, t, d) })
}

func (s *setupCommand) setUp(ctx context.Context, t *terminal, d *deployment) error {
	inBird, err := d.setupBird(ctx, bird.SetupOptions{DryRun: !s.Yes, RotateKey: s.RotateKey, EnableChannels: true})
	inHubSpot, err2 := d.setupHubSpot(ctx, hubspot.SetupOptions{DryRun: !s.Yes})
	if s.Yes && inHubSpot != nil {
		err2 = errors.Join(err2, d.learn(ctx, inHubSpot.Capabilities.UniqueActivities))
	}
	printed := t.print(struct {
		Bird    *bird.Report    `json:"bird"`
		HubSpot *hubspot.Report `json:"hubspot"`
		Done    bool            `json:"done"`
	}{inBird, inHubSpot, s.Yes}, func(w io.Writer) {
		if inBird != nil {
			fmt.Fprintf(w, "Bird\n%s\n", inBird)
		}
		if inHubSpot != nil {
			fmt.Fprintf(w, "HubSpot\n%s", inHubSpot)
		}
		switch {
		case s.Yes:
		case pending(inBird, inHubSpot) || !d.learnt(ctx):
			fmt.Fprintln(w, "\nNothing was changed. Do it by crmsyncd setup --yes")
		case err == nil && err2 == nil:
			fmt.Fprintln(w, "\nsetup has nothing to do")
		}
	})
	if err = errors.Join(err, err2); err != nil {
		err = found("something is left for a person:\n" + err.Error())
	}
	return errors.Join(err, printed)
}

// pending reports whether a set-up would change something.
func pending(inBird *bird.Report, inHubSpot *hubspot.Report) bool {
	return inBird != nil && slices.ContainsFunc(inBird.Lines, func(l bird.Line) bool {
		return l.State == bird.WouldCreate || l.State == bird.WouldChange || l.State == bird.WouldRemove
	}) || inHubSpot != nil && slices.ContainsFunc(inHubSpot.Lines, func(l hubspot.Line) bool {
		return l.State == hubspot.WouldCreate || l.State == hubspot.WouldChange
	})
}

// learnt reports whether a set-up has kept what the account can do.
func (d *deployment) learnt(ctx context.Context) bool {
	cursor, err := d.storage.store.Cursor(ctx, learned)
	return err == nil && cursor != ""
}

func (d *deployment) setupBird(ctx context.Context, o bird.SetupOptions) (*bird.Report, error) {
	need, err := d.cfg.birdSchema()
	if err != nil {
		return nil, err
	}
	return d.bird.Setup(ctx, need, o)
}

func (d *deployment) setupHubSpot(ctx context.Context, o hubspot.SetupOptions) (*hubspot.Report, error) {
	need, err := d.cfg.hubspotSchema()
	if err != nil {
		return nil, err
	}
	return d.hubspot.Setup(ctx, need, o)
}
