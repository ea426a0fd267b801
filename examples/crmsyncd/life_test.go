package main

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/sync"
)

// The life of a deployment, by its commands alone: from an empty account to a
// person who wants to be forgotten. With SQLite they run inside the daemon.
func TestLife(t *testing.T) { life(t, "") }

// Over servers they run beside it.
func TestLifeOverPostgres(t *testing.T) {
	life(t, "store: postgres\n", "CRMSYNC_POSTGRES_URL="+pgtest.Database(t))
}

func TestLifeOverPostgresAndRedis(t *testing.T) {
	space := redistest.New(t)
	life(t, "store: postgres\nqueue: redis\nredis: {prefix: "+strings.ReplaceAll(space.Prefix(), "-", "_")+"}\n",
		"CRMSYNC_POSTGRES_URL="+pgtest.Database(t), "CRMSYNC_REDIS_URL=redis://"+space.Client.Options().Addr)
}

func life(t *testing.T, settings string, env ...string) {
	r := newRig(t, settings+"engine: {sweep_interval: 1h}\n", env...) // what nobody tells is only found by the commands
	r.must(exitDone, "migrate")
	if out := r.must(exitFound, "doctor"); !strings.Contains(out, "run crmsyncd setup --yes") || !strings.Contains(out, "start crmsyncd serve") {
		t.Errorf("doctor does not say what to do:\n%s", out)
	}
	if out := r.must(exitDone, "setup"); !strings.Contains(out, "would create") || !strings.Contains(out, "Nothing was changed") {
		t.Errorf("setup without --yes:\n%s", out)
	}
	r.must(exitDone, "setup", "--yes")
	if out := r.must(exitDone, "setup"); strings.Contains(out, "setup --yes") || !strings.Contains(out, "nothing to do") {
		t.Errorf("setup where all is set up:\n%s", out)
	}
	stop := r.serve()
	r.must(exitDone, "doctor")

	person, err := r.bird.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com", "msisdn": "+573000000001"})
	if err != nil {
		t.Fatal(err)
	}
	r.eventually("the contact is in HubSpot", func() bool { return r.mate("ana@example.com") != "" })
	r.eventually("both agree", func() bool {
		contact, _ := r.bird.Contact(person)
		return contact.Field("external_id") == r.mate("ana@example.com")
	})
	r.verifies()
	r.explains()
	r.deadLetters()
	r.plans()
	r.erases()
	if code := stop(); code != exitDone {
		t.Errorf("the daemon ended with %d", code)
	}
	r.must(exitDone, "dlq", "list") // over the file alone
	for _, act := range []string{"reveal", "replay", "discard: 1 dead letter: ", "apply", "load", "undo: field property_preferences, since 20", "erase"} {
		if !r.noted("crmsyncd: ana: " + act) {
			t.Errorf("the audit does not know who did %s", act)
		}
	}
	if r.status("/readyz") != 0 {
		t.Error("the daemon still serves")
	}
}

