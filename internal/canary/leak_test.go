package canary

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestNothingTellsACanary lives through a bad day and looks at every outlet.
func TestNothingTellsACanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(3 * 365 * 24 * time.Hour) // timestamps have 13 digits, those of a bubble's first year 12
		d := deploy(t)
		contact := d.badDay()
		d.theCanariesAreThere(contact)
		secrets := []string{hookSecret, birdKey, flowSecret, slackSecret, d.hub.Token, d.hub.ClientSecret, d.bird.AccessKey}
		people := []string{canaryName, canaryEmail, strings.TrimPrefix(canaryPhone, "+57"), canarySaid}
		for where, text := range d.outlets(contact) {
			if len(text) == 0 {
				t.Errorf("%s tells nothing at all", where)
			}
			for _, canary := range append(secrets, people...) {
				if has(text, canary) {
					t.Errorf("%s tells %q:\n%s", where, canary, around(text, canary))
				}
			}
		}
	})
}

// badDay syncs a person, and then has everything go wrong that vendors, people
// and strangers can do.
func (d *deployment) badDay() sync.Ref {
	d.Helper()
	id, err := d.bird.Create(map[string]any{"name": canaryName, "email": canaryEmail, "msisdn": canaryPhone})
	d.must(err)
	contact := sync.Ref{System: bird.System, Kind: bird.Contact, ID: id}
	d.rest()
	d.bird.ContactSays(d.bird.StartConversation(id), canarySaid)
	d.rest()
	mate := d.mate(contact)

	d.vendorsQuote(id)
	d.hub.Edit(mate, map[string]string{"email": "hub." + canaryEmail})
	d.must(d.bird.Edit(id, map[string]any{"email": "bird." + canaryEmail})) // a conflict
	d.rest()
	d.hub.Edit(mate, map[string]string{"phone": "call " + canaryName}) // a dead letter
	d.rest()
	d.ambiguity()
	d.strangers()
	d.errors(contact)
	time.Sleep(time.Hour) // the sweeps are overdue
	d.manager.Evaluate(d.Context(), time.Now())
	return contact
}

// mate returns HubSpot's id of a contact.
func (d *deployment) mate(contact sync.Ref) string {
	d.Helper()
	link, err := d.store.Link(d.Context(), d.flowNames[0], contact)
	d.must(err)
	return link.Right.ID
}

// vendorsQuote has both vendors answer in words that repeat what was sent.
func (d *deployment) vendorsQuote(id string) {
	d.Helper()
	quote := fmt.Sprintf(`%s <%s> %s %q`, canaryName, canaryEmail, canaryPhone, canarySaid)
	hub, _ := json.Marshal(map[string]any{"status": "error", "category": "VALIDATION_ERROR", "message": quote,
		"errors": []any{map[string]any{"message": quote, "context": map[string]any{"propertyName": []string{quote}}}}})
	native, _ := json.Marshal(map[string]any{"code": "InvalidPayload", "message": quote, "details": map[string]any{"email": []string{quote}}})
	for i, status := range []int{400, 500, 409, 200, 403, 404, 429} {
		d.hub.Faults().Add(hubspottest.Fault{Method: "POST", Path: "/contacts/", Count: 1, Status: status, Body: string(hub)})
		d.bird.Faults().Add(birdtest.Fault{Path: "/contacts", Count: 1, Status: status, Body: string(native)})
		d.must(d.bird.Edit(id, map[string]any{"name": fmt.Sprintf("%s %c", canaryName, 'A'+i)}))
		d.rest()
	}
	d.hub.Faults().Add(hubspottest.Fault{Method: "POST", Path: "/contacts/", Count: 2, Truncate: true})
	d.bird.Faults().Add(birdtest.Fault{Path: "/contacts", Count: 2, Truncate: true})
	d.must(d.bird.Edit(id, map[string]any{"name": canaryName + " Z"}))
	d.rest()
	d.hub.Faults().Clear()
	d.bird.Faults().Clear()
}

