package bird_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
)

// TestSetupSignsWithTheKey lets Bird send events to a receiver that knows one
// key alone.
func TestSetupSignsWithTheKey(t *testing.T) {
	const newKey = "another invented key of 37 characters"
	for _, tt := range []struct {
		name          string
		schema, knows string
		rotate        bool
		state         bird.State
		writes        int
		status        int
	}{
		{"the first key", signingKey, signingKey, false, bird.Exists, 0, 204},
		{"a new key, not told", newKey, newKey, false, bird.Exists, 0, 401},
		{"a new key, told", newKey, newKey, true, bird.Changed, 2, 204},
	} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			for range 2 { // of which one is a duplicate
				w.subscribe("conversation.created", receiverURL)
			}
			need := oneWebhook("conversation.created")
			need.Endpoint.SigningKey = bird.Secret(tt.schema)
			w.sim.Log().Reset()
			report, err := w.setup(need, bird.SetupOptions{RotateKey: tt.rotate})
			if err != nil {
				t.Fatal(err)
			}
			equal(t, tt.name, line(t, report, "webhook", "conversation.created").State, tt.state)
			equal(t, tt.name+": writes", w.writes(), tt.writes)
			rc, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: receiverURL, Secrets: []string{tt.knows}})
			if err != nil {
				t.Fatal(err)
			}
			meets := &meeting{handler: rc}
			w.sim.SetWebhookClient(&http.Client{Transport: meets})
			w.sim.StartConversation(create(t, w.sim, map[string]any{"name": "Jane"}))
			time.Sleep(100 * time.Millisecond)
			equal(t, tt.name+": deliveries", meets.statuses(), []int{tt.status, tt.status})
		})
	}
}

// A meeting is a network with one server, whose answers it notes.
type meeting struct {
	handler http.Handler
	mu      stdsync.Mutex
	got     []int
}

func (m *meeting) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, w.Code)
	return w.Result(), nil
}

func (m *meeting) statuses() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.got)
}

func TestSetupMendsWebhooks(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := urban(t)
		need.Endpoint.FormerURLs = []string{"https://old.example.com/bird"}
		off := w.subscribe("conversation.created", receiverURL)
		w.as("PATCH", "/webhook-subscriptions/"+off, map[string]any{"status": "inactive"})
		w.subscribe("conversation.updated", "https://old.example.com/bird")
		w.subscribe("conversation.deleted", "https://Sync.example.com/bird/") // spelled otherwise, signed otherwise
		dialect := w.subscribe("whatsapp.inbound", receiverURL)
		w.as("PATCH", "/webhook-subscriptions/"+dialect, map[string]any{"template": "twilio"})
		theirs := w.subscribe("whatsapp.outbound", otherURL)
		w.sim.Log().Reset()

		dry, err := w.setup(need, bird.SetupOptions{DryRun: true})
		if err != nil || w.writes() != 0 || count(dry, bird.WouldChange) != 4 || count(dry, bird.WouldCreate) != 4+1 {
			t.Fatalf("%d writes, %v\n%s", w.writes(), err, dry)
		}
		report, err := w.setup(need, bird.SetupOptions{})
		if err != nil || count(report, bird.Changed) != 4 || count(report, bird.Created) != 4+1 {
			t.Fatalf("%v\n%s", err, report)
		}
		for _, event := range []string{"conversation.created", "conversation.updated", "conversation.deleted", "whatsapp.inbound"} {
			hooks := w.subscriptions(event)
			if len(hooks) != 1 || hooks[0]["url"] != receiverURL || hooks[0]["status"] != "active" || hooks[0]["template"] != "" {
				t.Errorf("%s: %v", event, hooks)
			}
		}
		outbound := w.subscriptions("whatsapp.outbound")
		i := slices.IndexFunc(outbound, func(s map[string]any) bool { return s["id"] == theirs })
		if len(outbound) != 2 || outbound[i]["url"] != otherURL {
			t.Errorf("another program's webhook was touched: %v", outbound)
		}
		w.sim.Log().Reset()
		again, err := w.setup(need, bird.SetupOptions{})
		if err != nil || w.writes() != 0 || count(again, bird.Exists) != 2+4+5 {
			t.Errorf("%d writes, %v\n%s", w.writes(), err, again)
		}
	})
}

