package hubspot_test

import (
	"context"
	"fmt"
	"os"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
)

// connect returns an adapter for a simulated account, which is closed by its
// Close method.
func connect() (*hubspottest.Server, *hubspot.Adapter) {
	account := hubspottest.NewServer(&hubspottest.Options{Burst: -1})
	hs, err := hubspot.New(hubspot.Static(account.Token), &hubspot.Options{
		BaseURL: account.URL, HTTPClient: account.Client(), RatePer10s: 10_000})
	if err != nil {
		panic(err)
	}
	return account, hs
}

// A dry run tells what an account lacks, and what only a person can decide.
func ExampleAdapter_Setup() {
	account, hs := connect()
	defer account.Close()

	need := hubspot.Schema{
		Group: "bird_sync",
		Properties: []hubspot.Property{
			{Kind: hubspot.Contact, Name: "email", Existing: true},
			{Kind: hubspot.Contact, Name: "custom_bird_contact_id", Label: "Bird contact id", Unique: true},
		},
		Pipelines: []hubspot.Pipeline{{Kind: hubspot.Deal, ID: "default", Stages: []string{"closedwon", "decisionmakerstage"}}},
	}
	report, err := hs.Setup(context.Background(), need, hubspot.SetupOptions{DryRun: true})
	if report != nil {
		_, _ = report.WriteTo(os.Stdout)
	}
	fmt.Println("ready:", err == nil)
	// Output:
	// exists        account   -        33333                   time zone America/Bogota
	// would create  group     contact  bird_sync
	// exists        property  contact  email
	// would create  property  contact  custom_bird_contact_id
	// exists        pipeline  deal     default
	// exists        stage     deal     closedwon
	// error         stage     deal     decisionmakerstage      the pipeline default has the stages appointmentscheduled, qualifiedtobuy, presentationscheduled, decisionmakerboughtin, contractsent, closedwon, closedlost: take one of these ids, or create it
	// ready: false
}

// types are the types of a map that HubSpot's stand for.
var types = map[string]mapping.Type{
	"string": mapping.TypeText, "number": mapping.TypeNumber, "bool": mapping.TypeBool,
	"enumeration": mapping.TypeEnum, "date": mapping.TypeDate, "datetime": mapping.TypeDateTime,
}

// describe is an account's schema in the words of package mapping.
func describe(properties []hubspot.Property) mapping.Schema {
	schema := mapping.Schema{}
	for _, p := range properties {
		m := mapping.Property{Type: types[p.Type], ReadOnly: p.ReadOnly}
		if p.FieldType == "checkbox" {
			m.Type = mapping.TypeMulti
		}
		for _, o := range p.Options {
			m.Options = append(m.Options, o.Value)
		}
		schema[p.Name] = m
	}
	return schema
}

// Before anything is synced the map is proved against the account itself.
func ExampleAdapter_Describe() {
	account, hs := connect()
	defer account.Close()
	ctx := context.Background()
	flow, err := urbanhub.Contacts(urbanhub.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	sound := func() bool {
		properties, err := hs.Describe(ctx, hubspot.Contact)
		return err == nil && mapping.Check(flow, nil, describe(properties)) == nil
	}
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		fmt.Println(err)
		return
	}
	need.Pipelines = nil // whose stages this account lacks
	fmt.Println("sound before the set-up:", sound())
	if _, err := hs.Setup(ctx, need, hubspot.SetupOptions{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sound after the set-up:", sound())
	// Output:
	// sound before the set-up: false
	// sound after the set-up: true
}

// The field of a property that somebody archives pauses and is told of, until
// the property is back.
func ExampleAdapter_Watch() {
	account, hs := connect()
	defer account.Close()
	account.DefineProperty("budget", "number", "number", false)
	account.ArchiveProperty("contacts", "budget")

	ctx, stop := context.WithCancel(context.Background())
	err := hs.Watch(ctx, hubspot.Schema{Properties: []hubspot.Property{
		{Kind: hubspot.Contact, Name: "budget", Type: "number", Existing: true},
	}}, hubspot.WatchOptions{OnChange: func(f hubspot.Finding) {
		fmt.Println(f.Kind, f.Field, f.Rule)
		stop() // a real one watches until the application ends
	}})
	fmt.Println(err, hs.Degraded(hubspot.Contact))
	// Output:
	// contact budget property.active
	// <nil> map[budget:property.active]
}