// ambiguity has two records of HubSpot fit one of Bird.
func (d *deployment) ambiguity() {
	d.Helper()
	for i := range 2 {
		d.hub.Create(map[string]string{"phone": "+573009990778", "firstname": canaryName, "email": fmt.Sprintf("two%d.%s", i, canaryEmail)})
	}
	_, err := d.bird.Create(map[string]any{"name": canaryName, "msisdn": "+573009990778"})
	d.must(err)
	d.rest()
}

// strangers call the receivers, and one who knows a secret sends what makes no
// sense.
func (d *deployment) strangers() {
	d.Helper()
	body := fmt.Sprintf(`{"event":%q,"payload":%q,"phone":%q}`, "contact.updated", canaryEmail, canaryPhone)
	for _, path := range []string{hookPath, birdPath, flowPath} {
		for _, header := range []string{"Authorization", "X-HubSpot-Signature-v3", "messagebird-signature", "X-HubSpot-Request-Timestamp", "Content-Encoding"} {
			r := httptest.NewRequest(http.MethodPost, publicURL+path+"?email="+url.QueryEscape(canaryEmail), strings.NewReader(body))
			r.Header.Set(header, "Bearer "+flowSecret+canaryEmail)
			d.call(r, 400)
		}
	}
	for _, text := range []string{body, body + canaryName, `{"event":"tour.scheduled","contact_id":"1","starts_at":"` + canaryName + `"}`, `"` + canaryName + `"`} {
		r := httptest.NewRequest(http.MethodPost, publicURL+flowPath, strings.NewReader(text))
		r.Header.Set("Authorization", "Bearer "+flowSecret)
		d.call(r, 0)
	}
	d.rest()
}

// call has a receiver answer, and writes the answer down.
func (d *deployment) call(r *http.Request, atLeast int) {
	d.Helper()
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, r)
	if w.Code < atLeast {
		d.Errorf("%s is answered %d", r.URL.Path, w.Code)
	}
	_, _ = d.told.Write([]byte(fmt.Sprintf("%s: %d %s\n", r.URL.Path, w.Code, w.Body)))
}

// errors provokes those that callers of the packages get.
func (d *deployment) errors(contact sync.Ref) {
	d.Helper()
	unknown := sync.Ref{System: bird.System, Kind: bird.Contact, ID: "nobody"}
	_, err := d.engine.Explain(d.Context(), d.flowNames[0], unknown)
	d.tell("explain", err)
	_, err = d.engine.Verify(d.Context(), "no flow")
	d.tell("verify", err)
	d.tell("enqueue", d.engine.Enqueue(d.Context(), sync.Change{}))
	for _, phone := range []string{"call " + canaryName, canaryPhone + canaryPhone} {
		results, err := d.birdPeer.Apply(d.Context(), []sync.Write{{Ref: contact, Fields: sync.Fields{"msisdn": sync.Text(phone), "email": sync.Text(canaryName)}}})
		if err == nil {
			err = results[0].Err
		}
		d.tell("bird", err)
	}
	results, err := d.hubPeer.Apply(d.Context(), []sync.Write{{Ref: sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: d.mate(contact)},
		Fields: sync.Fields{"email": sync.Text(canaryName + " no address"), "no_such_property": sync.Text(canaryEmail)}}})
	if err == nil {
		err = results[0].Err
	}
	d.tell("hubspot", err)
	d.bird.Down(true)
	d.hub.Down(true)
	_, err = d.birdPeer.Read(d.Context(), bird.Contact, []string{contact.ID})
	d.tell("bird is down", err)
	_, err = d.hubPeer.Read(d.Context(), hubspot.Contact, []string{d.mate(contact)})
	d.tell("hubspot is down", err)
	d.bird.Down(false)
	d.hub.Down(false)
}