func TestSetupTellsOfDuplicates(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		off := w.subscribe("whatsapp.inbound", receiverURL)
		w.as("PATCH", "/webhook-subscriptions/"+off, map[string]any{"status": "inactive"})
		time.Sleep(time.Second)
		kept := w.subscribe("whatsapp.inbound", receiverURL)
		time.Sleep(time.Second)
		w.subscribe("whatsapp.inbound", receiverURL)
		theirs, tenant := w.subscribe("whatsapp.inbound", otherURL), w.subscribe("whatsapp.inbound", receiverURL+"?tenant=b")
		w.sim.Log().Reset()
		for _, o := range []bird.SetupOptions{{}, {DryRun: true, RemoveDuplicates: true}} {
			report, err := w.setup(oneWebhook("whatsapp.inbound"), o)
			state := bird.Warning
			if o.DryRun {
				state = bird.WouldRemove
			}
			if err != nil || w.writes() != 0 || count(report, state) != 2 || count(report, bird.Exists) != 1 {
				t.Errorf("%d writes, %v\n%s", w.writes(), err, report)
			}
		}
		if _, err := w.setup(oneWebhook("whatsapp.inbound"), bird.SetupOptions{RotateKey: true}); err != nil {
			t.Fatal(err)
		}
		equal(t, "a duplicate that is off", w.as("GET", "/webhook-subscriptions/"+off, nil)["status"], any("inactive"))
		report, err := w.setup(oneWebhook("whatsapp.inbound"), bird.SetupOptions{RemoveDuplicates: true})
		if err != nil || count(report, bird.Removed) != 2 {
			t.Errorf("%v\n%s", err, report)
		}
		ids := map[any]bool{}
		for _, s := range w.subscriptions("whatsapp.inbound") {
			ids[s["id"]] = true
		}
		if diff := cmp.Diff(map[any]bool{kept: true, theirs: true, tenant: true}, ids); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetupTakesADuplicateThatIsGoneAsRemoved(t *testing.T) {
	for status, want := range map[int]bird.State{404: bird.Removed, 403: bird.Person, 500: bird.Failed} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			w.subscribe("whatsapp.inbound", receiverURL)
			w.subscribe("whatsapp.inbound", receiverURL)
			w.sim.Faults().Add(birdtest.Fault{Method: "DELETE", Status: status})
			report, _ := w.setup(oneWebhook("whatsapp.inbound"), bird.SetupOptions{RemoveDuplicates: true})
			equal(t, fmt.Sprint(status), count(report, want), 1)
		})
	}
}

func TestSetupWarnsOfWebhooksThatTakeEventsAway(t *testing.T) {
	channel := bird.Filter{Key: "channelId", Value: birdtest.DefaultChannel}
	narrower := []bird.Filter{channel, {Key: "messageStatus", Value: "sent"}}
	for _, tt := range []struct {
		name, event, url string
		filters          []bird.Filter
		off              bool
		warnings         int
	}{
		{"narrower", "whatsapp.outbound", otherURL, narrower, false, 1},
		{"off", "whatsapp.outbound", otherURL, narrower, true, 0},
		{"ours", "whatsapp.outbound", receiverURL, narrower, false, 0},
		{"of other messages", "whatsapp.outbound", otherURL, narrower[1:], false, 0},
		{"as wide", "whatsapp.outbound", otherURL, narrower[:1], false, 0},
		{"another event", "sms.outbound", otherURL, narrower, false, 0},
	} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			id := w.subscribe(tt.event, tt.url, tt.filters...)
			if tt.off {
				w.as("PATCH", "/webhook-subscriptions/"+id, map[string]any{"status": "inactive"})
			}
			report, err := w.setup(oneWebhook("whatsapp.outbound", channel), bird.SetupOptions{})
			if err != nil || count(report, bird.Warning) != tt.warnings || count(report, bird.Created) != 1 {
				t.Errorf("%s: %v\n%s", tt.name, err, report)
			}
		})
	}
}

