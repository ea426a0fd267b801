package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A contact travels through the service, which serves its own pages as before.
func TestEmbed(t *testing.T) {
	b := birdtest.NewServer(nil)
	defer b.Close()
	h := hubspottest.NewServer(&hubspottest.Options{SearchLag: -1})
	defer h.Close()
	for _, name := range []string{"ai_conversation_status", "urbanhub_property_interest", "property_preferences"} {
		h.DefineProperty(name, "", "", false)
	}
	h.DefineProperty("custom_bird_contact_id", "", "", true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"BIRD_URL": b.URL, "BIRD_WORKSPACE": b.WorkspaceID, "BIRD_KEY": b.AccessKey, "BIRD_FLOW_SECRET": "flow",
		"HUBSPOT_URL": h.URL, "HUBSPOT_TOKEN": h.Token, "HUBSPOT_SECRET": "client"}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, addr, filepath.Join(t.TempDir(), "db"), func(name string) string { return env[name] })
	}()
	for _, path := range []string{"/", "/sync/"} {
		eventually(t, path, func() bool { return status(t, "http://"+addr+path) == http.StatusOK })
	}
	b.OnContactChange("http://"+addr+"/flows/bird", "flow")
	if _, err := b.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the contact is in HubSpot", func() bool { return len(h.Contacts()) == 1 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAServiceThatCannotBeComposedEnds(t *testing.T) {
	if serve(t.Context(), "127.0.0.1:0", filepath.Join(t.TempDir(), "db"), func(string) string { return "" }) == nil {
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
