package hubspottest_test

import (
	"fmt"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// An account whose sales pipeline has one stage more than HubSpot's own.
func ExampleStockPipeline() {
	sales := hubspottest.StockPipeline()
	sales.Stages = append(sales.Stages, hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision Maker"})
	account := hubspottest.NewServer(&hubspottest.Options{Pipelines: []hubspottest.Pipeline{sales}})
	defer account.Close()

	for _, stage := range []string{"decisionmakerstage", "nosuchstage"} {
		_, err := account.CreateObjectAs(hubspottest.User(1), "deals", map[string]string{"dealname": "Casa", "dealstage": stage})
		fmt.Println(stage, err == nil)
	}
	account.RenameStage("default", "decisionmakerstage", "Decision")
	fmt.Println(account.Pipelines()[0].Stages[7].Label)
	// Output:
	// decisionmakerstage true
	// nosuchstage false
	// Decision
}

// A note is put on a contact, which keeps it when it is merged into another one.
func ExampleAccount_Associate() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	ana := account.Create(map[string]string{"firstname": "Ana"})
	anita := account.Create(map[string]string{"firstname": "Anita"})
	note := account.CreateObject("notes", map[string]string{"hs_timestamp": "2026-11-22T10:00:00Z", "hs_note_body": "Called."})
	account.Associate("notes", note, "contacts", ana)

	survivor := account.Merge(anita, ana)
	fmt.Println(account.Associated("contacts", survivor, "notes")[0] == note)
	// Output:
	// true
}
