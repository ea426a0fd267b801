package hubspot_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// A journal tells what happened while nobody listened. An engine reads it by
// itself when it is given as one of sync.Peer.Feeds.
func ExampleNewJournal() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	journal, err := hubspot.NewJournal(
		hubspot.ClientCredentials(hubspot.ClientCredentialsOptions{
			ClientID:     account.ClientID,
			ClientSecret: account.ClientSecret,
			BaseURL:      account.URL, // leave it out for the real HubSpot
		}),
		&hubspot.JournalOptions{PortalID: account.PortalID, BaseURL: account.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	page, err := journal.Changes(ctx, "") // subscribes, and begins at the end
	if err != nil {
		fmt.Println(err)
		return
	}
	id := account.Create(map[string]string{"email": "ada@example.com"})
	account.Archive(id)

	if page, err = journal.Changes(ctx, page.Next); err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range page.Changes {
		fmt.Println("look at", c.Ref.Kind, "because of the", c.Reason, c.Ref.ID == id)
	}
	// Output:
	// look at contact because of the journal true
	// look at contact because of the journal true
}

// An app that is installed in the account refreshes its tokens by itself.
func ExampleOAuth() {
	tokens := hubspot.OAuth(hubspot.OAuthOptions{
		ClientID:     "the-app-s-client-id",
		ClientSecret: "the-app-s-client-secret",
		RefreshToken: "what-the-installation-gave",
		OnRotate: func(ctx context.Context, refreshToken string) error {
			return nil // store it where RefreshToken is read at the next start
		},
	})
	hs, err := hubspot.New(tokens, &hubspot.Options{Objects: map[sync.Kind]hubspot.Object{
		hubspot.Contact: {Properties: []string{"email", "firstname", "lastname", "phone"}},
		hubspot.Deal:    {Properties: []string{"dealname", "dealstage"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	peer := sync.Peer{Source: hs, Sink: hs, Feeds: []sync.Pull{
		{Name: "delayed", Feed: hs.Delayed(time.Hour), Every: 10 * time.Minute}}}
	fmt.Println(tokens, len(peer.Feeds))
	// Output: hubspot.OAuth{secret} 1
}
