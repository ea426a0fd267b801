package hubspot_test

import (
	"context"
	"fmt"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// must ends an example that went wrong.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// simulated returns an account with one contact, and an adapter for it.
func simulated() (*hubspottest.Server, *hubspot.Adapter, sync.Ref) {
	account := hubspottest.NewServer(&hubspottest.Options{SearchLag: -1})
	contact := account.Create(map[string]string{"email": "ada@example.com", "firstname": "Ada"})
	hs := must(hubspot.New(hubspot.Static(account.Token), &hubspot.Options{BaseURL: account.URL, HTTPClient: account.Client()}))
	return account, hs, sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: contact}
}

// A note is written on a contact, and read back through the association.
func ExampleAdapter_Apply() {
	account, hs, contact := simulated()
	defer account.Close()
	ctx := context.Background()

	results := must(hs.Apply(ctx, []sync.Write{{
		Ref:     sync.Ref{System: hubspot.System, Kind: hubspot.Note},
		Fields:  sync.Fields{"hs_timestamp": sync.Text("2026-11-02T10:00:00Z"), "hs_note_body": sync.Text("Asked for two rooms.")},
		Related: []sync.Ref{contact},
	}}))
	fmt.Println("created:", results[0].Created, results[0].Err)

	notes := must(hs.Related(ctx, contact, hubspot.Note))
	fmt.Println("the contact's note:", len(notes) == 1 && notes[0].ID == results[0].Record.ID)
	// Output:
	// created: true <nil>
	// the contact's note: true
}

// A contact is said to be a deal's tenant, by a label that people made in
// HubSpot's settings.
func ExampleAdapter_Relate() {
	account, hs, contact := simulated()
	defer account.Close()
	ctx := context.Background()
	deal := sync.Ref{System: hubspot.System, Kind: hubspot.Deal, ID: account.CreateObject("deals", map[string]string{
		"dealname": "Tower 4", "dealstage": "appointmentscheduled"})}
	account.DefineLabel("contacts", "deals", "tenant", "Tenant", "Rented by")

	for _, label := range must(hs.Labels(ctx, hubspot.Contact, hubspot.Deal)) {
		if label.Name == "Tenant" {
			errs := hs.Relate(ctx, hubspot.Association{From: contact, To: deal, Labels: []hubspot.Label{label}})
			fmt.Println("related:", errs)
		}
	}
	for _, x := range must(hs.Associations(ctx, deal, hubspot.Contact)) {
		for _, label := range x.Labels {
			fmt.Printf("%s %q\n", label.Category, label.Name)
		}
	}
	// Output:
	// related: [<nil>]
	// USER_DEFINED "Rented by"
	// HUBSPOT_DEFINED ""
}

// Which contacts an account has, page by page.
func ExampleAdapter_List() {
	account, hs, _ := simulated()
	defer account.Close()

	for page := (sync.ListPage{More: true}); page.More; {
		page = must(hs.List(context.Background(), hubspot.Contact, page.Next))
		for _, r := range page.Records {
			fmt.Println(r.Fields["email"])
		}
	}
	// Output:
	// ada@example.com
}

// A contact is forgotten, as privacy laws ask.
func ExampleAdapter_Erase() {
	account, hs, contact := simulated()
	defer account.Close()
	ctx := context.Background()

	for range 2 { // what is gone before is no error
		fmt.Println(must(hs.Erase(ctx, hubspot.Contact, []string{contact.ID}))[0])
	}
	fmt.Println("gone:", must(hs.Read(ctx, hubspot.Contact, []string{contact.ID}))[0].Deleted)
	// Output:
	// <nil>
	// <nil>
	// gone: true
}

// Two contacts turn out to be one person.
func ExampleAdapter_Merge() {
	account, hs, ada := simulated()
	defer account.Close()
	ctx := context.Background()
	other := ada
	other.ID = account.Create(map[string]string{"email": "a.lovelace@example.com"})

	one := must(hs.Merge(ctx, ada, other))
	fmt.Println(one.Fields["email"], must(hs.Read(ctx, hubspot.Contact, []string{other.ID}))[0].ID == one.ID)
	// Output:
	// ada@example.com true
}

// The stages that deals move through, and who may own them.
func ExampleAdapter_Pipelines() {
	account, hs, _ := simulated()
	defer account.Close()
	ctx := context.Background()

	for _, p := range must(hs.Pipelines(ctx, hubspot.Deal)) {
		last := p.Stages[len(p.Stages)-1]
		fmt.Println(p.ID, "has", len(p.Stages), "stages, the last", last.ID, last.Closed)
	}
	fmt.Println(len(must(hs.Owners(ctx))), "owners")
	// Output:
	// default has 7 stages, the last closedlost true
	// 2 owners
}