// noted reports whether an entry of the audit begins so.
func (r *rig) noted(text string) bool {
	r.t.Helper()
	c, err := loadConfig(r.config, r.environ)
	if err != nil {
		r.t.Fatal(err)
	}
	s, err := openStorage(r.t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	entries, err := sync.ReadAudit(r.t.Context(), s.store, sync.AuditFilter{Limit: 1000})
	if err := errors.Join(err, s.close(r.t.Context())); err != nil {
		r.t.Fatal(err)
	}
	return slices.ContainsFunc(entries, func(e sync.Entry) bool { return strings.HasPrefix(e.Note, text) })
}

func (r *rig) verifies() {
	r.t.Helper()
	var v verified
	r.object(exitDone, &v, "verify", "--audit")
	if len(v.Flows) != 2 || v.Flows[0].Pairs != 1 || v.Flows[0].Equal != v.Flows[0].Compared || v.Audit.Entries == 0 || len(v.Audit.Faults) > 0 {
		r.t.Errorf("verify: %+v", v)
	}
}

// explains shows the history of a field, and its values only when asked to,
// which the audit keeps.
func (r *rig) explains() {
	r.t.Helper()
	var e explained
	r.object(exitDone, &e, "explain", "ana@example.com", "--field", "phone")
	if len(e.Fields) != 1 || e.Fields[0].Agreed != "text of 13 characters" || e.Fields[0].Steps[0].Rule == "" {
		r.t.Errorf("explain: %+v", e)
	}
	if out := r.must(exitDone, "explain", e.Left, "--reveal"); !strings.Contains(out, "+573000000001") {
		r.t.Errorf("explain --reveal:\n%s", out)
	}
}

// deadLetters has a person type a phone that is none, mend it, and replay.
func (r *rig) deadLetters() {
	r.t.Helper()
	mate := r.mate("ana@example.com")
	r.hubspot.Edit(mate, map[string]string{"phone": "call me"})
	type list struct{ Letters []letter }
	var dead list
	r.eventually("the dead letter", func() bool {
		dead = list{}
		r.object(exitDone, &dead, "dlq", "list")
		return len(dead.Letters) > 0
	})
	l := dead.Letters[0]
	if l.Record != "hubspot:contact:"+mate || l.last().Field != "phone" {
		r.t.Errorf("dlq list: %+v", l)
	}
	if out := r.must(exitDone, "dlq", "show", l.ID); !strings.Contains(out, "phone") || strings.Contains(out, "call me") {
		r.t.Errorf("dlq show:\n%s", out)
	}
	r.must(exitUsage, "dlq", "show", "nothing")
	r.must(exitUsage, "dlq", "replay")
	r.must(exitUsage, "dlq", "discard", l.ID)
	r.must(exitUsage, "dlq", "discard", l.ID, "--yes")
	r.must(exitUsage, "dlq", "discard", l.ID, "--yes", "--why", " ")
	r.hubspot.DropNext(1)
	r.hubspot.Edit(mate, map[string]string{"phone": "+573000000002"})
	r.must(exitDone, "dlq", "replay", "--all")
	r.eventually("the letter has left", func() bool {
		dead = list{}
		r.object(exitDone, &dead, "dlq", "list")
		return len(dead.Letters) == 0
	})
	r.must(exitUsage, "dlq", "discard", l.ID, "--yes", "--why", "mended by hand")
	r.hubspot.Edit(mate, map[string]string{"phone": "call me again"})
	r.eventually("the next dead letter", func() bool {
		dead = list{}
		r.object(exitDone, &dead, "dlq", "list")
		return len(dead.Letters) > 0
	})
	if out := r.must(exitDone, "dlq", "discard", dead.Letters[0].ID, "--yes", "--why", "mended by hand"); !strings.Contains(out, "1 dead letter is gone") {
		r.t.Errorf("dlq discard: %s", out)
	}
	r.hubspot.Edit(mate, map[string]string{"phone": "+573000000002"})
}

// plans foresees an edit that nobody told of, applies it, and takes it back.
func (r *rig) plans() {
	r.t.Helper()
	mate := r.mate("ana@example.com")
	r.eventually("the phone arrived", func() bool { return r.birdField("msisdn") == "+573000000002" })
	r.rests() // a look that Bird's webhook of the phone asks for would see the edit, and carry it out before the plan is applied
	r.hubspot.DropNext(1)
	r.hubspot.Edit(mate, map[string]string{"property_preferences": "balcony"})
	plan := ""
	r.eventually("it is foreseen", func() bool {
		_, plan, _ = r.run("plan", "contacts", "--from", "hubspot", "--json")
		return strings.Contains(plan, "property_preferences to left")
	})
	if out := r.must(exitDone, "plan", "contacts", "--from", "hubspot"); !strings.Contains(out, "- | text of 7 characters → text of 7 characters") || strings.Contains(out, "balcony") {
		r.t.Errorf("plan:\n%s", out)
	}
	if out := r.must(exitDone, "plan", "contacts", "ana@example.com", "--reveal"); !strings.Contains(out, "- | balcony → balcony") {
		r.t.Errorf("plan --reveal:\n%s", out)
	}
	if out := r.must(exitDone, "plan", "contacts", "hubspot:contact:"+mate, "--show", "0"); !strings.Contains(out, "and 1 more") || strings.Contains(out, " → ") {
		r.t.Errorf("plan --show 0:\n%s", out)
	}
	r.must(exitUsage, "plan", "contacts")
	r.must(exitUsage, "plan", "leases", "--from", "bird")
	r.must(exitUsage, "apply")
	if code, out, err := r.feed(plan, "apply"); code != exitDone {
		r.t.Fatalf("apply: exit %d\n%s%s", code, out, err)
	}
	r.eventually("the plan is carried out", func() bool { return r.birdField("attributes.propertyInterest") == "balcony" })
	r.must(exitDone, "backfill", "contacts", "--from", "bird")
	r.must(exitUsage, "backfill", "contacts", "--from", "elsewhere")
	if out := r.must(exitDone, "undo", "contacts", "--field", "property_preferences", "--since", "1h"); !strings.Contains(out, "Nothing was changed") {
		r.t.Errorf("undo: %s", out)
	}
	r.eventually("what was undone is back", func() bool {
		r.must(exitDone, "undo", "contacts", "--field", "property_preferences", "--since", "1h", "--yes")
		return r.birdField("attributes.propertyInterest") == nil
	})
	r.must(exitUsage, "undo", "contacts", "--since", "yesterday")
	r.must(exitUsage, "undo", "contacts", "--yes")
}

// birdField is a field of the only contact in Bird.
func (r *rig) birdField(name string) any { return r.bird.Contacts()[0].Field(name) }

func (r *rig) erases() {
	r.t.Helper()
	mate := r.mate("ana@example.com")
	r.must(exitFound, "erase", "hubspot:contact:"+mate)
	if r.mate("ana@example.com") == "" {
		r.t.Fatal("erase without --yes erased")
	}
	var receipt sync.Receipt
	r.object(exitDone, &receipt, "erase", "ana@example.com", "--yes")
	if receipt.ID == "" || r.mate("ana@example.com") != "" || len(r.bird.Contacts()) != 0 {
		r.t.Errorf("erase: %+v, Bird %+v, HubSpot %v", receipt, r.bird.Contacts(), r.hubspot.Contacts())
	}
	r.must(exitUsage, "explain", "ana@example.com")
	r.must(exitUsage, "erase", "hubspot:contact:1", "--yes")
	r.must(exitUsage, "erase", "somebody")
}

// A vendor that is down leaves the daemon ready; webhooks are taken in.
func TestReadyWhileAVendorIsDown(t *testing.T) {
	r := newRig(t, "")
	r.must(exitDone, "setup", "--yes")
	r.serve()
	r.hubspot.Down(true)
	if _, err := r.bird.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com"}); err != nil {
		t.Fatal(err)
	}
	if err := r.bird.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.status("/readyz") != http.StatusOK || r.status("/healthz") != http.StatusOK {
		t.Error("the daemon is not ready")
	}
	r.hubspot.Down(false)
	r.eventually("it catches up", func() bool { return r.mate("ana@example.com") != "" })
}