// theCanariesAreThere makes sure that there was something to tell: in both
// vendors, in a note, in the base, among the dead letters and the held.
func (d *deployment) theCanariesAreThere(contact sync.Ref) {
	d.Helper()
	mate := d.mate(contact)
	props, _ := d.hub.Contact(mate)
	notes, _ := json.Marshal(slices.Collect(maps.Values(d.hub.Objects("notes"))))
	link, err := d.store.Link(d.Context(), d.flowNames[0], contact)
	d.must(err)
	base, err := d.store.Base(d.Context(), link.ID)
	d.must(err)
	kept, _ := json.Marshal(base)
	if !has(fmt.Sprint(props), canaryEmail) || !has(string(notes), canarySaid) || !has(string(kept), canaryEmail) {
		d.Errorf("the canaries did not fly: HubSpot has %v and the notes %s, the base is %s", props, notes, kept)
	}
	dead, err := d.queue.Dead(d.Context(), sync.DeadFilter{})
	d.must(err)
	holds, err := d.engine.Holds(d.Context(), d.flowNames[0], "", 10)
	d.must(err)
	entries, err := d.engine.Entries(d.Context(), sync.AuditFilter{Limit: 10_000})
	d.must(err)
	conflict := slices.ContainsFunc(entries, func(e sync.Entry) bool {
		return e.Decision != nil && e.Decision.Conflict && has(e.Decision.Before[sync.Left].String(), canaryEmail)
	})
	if len(dead) == 0 || len(holds) == 0 || !conflict {
		d.Errorf("the day was not bad: %d dead letters, %d held, a conflict %t", len(dead), len(holds), conflict)
	}
}

// outlets is everything that is told, by where.
func (d *deployment) outlets(contact sync.Ref) map[string]string {
	d.Helper()
	scrape := httptest.NewRecorder()
	promhttp.HandlerFor(d.registry, promhttp.HandlerOpts{}).ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	out := map[string]string{"the log": d.log.String(), "errors, events and answers": d.told.String(),
		"alerts": d.notified.String(), "metrics": scrape.Body.String(), "the audit": d.dump(), "failures": d.failures()}
	ref := url.Values{"flow": {d.flowNames[0]}, "ref": {contact.String()}}
	for _, path := range []string{"/", "/records", "/record?" + ref.Encode(), "/events", "/dead", "/conflicts", "/audit", "/mappings", "/runs", "/health"} {
		out["the page "+path] = d.page(http.MethodGet, path)
	}
	out["traces"] = fmt.Sprintf("%+v", tracetest.SpanStubsFromReadOnlySpans(d.spans.Ended()))
	out["the audit's export"] = d.page(http.MethodPost, "/audit/export")
	return out
}

// dump is the audit as it is stored.
func (d *deployment) dump() string {
	d.Helper()
	entries, err := d.store.Entries(d.Context(), sync.AuditFilter{Limit: 100_000})
	d.must(err)
	text, err := json.Marshal(entries)
	d.must(err)
	return string(text)
}

// failures are the histories of the dead letters, which people read.
func (d *deployment) failures() string {
	d.Helper()
	dead, err := d.queue.Dead(d.Context(), sync.DeadFilter{Limit: 1000})
	d.must(err)
	var all []any
	for _, l := range dead {
		all = append(all, l.Message.ID, l.Message.Key, l.History)
	}
	return fmt.Sprint(all)
}

// page returns a page of the dashboard as one sees it who asks for nothing.
func (d *deployment) page(method, path string) string {
	d.Helper()
	r := httptest.NewRequest(method, "http://localhost:8080"+path, nil)
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	d.board.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		d.Errorf("%s is answered %d", path, w.Code)
	}
	return w.Body.String()
}

// around is where a canary is.
func around(text, canary string) string {
	at := strings.Index(strings.ToLower(text), strings.ToLower(canary))
	return text[max(at-300, 0):min(at+200, len(text))]
}

func TestHasFindsACanary(t *testing.T) {
	for text, want := range map[string]bool{"x" + strings.ToUpper(canaryEmail): true, "": false, "quetzal": false} {
		if has(text, canaryEmail) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