func TestSetupKeepsTheFivePerFilterRule(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		channel := bird.Filter{Key: "channelId", Value: birdtest.DefaultChannel}
		var ids []string
		for range 5 {
			ids = append(ids, w.subscribe("whatsapp.inbound", otherURL, channel))
		}
		w.sim.Log().Reset()
		report, err := w.setup(oneWebhook("whatsapp.inbound", channel), bird.SetupOptions{})
		l := line(t, report, "webhook", "whatsapp.inbound channelId="+birdtest.DefaultChannel)
		if err == nil || l.State != bird.Person || l.Rule != "webhook.room" || w.writes() != 0 {
			t.Errorf("%d writes, %+v", w.writes(), l)
		}
		for _, word := range append(ids, "other.example.org") {
			if !strings.Contains(l.Note, word) {
				t.Errorf("%q does not name %s", l.Note, word)
			}
		}
		if strings.Contains(err.Error(), "token") {
			t.Errorf("another program's address is told: %v", err)
		}
		report, err = w.setup(oneWebhook("whatsapp.inbound"), bird.SetupOptions{}) // other filters, other room
		if err != nil || count(report, bird.Created) != 1 {
			t.Errorf("%v\n%s", err, report)
		}
		if l := report.Lines[1]; l.State != bird.Warning || l.Rule != "webhook.shadowed" || strings.Contains(l.Note, "token") {
			t.Errorf("subscriptions that take events away: %+v", l)
		}
	})
}

func TestSetupTrustsTheListOfEvents(t *testing.T) {
	for _, tt := range []struct {
		event, filter string
		rule          string
		state         bird.State
		word          string
	}{
		{"rcs.inbound", "", "webhook.event", bird.Person, "whatsapp.inbound"},
		{"whatsapp.read", "", "webhook.event", bird.Person, "whatsapp.outbound"},
		{"conversation.closed", "", "webhook.event", bird.Person, "conversation.updated"},
		{"whatsapp.inbound", "messageStatus", "webhook.filter", bird.Failed, "channelId"},
		{"whatsapp.outbound", "messageStatus", "", bird.Created, ""},
	} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			need := oneWebhook(tt.event)
			if tt.filter != "" {
				need.Webhooks[0].Filters = []bird.Filter{{Key: tt.filter, Value: "failed"}}
			}
			report, err := w.setup(need, bird.SetupOptions{})
			l := report.Lines[0]
			if l.State != tt.state || l.Rule != tt.rule || !strings.Contains(l.Note, tt.word) || (err != nil) != (tt.rule != "") {
				t.Errorf("%s: %+v, %v", tt.event, l, err)
			}
			equal(t, "subscriptions", len(w.subscriptions(tt.event)), map[bool]int{true: 1}[tt.state == bird.Created])
		})
	}
}

// TestSetupsAtOnceMakeNoDoubles lets the first calls of all set-ups happen
// before any of the second ones.
func TestSetupsAtOnceMakeNoDoubles(t *testing.T) {
	for _, n := range []int{2, 3, 5} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			w.sim.Faults().Add(birdtest.Fault{Method: "POST", Delay: time.Second})
			need := urban(t)
			reports := make([]*bird.Report, n)
			var g stdsync.WaitGroup
			for i := range n {
				g.Go(func() {
					var err error
					if reports[i], err = attach(t, w.sim).Setup(t.Context(), need, bird.SetupOptions{}); err != nil {
						t.Errorf("%v\n%s", err, reports[i])
					}
				})
			}
			g.Wait()
			for _, hook := range need.Webhooks {
				equal(t, hook.Event, len(w.subscriptions(hook.Event)), 1)
			}
			created := 0
			for _, r := range reports {
				for _, hook := range need.Webhooks {
					if line(t, r, "webhook", hook.Event).State == bird.Created {
						created++
					}
				}
			}
			if created < 5 || created == 5*n {
				t.Errorf("%d set-ups say that they created %d of 5 webhooks", n, created)
			}
			raced := w.sim.Log().Count(func(c birdtest.Call) bool { return c.Method == "DELETE" || c.Status == 409 })
			if raced == 0 {
				t.Error("the set-ups did not meet, so this proves nothing")
			}
			w.sim.Log().Reset()
			if report, err := w.setup(need, bird.SetupOptions{}); err != nil || w.writes() != 0 {
				t.Errorf("%d writes afterwards, %v\n%s", w.writes(), err, report)
			}
		})
	}
}