func TestPages(t *testing.T) {
	admin := freeAddress(t)
	r := newRig(t, "admin_listen: "+admin+"\n", "CRMSYNC_DASHBOARD_OPERATOR_PASSWORD=open sesame, please", "CRMSYNC_DASHBOARD_VIEWER_PASSWORD=only to look at")
	r.serve()
	get := func(method, url, password string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("ana", password)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		method, url, password string
		want                  int
	}{
		{"GET", r.url + "/metrics", "", 404},
		{"GET", r.url + "/sync/", "open sesame, please", 404},
		{"GET", r.url + "/healthz", "", 200},
		{"POST", r.url + birdPath, "", 401},
		{"POST", r.url + flowPath, "", 401},
		{"POST", r.url + hubspotPath, "", 401},
		{"POST", r.url + actionsPath, "", 401},
		{"GET", "http://" + admin + "/metrics", "", 200},
		{"GET", "http://" + admin + "/readyz", "", 200},
		{"GET", "http://" + admin + "/", "", 302},
		{"GET", "http://" + admin + "/sync/", "", 401},
		{"GET", "http://" + admin + "/sync/", "guessed", 401},
		{"GET", "http://" + admin + "/sync/", "only to look at", 200},
		{"GET", "http://" + admin + "/sync/", "open sesame, please", 200},
		{"POST", "http://" + admin + "/sync/dead/replay", "only to look at", 403},
	} {
		if got := get(c.method, c.url, c.password); got != c.want {
			t.Errorf("%s %s with %q: %d, want %d", c.method, c.url, c.password, got, c.want)
		}
	}
}
