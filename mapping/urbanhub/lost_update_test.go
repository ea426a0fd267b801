package urbanhub_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// hear has HubSpot's webhooks handed to the engine.
func (o *office) hear() {
	o.Helper()
	const url = "https://sync.example.com/hooks"
	receiver, err := hubspot.NewReceiver(o.engine, hubspot.ReceiverOptions{PublicURL: url, Secrets: []string{o.hub.ClientSecret}, PortalID: o.hub.PortalID})
	if err != nil {
		o.Fatal(err)
	}
	o.answer(receiver)
	o.hub.Subscribe(url, o.hub.ClientSecret)
}

// answer has a receiver take all that HubSpot sends.
func (o *office) answer(receiver http.Handler) {
	o.hub.SetWebhookClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, r)
		return answer.Result(), nil
	})})
}

// meddle has somebody edit a contact in HubSpot just before the next update
// gets there.
func (o *office) meddle(id string, properties map[string]string) (done func() bool) {
	armed := true
	o.hub.Faults().Add(hubspottest.Fault{Match: func(r *http.Request) bool {
		if armed && strings.HasSuffix(r.URL.Path, "/contacts/batch/update") {
			armed = false
			if err := o.hub.EditAs(hubspottest.User(7), id, properties); err != nil {
				o.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		return false
	}})
	return func() bool { return !armed }
}

// C7, with both adapters: what a person edits in HubSpot between the read and
// the write of the field is found in HubSpot's history, and comes back.
func TestEditOverwrittenInHubSpotIsRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(3 * 365 * 24 * time.Hour) // timestamps have 13 digits, those of a bubble's first year 12
		o := openOffice(t, birdtest.NewPipeServer(nil), hubspottest.NewPipeServer(nil))
		o.hear()
		contact := o.crowd(1)[0]
		o.rest()
		link, err := o.store.Link(t.Context(), "urbanhub-contacts", contact)
		if err != nil {
			t.Fatal(err)
		}
		met := o.meddle(link.Right.ID, map[string]string{"email": "ida@example.com"})
		if err := o.bird.Edit(contact.ID, map[string]any{"email": "eva@example.com"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		o.enqueue(sync.Change{ID: "edited", Ref: contact, Reason: sync.ReasonWebhook})
		for range 3 {
			o.rest()
			o.hub.Idle()
		}
		var values []string
		for _, r := range o.hub.History(link.Right.ID, "email") {
			values = append(values, r.Value)
		}
		if !met() || !slices.Equal(values, []string{"ida@example.com", "eva@example.com", "ida@example.com"}) {
			t.Errorf("met %t, the history in HubSpot is %q", met(), values)
		}
		if c, ok := o.bird.Contact(contact.ID); !ok || c.Field("email") != "ida@example.com" {
			t.Errorf("Bird has %+v", c)
		}
		told, err := o.engine.Explain(t.Context(), "urbanhub-contacts", contact)
		if err != nil {
			t.Fatal(err)
		}
		var lost []sync.Step
		for _, f := range told.Fields {
			for _, s := range f.Steps {
				if strings.HasPrefix(s.Rule, "lost-update: ") {
					lost = append(lost, s)
				}
			}
		}
		if len(lost) != 1 || lost[0].Rule != "lost-update: policy.last-write-wins" || lost[0].Ambiguous || !lost[0].Written ||
			lost[0].Before != [2]sync.Value{sync.Text("eva@example.com"), sync.Text("ida@example.com")} {
			t.Errorf("told as %+v", lost)
		}
		o.noDead()
	})
}
