package main

import (
	"context"
	"os"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// newBird returns the adapter of the workspace.
func (d *deployment) newBird() (*bird.Adapter, error) {
	zone, err := time.LoadLocation(d.cfg.Bird.Zone)
	if err != nil {
		return nil, err
	}
	summary, err := bird.NewSummarizer(&bird.SummaryOptions{Location: zone})
	if err != nil {
		return nil, err
	}
	return bird.New(d.cfg.Bird.Workspace, d.cfg.Bird.AccessKey.text, &bird.Options{
		BaseURL: d.cfg.Bird.BaseURL, ExternalIDKey: d.cfg.Bird.ExternalIDKey, Permits: d.storage.permits, Summary: summary, OnCall: d.told, Logger: d.log,
		Fields:        fields(d.set.Flows, bird.System, bird.Contact),
		Conversations: fields(d.set.Flows, bird.System, bird.ConversationKind)})
}

// birdSchema is what the mapping needs of the workspace.
func (c *config) birdSchema() (bird.Schema, error) {
	var need bird.Schema
	if c.Mapping.File == "" {
		var err error
		if need, err = bird.ParseSchema(urbanhub.BirdSchema()); err != nil {
			return need, err
		}
	}
	if c.Bird.ExternalIDKey != "" {
		need.Identifier.Key = c.Bird.ExternalIDKey
	}
	need.Endpoint = bird.Endpoint{URL: c.PublicURL + birdPath, SigningKey: bird.Secret(c.Bird.SigningKey.text)}
	return need, nil
}

// newHubSpot returns the adapter of the account.
func (d *deployment) newHubSpot() (*hubspot.Adapter, error) {
	return hubspot.New(d.tokens(), &hubspot.Options{
		BaseURL: d.cfg.HubSpot.BaseURL, Region: d.cfg.Mapping.Region, RatePer10s: d.cfg.HubSpot.RatePer10s, SearchLag: d.cfg.HubSpot.SearchLag,
		Objects: d.objects(), Permits: d.storage.permits, OnCall: d.told, Logger: d.log})
}

// objects are the kinds of records to keep in step, with what is read of them,
// and those of activities, which are looked for after a lost answer.
func (d *deployment) objects() map[sync.Kind]hubspot.Object {
	out := map[sync.Kind]hubspot.Object{}
	for _, a := range d.set.Activities {
		if activity := a.Kind != hubspot.CustomEvent && a.Kind != hubspot.ActionCompletion; a.System == hubspot.System && activity && !a.Update {
			out[a.Kind] = hubspot.Object{Properties: []string{a.Key}, NoSweep: true}
		}
	}
	for _, kind := range kinds(d.set.Flows, hubspot.System) {
		out[kind] = hubspot.Object{Properties: fields(d.set.Flows, hubspot.System, kind), Unique: d.unique(kind)}
	}
	return out
}

// unique names the properties by which records of a kind are created.
func (d *deployment) unique(kind sync.Kind) []string {
	var out []string
	for _, f := range d.set.Flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			if end := f.End(s); end.System == hubspot.System && end.Kind == kind && end.CreateKey != "" {
				out = append(out, end.CreateKey)
			}
		}
	}
	return out
}

// tokens are those of a service key, or of an app that is installed.
func (d *deployment) tokens() hubspot.TokenSource {
	h := &d.cfg.HubSpot
	if h.Token.set() {
		return hubspot.Static(h.Token.text)
	}
	return hubspot.OAuth(hubspot.OAuthOptions{ClientID: h.ClientID, ClientSecret: h.ClientSecret.text, RefreshToken: h.RefreshToken.text,
		BaseURL: h.BaseURL, OnRotate: d.keepRefreshToken})
}

// keepRefreshToken writes a new refresh token to the file of the old one, so
// that the next start knows it.
func (d *deployment) keepRefreshToken(ctx context.Context, token string) error {
	file := d.cfg.HubSpot.RefreshToken.file
	if file == "" {
		d.log.WarnContext(ctx, "HubSpot gave a new refresh token, which the next start will not know; "+
			"give it by CRMSYNC_HUBSPOT_REFRESH_TOKEN_FILE, a file that this process may write")
		return nil
	}
	if err := os.WriteFile(file+".new", []byte(token), 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

// feeds are the streams of HubSpot's changes beside the sweep.
func (d *deployment) feeds() ([]sync.Pull, error) {
	out := []sync.Pull{{Name: "delayed", Feed: d.hubspot.Delayed(time.Hour), Every: 10 * time.Minute}}
	h := &d.cfg.HubSpot
	if !h.Journal {
		return out, nil
	}
	journal, err := hubspot.NewJournal(
		hubspot.ClientCredentials(hubspot.ClientCredentialsOptions{ClientID: h.ClientID, ClientSecret: h.ClientSecret.text, BaseURL: h.BaseURL}),
		&hubspot.JournalOptions{PortalID: int64(h.Portal), Objects: d.objects(), BaseURL: h.BaseURL, OnCall: d.told, Logger: d.log})
	if err != nil {
		return nil, err
	}
	d.onClose(journal.Close)
	return append(out, sync.Pull{Name: "journal", Feed: journal, Every: 2 * time.Second}), nil
}
