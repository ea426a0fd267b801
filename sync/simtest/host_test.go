package simtest_test

import (
	"testing"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/simtest"
)

// A host simulates its own mapping, here the ready-made one, with its own
// activity.
func TestHostsMapping(t *testing.T) {
	flow, err := urbanhub.Contacts(urbanhub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	note := &sync.Activity{
		Name: "note", Fact: "conversation.started", System: urbanhub.HubSpot, Kind: "note", Key: "fact_key", Unique: true,
		Relate: []sync.Relation{{Flow: flow.Name, Required: true}},
		Render: func(f sync.Fact) (sync.Fields, error) { return sync.Fields{"hs_note_body": sync.Text(f.Type)}, nil },
	}
	r := simtest.Run(t, simtest.Config{Flows: []*sync.Flow{flow}, Activities: []*sync.Activity{note}, Seeds: 40})
	if r.Writes < 100*r.Seeds/10 || r.Acted[simtest.Tell] == 0 {
		t.Errorf("hardly anything happened: %s", r)
	}
}
