// Command trial plays Bird and HubSpot on loopback, so that crmsyncd can be
// tried without an account. The configuration and the secrets that fit it are
// beside it. Until it is interrupted, people edit contacts on both sides.
//
//	go run ./examples/crmsyncd/trial
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/simpreset"
)

// What crmsyncd.yaml and crmsyncd.env beside this file say, too.
const (
	publicURL     = "https://sync.example.com"
	hubspotSecret = "trial-client-secret"
	flowSecret    = "trial-flow-secret"
)

func main() {
	birdAddr := flag.String("bird", "127.0.0.1:8701", "where Bird listens")
	hubspotAddr := flag.String("hubspot", "127.0.0.1:8702", "where HubSpot listens")
	daemon := flag.String("daemon", "http://127.0.0.1:8700", "where crmsyncd listens")
	people := flag.Int("people", 20, "how many contacts there are")
	ready := flag.Bool("ready", false, "have both accounts set up already, as crmsyncd setup does it")
	every := flag.Duration("every", 3*time.Second, "how often somebody edits one; 0 never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	v := newVendors(*daemon)
	defer v.close()
	err := v.setUp(ctx, *ready)
	if err == nil {
		err = v.run(ctx, *birdAddr, *hubspotAddr, *people, *every)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		stop()
		os.Exit(1)
	}
}

// vendors are both simulated vendors.
type vendors struct {
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	people  []string // their ids in Bird
}

// newVendors starts both. What they send to the public address goes to the
// daemon, as through a proxy.
func newVendors(daemon string) *vendors {
	v := &vendors{bird: birdtest.NewServer(nil), hubspot: hubspottest.NewServer(nil)}
	v.hubspot.SetWebhookClient(&http.Client{Transport: detour(daemon), Timeout: 5 * time.Second})
	v.hubspot.Subscribe(publicURL+"/webhooks/hubspot", hubspotSecret)
	v.bird.Proxy(publicURL, daemon)
	v.bird.OnContactChange(publicURL+"/flows/bird", flowSecret)
	return v
}

// setUp makes what programs that do not set up accounts need, or else the one
// stage that no program makes.
func (v *vendors) setUp(ctx context.Context, ready bool) error {
	if !ready {
		v.hubspot.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
		return nil
	}
	_, err := simpreset.SetUp(ctx, v.bird, v.hubspot)
	return err
}

func (v *vendors) close() {
	v.bird.Close()
	v.hubspot.Close()
}

// A detour leads requests elsewhere.
type detour string

// RoundTrip implements http.RoundTripper.
func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(string(d))
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = to.Scheme, to.Host
	return http.DefaultTransport.RoundTrip(r)
}

// run serves both at fixed addresses and lets people edit until ctx ends.
func (v *vendors) run(ctx context.Context, birdAddr, hubspotAddr string, people int, every time.Duration) error {
	var servers []*http.Server
	defer func() {
		for _, s := range servers {
			_ = s.Close() // nobody is in the middle of anything that matters
		}
	}()
	for addr, target := range map[string]string{birdAddr: v.bird.URL, hubspotAddr: v.hubspot.URL} {
		to, err := url.Parse(target)
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		s := &http.Server{Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}, ReadHeaderTimeout: 5 * time.Second}
		servers = append(servers, s)
		go func() { _ = s.Serve(l) }() // ends with Close
	}
	if err := v.invite(people); err != nil {
		return err
	}
	fmt.Printf("Bird     http://%s   %d contacts\nHubSpot  http://%s\n\n", birdAddr, people, hubspotAddr)
	fmt.Println("In another terminal: set -a; . examples/crmsyncd/trial/crmsyncd.env; go run ./examples/crmsyncd doctor")
	return unless(v.edits(ctx, every), context.Canceled)
}

// invite fills Bird with people.
func (v *vendors) invite(n int) error {
	for i := range n {
		id, err := v.bird.Create(map[string]any{"name": fmt.Sprintf("Lead %d", i), "email": fmt.Sprintf("lead%d@example.com", i),
			"msisdn": fmt.Sprintf("+57300%07d", i), "conversation_status": "active", "property_interest": "studio"})
		if err != nil {
			return err
		}
		v.people = append(v.people, id)
	}
	return nil
}

// edits lets somebody change something on one side, and on the other next time.
func (v *vendors) edits(ctx context.Context, every time.Duration) error {
	if every <= 0 || len(v.people) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
		id, home := v.people[n%len(v.people)], wish(n%len(v.people), n/len(v.people))
		if n%2 == 0 {
			if err := v.bird.Edit(id, map[string]any{"property_interest": home}); err != nil {
				return err
			}
			continue
		}
		for mate, props := range v.hubspot.Contacts() {
			if props["custom_bird_contact_id"] == id {
				v.hubspot.Edit(mate, map[string]string{"property_preferences": home})
			}
		}
	}
}

// wish is what a person asks for in a round. Nobody ever comes back to what
// they asked for before, which would be an oscillation.
func wish(person, round int) string {
	homes := []string{"studio", "one-bedroom", "two-bedroom", "house with a garden"}
	return fmt.Sprintf("%s, by week %d", homes[(person+round)%len(homes)], round+1)
}

// unless returns the error if it is not the one that is expected.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
