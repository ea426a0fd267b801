package sync_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// inbox hands what a receiver takes in to the engine that the world has then.
type inbox struct{ *world }

func (i inbox) Enqueue(ctx context.Context, items ...sync.Item) error {
	return i.engine.Enqueue(ctx, items...)
}

// A portal is a simulated HubSpot account in the place of the right fake.
type portal struct {
	*hubspottest.Server
	hs       *hubspot.Adapter
	meddling func() // before the next update
}

// withPortal puts HubSpot on the right side of the world.
func withPortal(w *world) *portal {
	time.Sleep(3 * 365 * 24 * time.Hour) // HubSpot's timestamps have 13 digits, those of a bubble's first year 12
	p := &portal{Server: hubspottest.NewPipeServer(&hubspottest.Options{})}
	p.DefineProperty("alpha_id", "string", "text", true)
	flow := w.flow
	flow.Right = sync.Endpoint{System: hubspot.System, Kind: hubspot.Contact, CreateKey: "alpha_id"}
	for i, name := range map[int]string{2: "email", 3: "firstname", 4: "phone"} {
		flow.Fields[i].Right = plain(name)
	}
	flow.Identity = flow.Identity[:2]
	names := slices.DeleteFunc(flow.Names(sync.Right), func(n string) bool { return n == sync.IDField })
	below := p.Client().Transport
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if meddle := p.meddling; meddle != nil && strings.HasSuffix(r.URL.Path, "/batch/update") {
			p.meddling = nil
			meddle()
		}
		return below.RoundTrip(r)
	})}
	hs, err := hubspot.New(hubspot.Static(p.Token), &hubspot.Options{BaseURL: p.URL, HTTPClient: client,
		Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: names, Unique: []string{"alpha_id"}}}})
	if err != nil {
		w.Fatal(err)
	}
	p.hs = hs
	w.cfg.Peers[hubspot.System] = sync.Peer{Source: hs, Sink: hs}
	w.cfg.SweepInterval = -1
	const url = "https://sync.example.com/hooks"
	receiver, err := hubspot.NewReceiver(inbox{w}, hubspot.ReceiverOptions{PublicURL: url, Secrets: []string{"app-secret"}, PortalID: p.PortalID})
	if err != nil {
		w.Fatal(err)
	}
	p.SetWebhookClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, r)
		return answer.Result(), nil
	})})
	p.Subscribe(url, "app-secret")
	return p
}

// C7, with the adapter and its vendor: HubSpot's history tells of the edit.
func TestEditOverwrittenInHubSpotIsRestored(t *testing.T) {
	var p *portal
	bubble(t, func(w *world) {
		defer p.Close()
		settle := func() {
			for range 3 {
				w.settle()
				p.Idle()
			}
		}
		left := w.left.create("email", "ana@example.com", "name", "Ana")
		settle()
		right := w.link(left).Right
		time.Sleep(time.Minute)
		w.left.edit(left, "name", "Ana Gil")
		time.Sleep(10 * time.Second)
		p.meddling = func() {
			if err := p.EditAs(hubspottest.User(7), right.ID, map[string]string{"firstname": "Anita"}); err != nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		settle()
		if p.meddling != nil {
			t.Fatal("nobody meddled")
		}
		var values []string
		for _, r := range p.History(right.ID, "firstname") {
			values = append(values, r.Value)
		}
		if got := strings.Join(values, ", "); got != "Ana, Ana Gil, Anita" && got != "Ana, Anita, Ana Gil, Anita" {
			t.Errorf("the history is %s", got)
		}
		w.holds(w.left, left, "name", "Anita")
		steps := w.lost(left, "name")
		if len(steps) != 1 || steps[0].Rule != "lost-update: policy.last-write-wins" || steps[0].Ambiguous || !steps[0].Written {
			t.Errorf("told as %+v", steps)
		}
		w.agrees(1)
		w.noDead()
		if err := p.hs.Close(w.ctx); err != nil {
			t.Error(err)
		}
	}, func(w *world) { p = withPortal(w) })
}
