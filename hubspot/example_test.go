package hubspot_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// An adapter writes and reads contacts; here it talks to a simulated account.
func ExampleNew() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	account.DefineProperty("custom_bird_contact_id", "string", "text", true)

	hs, err := hubspot.New(hubspot.Static(account.Token), &hubspot.Options{
		BaseURL:    account.URL, // leave it out for the real HubSpot
		HTTPClient: account.Client(),
		Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {
			Properties: []string{"email", "firstname", "custom_bird_contact_id"}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	write := sync.Write{
		Ref: sync.Ref{System: hubspot.System, Kind: hubspot.Contact},
		Key: "custom_bird_contact_id",
		Fields: sync.Fields{
			"custom_bird_contact_id": sync.Text("b-1"),
			"email":                  sync.Text("ada@example.com"),
			"firstname":              sync.Text("Ada"),
		},
	}
	for range 2 { // the second finds what the first created
		results, err := hs.Apply(ctx, []sync.Write{write})
		if err != nil || results[0].Err != nil {
			fmt.Println(err, results)
			return
		}
		fmt.Println("created:", results[0].Created)
	}
	matches, err := hs.Match(ctx, hubspot.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("ada@example.com")}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("found:", matches[0].Candidates[0].Fields["firstname"], "by", matches[0].By)
	// Output:
	// created: true
	// created: false
	// found: Ada by email
}

// printer is an inbox that prints; a host gives the engine.
type printer struct{}

func (printer) Enqueue(_ context.Context, items ...sync.Item) error {
	for _, item := range items {
		fmt.Println("look at", item.(sync.Change).Ref)
	}
	return nil
}

// The snapshot of the quotas is for metrics.
func ExampleAdapter_Quota() {
	sim := hubspottest.NewServer(&hubspottest.Options{Burst: 110})
	defer sim.Close()
	id := sim.Create(map[string]string{"email": "ada@example.com"})
	a, err := hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := a.Read(context.Background(), hubspot.Contact, []string{id}); err != nil {
		fmt.Println(err)
		return
	}
	q := a.Quota()
	fmt.Printf("%d of %d calls in %v, %d by others, %d refused\n", q.Used, q.Limit, q.Window, q.Others, q.Limited)
	// Output: 1 of 110 calls in 10s, 0 by others, 0 refused
}

// A receiver turns signed webhooks into changes.
func ExampleNewReceiver() {
	const publicURL = "https://crm.example.com/hooks/hubspot"
	handler, err := hubspot.NewReceiver(printer{}, hubspot.ReceiverOptions{
		PublicURL: publicURL,
		Secrets:   []string{"the-app-s-client-secret"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`[{"eventId":1,"portalId":33,"occurredAt":1790000000000,"subscriptionType":"contact.creation","objectId":512}]`)
	stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
	req := httptest.NewRequest(http.MethodPost, "/hooks/hubspot", bytes.NewReader(body))
	req.Header.Set("X-HubSpot-Request-Timestamp", stamp)
	req.Header.Set("X-HubSpot-Signature-v3", hubspot.SignV3("the-app-s-client-secret", http.MethodPost, publicURL, body, stamp))

	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req)
	fmt.Println(w.Code)
	// Output:
	// look at hubspot:contact:512
	// 204
}
