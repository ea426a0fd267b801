package hubspot_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// installed returns the options of an app that was just put into the account.
func installed(t *testing.T, sim *hubspottest.Server) hubspot.OAuthOptions {
	t.Helper()
	res, err := sim.Client().PostForm(sim.URL+"/oauth/2026-09/token", url.Values{"grant_type": {"authorization_code"},
		"client_id": {sim.ClientID}, "client_secret": {sim.ClientSecret}, "code": {sim.Install()}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Refresh string `json:"refresh_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Refresh == "" {
		t.Fatal("the code was not exchanged", err)
	}
	return hubspot.OAuthOptions{ClientID: sim.ClientID, ClientSecret: sim.ClientSecret, RefreshToken: got.Refresh,
		BaseURL: sim.URL, HTTPClient: sim.Client()}
}

// An app works for a day on tokens of half an hour, each refresh token good
// for one use, until it is uninstalled.
func TestAnInstalledAppWorksUntilItIsUninstalled(t *testing.T) {
	for _, version := range []string{"2026-09", "2026-03", "v3"} {
		synctest.Test(t, func(t *testing.T) {
			o := hubspottest.Options{}
			o.App.RotateRefreshTokens = true
			sim := hubspottest.NewPipeServer(&o)
			defer sim.Close()
			id := sim.Create(map[string]string{"email": email(1)})
			opts := installed(t, sim)
			opts.APIVersion = version
			stored := ""
			opts.OnRotate = func(_ context.Context, refresh string) error { stored = refresh; return nil }
			connect := func(opts hubspot.OAuthOptions) *hubspot.Adapter {
				hs, err := hubspot.New(hubspot.OAuth(opts), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client(), APIVersion: version})
				if err != nil {
					t.Fatal(err)
				}
				return hs
			}
			read := func(hs *hubspot.Adapter) error {
				_, err := hs.Read(t.Context(), hubspot.Contact, []string{id})
				return err
			}
			hs := connect(opts)
			for range 24 * 6 {
				if err := read(hs); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
			}
			if n := sim.TokenRequests("refresh_token"); n < 48 || n > 75 {
				t.Errorf("%s: %d tokens in a day", version, n)
			}
			sim.ExpireTokens() // before their time
			if err := read(hs); err != nil {
				t.Errorf("%s: after its token was ended: %v", version, err)
			}
			if err := hs.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			opts.RefreshToken = stored
			hs = connect(opts)
			if err := read(hs); err != nil {
				t.Errorf("%s: with the refresh token that was stored last: %v", version, err)
			}
			sim.Uninstall()
			time.Sleep(time.Hour)
			before := sim.TokenRequests("refresh_token")
			for range 60 {
				if err := read(hs); sync.ActionOf(err) != sync.Denied {
					t.Fatalf("%s: without the app: %v", version, err)
				}
				time.Sleep(time.Minute)
			}
			if n := sim.TokenRequests("refresh_token") - before; n > 8 {
				t.Errorf("%s: %d requests in an hour for an app that is gone", version, n)
			}
			if err := hs.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}
