package urbanhub_test

import (
	"fmt"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// The preset for an agency in Mexico that only wants contacts from two sources
// in Bird.
func ExampleContacts() {
	flow, err := urbanhub.Contacts(urbanhub.Options{
		Region:      "MX",
		LeadSources: []string{"PAID_SEARCH", "REFERRALS"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range flow.Fields[2:4] {
		fmt.Println(f.Left.Names(), f.Right.Names())
	}
	// Output:
	// [msisdn] [phone]
	// [email] [email]
}

// An agency adds a field of its own to the preset.
func ExampleContactSpec() {
	spec := urbanhub.ContactSpec(urbanhub.Options{})
	spec.Fields = append(spec.Fields, mapping.Number("budget",
		mapping.At("attributes.budget").As(mapping.FormNumber), mapping.At("monthly_budget")))
	flow, err := spec.Flow()
	if err != nil {
		fmt.Println(err)
		return
	}
	budget := flow.Fields[len(flow.Fields)-1]
	v, err := budget.Right.Get(sync.Fields{"monthly_budget": sync.Text("2500000.00")})
	fmt.Println(v, err)
	// Output: 2500000 <nil>
}

// The whole preset, with stages of the agency's own, as an engine's
// configuration takes it.
func ExampleSet() {
	set, err := urbanhub.Set(urbanhub.Options{
		Pipeline: "77",
		Stages:   map[string]string{urbanhub.StageTourScheduled: "778"},
		Zone:     "America/Bogota",
	}).Compile()
	if err != nil {
		fmt.Println(err)
		return
	}
	var cfg sync.Config
	set.AddTo(&cfg)
	for _, f := range cfg.Flows {
		fmt.Println(f.Left.System, f.Left.Kind, "and", f.Right.System, f.Right.Kind)
	}
	for _, a := range cfg.Activities[:5] {
		fmt.Println(a.Fact, "is a", a.Kind)
	}
	// Output:
	// bird contact and hubspot contact
	// bird conversation and hubspot deal
	// conversation.started is a note
	// message.received is a note
	// qualification.completed is a task
	// tour.scheduled is a meeting
	// escalation.triggered is a note
}
