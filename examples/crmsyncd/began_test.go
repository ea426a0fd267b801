package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What both accounts have held for long is left to a backfill, unless the
// configuration says otherwise: starting the daemon writes nothing of it.
func TestTheFirstStartLeavesThePastToABackfill(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		swept    bool // whether the sweeps bring it
	}{
		"by default":    {"engine: {sweep_interval: 1s}\n", false},
		"swept at once": {"engine: {sweep_interval: 1s, history_by_backfill: false}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.settings)
			r.must(exitDone, "setup", "--yes")
			r.past()
			r.serve()
			if c.swept {
				r.eventually("the sweeps bring the past", func() bool { return r.mate("ana@example.com") != "" && len(r.bird.Contacts()) == 2 })
				return
			}
			r.eventually("both systems are swept", func() bool {
				page := r.page("/metrics")
				return strings.Contains(page, `crmsync_last_success_timestamp_seconds{of="bird",task="sweep"}`) &&
					strings.Contains(page, `crmsync_last_success_timestamp_seconds{of="hubspot",task="sweep"}`)
			})
			if _, err := r.bird.Create(map[string]any{"name": "Eva Ruiz", "email": "eva@example.com", "msisdn": "+573000000003"}); err != nil {
				t.Fatal(err)
			}
			r.eventually("what happens now is synced", func() bool { return r.mate("eva@example.com") != "" })
			if r.mate("ana@example.com") != "" || len(r.bird.Contacts()) != 2 {
				t.Fatalf("the past came without a backfill: %d contacts in Bird, in HubSpot %v", len(r.bird.Contacts()), r.hubspot.Contacts())
			}
			r.must(exitDone, "backfill", "contacts", "--from", "bird")
			r.must(exitDone, "backfill", "contacts", "--from", "hubspot")
			r.eventually("the backfills bring it", func() bool { return r.mate("ana@example.com") != "" && len(r.bird.Contacts()) == 3 })
		})
	}
}

// past makes a contact of long ago on each side, of which no webhook tells.
func (r *rig) past() {
	r.t.Helper()
	r.bird.SetSkew(-2 * time.Hour)
	r.hubspot.SetSkew(-2 * time.Hour)
	r.bird.DropNext(1)
	r.hubspot.DropNext(1)
	if _, err := r.bird.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com", "msisdn": "+573000000001"}); err != nil {
		r.t.Fatal(err)
	}
	r.hubspot.Create(map[string]string{"email": "leo@example.com", "firstname": "Leo", "phone": "+573000000002"})
	r.bird.SetSkew(0)
	r.hubspot.SetSkew(0)
}

// page gets a page of the daemon.
func (r *rig) page(path string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}
