package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/loopback"
	"github.com/urbanhub/crmsync/internal/simpreset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A tenant is a service of its own between its own simulated accounts.
type tenant struct {
	*testing.T
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	url     string
	board   string // the address of the dashboard
	stop    func()
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	u := &tenant{T: t, bird: birdtest.NewServer(nil), hubspot: hubspottest.NewServer(&hubspottest.Options{SearchLag: -1})}
	t.Cleanup(u.bird.Close)
	t.Cleanup(u.hubspot.Close)
	if _, err := simpreset.SetUp(t.Context(), u.bird, u.hubspot); err != nil {
		t.Fatal(err)
	}
	addr, boardAddr := freeAddress(t), freeAddress(t)
	u.url, u.board = "http://"+addr, "http://"+boardAddr
	u.hubspot.Subscribe(u.url+"/webhooks/hubspot", "client")
	u.bird.OnContactChange(u.url+"/flows/bird", "flow")
	env := map[string]string{"BIRD_URL": u.bird.URL, "BIRD_WORKSPACE": u.bird.WorkspaceID, "BIRD_KEY": u.bird.AccessKey, "BIRD_FLOW_SECRET": "flow",
		"HUBSPOT_URL": u.hubspot.URL, "HUBSPOT_TOKEN": u.hubspot.Token, "HUBSPOT_SECRET": "client", "PUBLIC_URL": u.url}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	file := filepath.Join(t.TempDir(), "db")
	go func() { ended <- serve(ctx, addr, boardAddr, file, func(name string) string { return env[name] }) }()
	u.stop = stdsync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(u.stop)
	for _, page := range []string{u.url + "/", u.board + "/sync/"} {
		eventually(t, page, func() bool { return status(t, page) == http.StatusOK })
	}
	return u
}

func freeAddress(t *testing.T) string {
	t.Helper()
	a, err := loopback.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Release)
	return a.String()
}

// arrives has somebody write to a tenant in Bird and waits until HubSpot knows.
func (u *tenant) arrives(name, email string) (person, mate string) {
	u.Helper()
	person, err := u.bird.Create(map[string]any{"name": name, "email": email})
	if err != nil {
		u.Fatal(err)
	}
	eventually(u.T, email+" is in HubSpot", func() bool {
		for id, props := range u.hubspot.Contacts() {
			if props["email"] == email {
				mate = id
			}
		}
		return mate != ""
	})
	return person, mate
}

// comesBack has somebody edit the contact in HubSpot and waits until Bird knows.
func (u *tenant) comesBack(person, mate, home string) {
	u.Helper()
	u.hubspot.Edit(mate, map[string]string{"property_preferences": home})
	eventually(u.T, home+" is in Bird", func() bool {
		contact, _ := u.bird.Contact(person)
		return contact.Field("attributes.propertyInterest") == home
	})
}

// A contact travels through the service both ways, and the service serves its
// own pages as before.
func TestEmbed(t *testing.T) {
	u := newTenant(t)
	person, mate := u.arrives("Ana Duque", "ana@example.com")
	u.comesBack(person, mate, "balcony")
}

// Two tenants in one process know nothing of one another, also when both know
// the same person, and when one of them ends.
func TestTwoTenants(t *testing.T) {
	a, b := newTenant(t), newTenant(t)
	personA, mateA := a.arrives("Ana Duque", "ana@example.com")
	personB, mateB := b.arrives("Ana Duque Rojas", "ana@example.com")
	a.comesBack(personA, mateA, "balcony")
	b.comesBack(personB, mateB, "garden")
	a.stop()
	b.comesBack(personB, mateB, "garage")
	b.arrives("Luis Rojas", "luis@example.com")
	b.stop()
	for _, c := range []struct {
		u          *tenant
		mate, name string
		home       string
		people     int
	}{{a, mateA, "Duque", "balcony", 1}, {b, mateB, "Duque Rojas", "garage", 2}} {
		props, _ := c.u.hubspot.Contact(c.mate)
		if props["lastname"] != c.name || props["property_preferences"] != c.home || len(c.u.hubspot.Contacts()) != c.people || len(c.u.bird.Contacts()) != c.people {
			t.Errorf("HubSpot has %v among %d, Bird %d; want %s, %s among %d", props, len(c.u.hubspot.Contacts()), len(c.u.bird.Contacts()), c.name, c.home, c.people)
		}
	}
}

// A proxy leads the world to the service, and what it passes on looks as if it
// came from this machine: the dashboard is elsewhere.
func TestTheWorldReachesNoDashboard(t *testing.T) {
	if got := status(t, newTenant(t).url+"/sync/"); got != http.StatusNotFound {
		t.Errorf("the dashboard is answered %d", got)
	}
}

// Requests that never come to their end do not keep the service from its own.
func TestHalfARequestDoesNotKeepTheService(t *testing.T) {
	u := newTenant(t)
	for _, path := range []string{"/nothing", "/webhooks/hubspot", "/flows/bird"} {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(u.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if _, err := io.WriteString(c, "POST "+path+" HTTP/1.1\r\nHost: sync.example.com\r\nContent-Length: 10\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(100 * time.Millisecond) // until they are under way
	ended := make(chan struct{})
	go func() { u.stop(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute): // it cuts them off after 10 s
		t.Fatal("the service does not end")
	}
}

func TestAServiceThatCannotBeComposedEnds(t *testing.T) {
	if serve(t.Context(), "127.0.0.1:0", "127.0.0.1:0", filepath.Join(t.TempDir(), "db"), func(string) string { return "" }) == nil {
		t.Error("it runs without a workspace")
	}
}

// It is what it says: less than 100 lines.
func TestShort(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n >= 100 {
		t.Errorf("%d lines", n)
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not yet: %s", what)
		}
	}
}