// TestSetupsThatSpellTheAddressOtherwise agree on one webhook all the same.
func TestSetupsThatSpellTheAddressOtherwise(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		w.sim.Faults().Add(birdtest.Fault{Delay: time.Second}) // so that both see both
		var g stdsync.WaitGroup
		for _, end := range []string{"", "/"} {
			g.Go(func() {
				need := oneWebhook("conversation.created")
				need.Endpoint.URL += end
				if report, err := attach(t, w.sim).Setup(t.Context(), need, bird.SetupOptions{}); err != nil {
					t.Errorf("%v\n%s", err, report)
				}
			})
		}
		g.Wait()
		equal(t, "webhooks", len(w.subscriptions("conversation.created")), 1)
	})
}

func TestSetupFindsWhatAnotherDefinedMeanwhile(t *testing.T) {
	for _, kind := range []string{"string", "number", "hidden"} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			w.as("POST", "/attribute-definitions", map[string]any{"key": "score", "type": strings.Replace(kind, "hidden", "string", 1), "pii": false, "readOnly": false})
			count := 1
			if kind == "hidden" {
				count = 2
			}
			w.sim.Faults().Add(birdtest.Fault{Path: "/attribute-definitions", Method: "GET", Status: 200, Body: `{"results":[]}`, Count: count})
			report, err := w.setup(bird.Schema{Attributes: []bird.AttributeDefinition{{Key: "score"}}}, bird.SetupOptions{})
			want := map[string]bird.State{"string": bird.Exists, "number": bird.Failed, "hidden": bird.Person}[kind]
			if got := line(t, report, "attribute", "score"); got.State != want || (err == nil) != (want == bird.Exists) {
				t.Errorf("%s: %+v, %v", kind, got, err)
			}
		})
	}
}

// TestSetupTellsOfFailedDeliveries lets Bird's webhooks meet a firewall.
func TestSetupTellsOfFailedDeliveries(t *testing.T) {
	for _, tt := range []struct {
		status int
		word   string
	}{{403, "Cloudflare"}, {401, "signing key"}, {404, "not at the address"}, {503, "inbox"}, {418, "log of the receiver"}, {0, "nobody answered"}, {200, ""}} {
		inWorkspace(t, func(t *testing.T, w workspace) {
			need := oneWebhook("whatsapp.inbound")
			if _, err := w.setup(need, bird.SetupOptions{}); err != nil {
				t.Fatal(err)
			}
			w.sim.SetWebhookClient(&http.Client{Transport: answering(tt.status)})
			w.sim.ContactWrites(birdtest.DefaultChannel, create(t, w.sim, map[string]any{"name": "Jane", "msisdn": "+573000000001"}), "Hola")
			time.Sleep(time.Minute)
			report, err := w.setup(need, bird.SetupOptions{})
			if err != nil || count(report, bird.Warning) != map[bool]int{true: 1}[tt.word != ""] {
				t.Fatalf("%v\n%s", err, report)
			}
			if tt.word != "" {
				if l := line(t, report, "deliveries", "whatsapp.inbound"); !strings.Contains(l.Note, tt.word) || !strings.Contains(l.Note, fmt.Sprint("status ", tt.status)) {
					t.Errorf("%+v", l)
				}
			}
			if w.sim.Log().Calls("/organizations/"+w.sim.OrganizationID+"/workspaces/"+w.sim.WorkspaceID+"/webhook-subscriptions/") == 0 {
				t.Error("the log was not read at its documented address")
			}
			w.sim.Faults().Add(birdtest.Fault{Path: "/logs", Status: 403, Count: 1})
			if report, err = w.setup(need, bird.SetupOptions{}); err != nil || count(report, bird.Warning) != 1 {
				t.Errorf("a log that cannot be read: %v\n%s", err, report)
			}
			time.Sleep(3 * 24 * time.Hour)
			if report, err = w.setup(need, bird.SetupOptions{}); err != nil || count(report, bird.Warning) != 0 {
				t.Errorf("days later: %v\n%s", err, report)
			}
		})
	}
}

// answering is a network in which every call is answered with this status, 0
// is no answer.
type answering int

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	if a == 0 {
		return nil, errors.New("nobody is there")
	}
	return &http.Response{StatusCode: int(a), Body: http.NoBody, Header: http.Header{}}, nil
}
