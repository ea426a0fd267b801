package hubspot_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

const birdID = "custom_bird_contact_id"

// account is an adapter with the simulated account it talks to, in a bubble.
type account struct {
	*testing.T
	sim *hubspottest.Server
	hs  *hubspot.Adapter
}

// inAccount runs a test against a simulated account in virtual time.
func inAccount(t *testing.T, o hubspottest.Options, opts hubspot.Options, test func(t *testing.T, a account)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(&o)
		defer sim.Close()
		sim.DefineProperty(birdID, "string", "text", true)
		sim.DefineProperty("color", "enumeration", "select", false, "red", "blue")
		opts.BaseURL, opts.HTTPClient = sim.URL, sim.Client()
		if opts.Objects == nil {
			opts.Objects = map[sync.Kind]hubspot.Object{hubspot.Contact: {
				Properties: []string{"email", "firstname", "phone", "color", birdID}}}
		}
		hs, err := hubspot.New(hubspot.Static(sim.Token), &opts)
		if err != nil {
			t.Fatal(err)
		}
		test(t, account{t, sim, hs})
		if err := hs.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// calls counts the requests whose path has this part.
func (a account) calls(part string) int { return a.sim.Log().Calls(part) }

func (a account) create(n int) string {
	return a.sim.Create(map[string]string{"email": email(n), "firstname": fmt.Sprint("Name", n),
		"phone": phone(n), birdID: bird(n)})
}

func email(n int) string { return fmt.Sprintf("p%d@example.com", n) }
func phone(n int) string { return fmt.Sprintf("+57300%07d", n) }
func bird(n int) string  { return fmt.Sprintf("bird-%d", n) }

func (a account) read(ids ...string) []sync.Record {
	a.Helper()
	recs, err := a.hs.Read(a.Context(), hubspot.Contact, ids)
	if err != nil {
		a.Fatal(err)
	}
	return recs
}

func (a account) apply(writes ...sync.Write) []sync.Result {
	a.Helper()
	res, err := a.hs.Apply(a.Context(), writes)
	if err != nil {
		a.Fatal(err)
	}
	return res
}

func write(id string, fields map[string]string) sync.Write {
	w := sync.Write{Ref: sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: id}, Fields: sync.Fields{}}
	for k, v := range fields {
		w.Fields[k] = sync.Text(v)
	}
	return w
}

func keyed(key string, fields map[string]string) sync.Write {
	w := write("", fields)
	w.Key = key
	return w
}
