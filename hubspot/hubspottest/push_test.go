package hubspottest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/internal/simhttp"
)

// pushed runs f in virtual time with an account whose webhooks the management API has sent to the receiver.
func pushed(t *testing.T, o Options, f func(t *testing.T, r *rig, b *inbox)) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPipeServer(&o)
		defer s.Close()
		b := &inbox{t: t, url: "https://sync.example.com/hooks", secret: s.ClientSecret}
		receiver := simhttp.Pipe(b)
		defer receiver.Close()
		s.SetWebhookClient(plainHTTP(receiver.Client()))
		r := &rig{s, t}
		r.manage(200, "PUT", "settings", `{"targetUrl":"https://sync.example.com/hooks","throttling":{"maxConcurrentRequests":10}}`)
		f(t, r, b)
	})
}

// manage calls the management API with the developer key.
func (r *rig) manage(want int, method, path, body string) doc {
	r.t.Helper()
	path = fmt.Sprintf("/app-webhooks/2026-09/%d/%s?hapikey=%s", r.AppID, path, r.DeveloperKey)
	status, _, out := r.callAs("", method, path, body)
	if status != want {
		r.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

func (r *rig) subscribe(eventType, property, objectType string) string {
	r.t.Helper()
	body := fmt.Sprintf(`{"eventType":%q,"propertyName":%q,"objectTypeId":%q,"active":true}`, eventType, property, objectType)
	return r.manage(201, "POST", "subscriptions", body)["id"].(string)
}

// heard are the events that came since the last call, as one line each, in order.
func heard(t *testing.T, r *rig, b *inbox) []string {
	t.Helper()
	settle(t, r.Server)
	b.mu.Lock()
	defer b.mu.Unlock()
	lines := []string{}
	for _, e := range slices.Concat(b.requests...) {
		lines = append(lines, told(e))
	}
	b.requests = nil
	slices.Sort(lines)
	return lines
}

func TestPoint11PushWebhooks(t *testing.T) {
	t.Run("management", func(t *testing.T) {
		pushed(t, Options{Clock: stopped}, func(t *testing.T, r *rig, _ *inbox) {
			settings := r.manage(200, "GET", "settings", "")
			want := doc{
				"targetUrl": "https://sync.example.com/hooks", "throttling": doc{"maxConcurrentRequests": 10.0},
				"createdAt": "2026-11-01T12:00:00.000Z", "updatedAt": "2026-11-01T12:00:00.000Z",
			}
			if diff := cmp.Diff(want, settings); diff != "" {
				t.Error(diff)
			}
			id := r.subscribe("contact.propertyChange", "email", "")
			sub := doc{
				"id": id, "eventType": "contact.propertyChange", "propertyName": "email", "active": true,
				"createdAt": "2026-11-01T12:00:00.000Z", "updatedAt": "2026-11-01T12:00:00.000Z",
			}
			if diff := cmp.Diff(doc{"results": []any{sub}}, r.manage(200, "GET", "subscriptions", "")); diff != "" {
				t.Error(diff)
			}
			r.Advance(time.Minute)
			sub["active"], sub["updatedAt"] = false, "2026-11-01T12:01:00.000Z"
			if diff := cmp.Diff(sub, r.manage(200, "PATCH", "subscriptions/"+id, `{"active":false}`)); diff != "" {
				t.Error(diff)
			}
			out := r.manage(207, "POST", "subscriptions/batch/update", fmt.Sprintf(`{"inputs":[{"id":%s,"active":true},{"id":7,"active":true}]}`, id))
			if out["numErrors"] != 1.0 || len(out["results"].([]any)) != 1 || r.manage(200, "GET", "subscriptions/"+id, "")["active"] != true {
				t.Errorf("batch: %v", out)
			}
			r.manage(204, "DELETE", "subscriptions/"+id, "")
			r.manage(404, "GET", "subscriptions/"+id, "")
			r.manage(204, "DELETE", "settings", "")
			r.manage(404, "GET", "settings", "")
		})
	})
	t.Run("prefixes and callers", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, _ *inbox) {
			app := strconv.FormatInt(r.AppID, 10)
			for _, c := range []struct {
				token, path string
				want        int
			}{
				{"", "/webhooks/v3/" + app + "/subscriptions?hapikey=" + r.DeveloperKey, 200},
				{"", "/webhooks/2026-03/" + app + "/settings?hapikey=" + r.DeveloperKey, 200},
				{r.Token, "/app-webhooks/2026-09/" + app + "/settings", 200},
				{"", "/webhooks/v3/" + app + "/settings", 401},
				{"", "/webhooks/v3/" + app + "/settings?hapikey=other", 401},
				{r.Token, "/webhooks/v3/1/settings", 404},
				{r.Token, "/webhooks/2026-09/" + app + "/settings", 404},
			} {
				if got := r.status(c.token, "GET", c.path, ""); got != c.want {
					t.Errorf("%s: %d, want %d", c.path, got, c.want)
				}
			}
		})
	})
	t.Run("refused subscriptions", func(t *testing.T) {
		pushed(t, Options{}, func(_ *testing.T, r *rig, _ *inbox) {
			for _, body := range []string{
				`{"eventType":"contact.birthday"}`, `{"eventType":"contact.propertyChange"}`, `{"eventType":"object.creation"}`,
				`{"eventType":"product.associationChange"}`, `{"eventType":"contact.propertyChange","propertyName":"hs_lastmodifieddate"}`,
			} {
				r.manage(400, "POST", "subscriptions", body)
			}
			r.manage(400, "PUT", "settings", `{"targetUrl":"https://sync.example.com","throttling":{"maxConcurrentRequests":5}}`)
			for range maxSubscriptions {
				r.subscribe("contact.creation", "", "")
			}
			out := r.manage(400, "POST", "subscriptions", `{"eventType":"contact.creation"}`)
			if !strings.Contains(out["message"].(string), "maximum number allowed per application (1000)") {
				r.t.Errorf("%v", out)
			}
		})
	})
	t.Run("one event per subscribed property", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, b *inbox) {
			r.subscribe("contact.propertyChange", "phone", "")
			r.subscribe("contact.propertyChange", "email", "")
			r.subscribe("contact.propertyChange", "no_such_property", "")
			paused := r.subscribe("contact.propertyChange", "city", "")
			r.manage(200, "PATCH", "subscriptions/"+paused, `{"active":false}`)
			id := r.Create(map[string]string{"phone": "+57 300 000 0001", "email": "ana@example.com", "city": "Cali", "firstname": "Ana"})
			want := []string{
				"contact.propertyChange " + number(id) + " CRM_UI userId:1 email ana@example.com",
				"contact.propertyChange " + number(id) + " CRM_UI userId:1 phone +57 300 000 0001",
			}
			if diff := cmp.Diff(want, heard(t, r, b)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("every kind of actor", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, b *inbox) {
			r.AddApp("other", 43)
			r.subscribe("contact.propertyChange", "city", "")
			id := r.Create(nil)
			access, _ := r.installed()
			for i, token := range []string{r.Token, "other", access} {
				if got := r.status(token, "PATCH", contactsPath+"/"+id, fmt.Sprintf(`{"properties":{"city":"c%d"}}`, i)); got != 200 {
					t.Fatal(got)
				}
			}
			for i, by := range []Actor{User(9), Workflow("77"), {Source: "IMPORT", ID: "5"}} {
				if err := r.EditAs(by, id, map[string]string{"city": fmt.Sprint("p", i)}); err != nil {
					t.Fatal(err)
				}
			}
			var got []string
			for _, line := range heard(t, r, b) {
				got = append(got, strings.TrimPrefix(line, "contact.propertyChange "+number(id)+" "))
			}
			own := "INTEGRATION " + strconv.FormatInt(r.AppID, 10) + " city "
			want := []string{
				"AUTOMATION_PLATFORM 77 city p1", "CRM_UI userId:9 city p0", "IMPORT 5 city p2", own + "c0", own + "c2", "INTEGRATION 43 city c1",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("two events per association", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, b *inbox) {
			r.subscribe("contact.associationChange", "", "")
			r.subscribe("deal.associationChange", "", "")
			r.subscribe("object.associationChange", "", "0-3")
			contact := r.Create(nil)
			deal := r.CreateObject("deals", map[string]string{"dealname": "Flat", "dealstage": "closedwon"})
			r.Associate("deals", deal, "contacts", contact)
			settle(t, r.Server)
			var got []string
			for _, e := range b.events() {
				if _, has := e["objectId"]; has {
					t.Errorf("an object id: %v", e)
				}
				got = append(got, fmt.Sprint(e["subscriptionType"], " ", e["associationType"], " ", e["fromObjectTypeId"], " ", fmt.Sprint(e["fromObjectId"] == float64(mustID(deal))), " ", e["associationRemoved"]))
			}
			slices.Sort(got)
			want := []string{
				"contact.associationChange CONTACT_TO_DEAL <nil> false false", "deal.associationChange DEAL_TO_CONTACT <nil> true false",
				"object.associationChange <nil> 0-3 true false",
			}
			if diff := cmp.Diff(want, got[:3]); diff != "" {
				t.Errorf("%s in %v", diff, got)
			}
		})
	})
	t.Run("sensitive values are redacted", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, b *inbox) {
			r.DefinePropertyOn("contacts", Property{Name: "passport_number", Type: "string", DataSensitivity: "sensitive"})
			r.subscribe("contact.propertyChange", "passport_number", "")
			r.subscribe("object.propertyChange", "passport_number", "0-1")
			r.Create(map[string]string{"passport_number": "X1"})
			settle(t, r.Server)
			var got []string
			for _, e := range b.events() {
				got = append(got, fmt.Sprint(e["subscriptionType"], " ", e["propertyValue"], " ", e["isSensitive"]))
			}
			slices.Sort(got)
			if diff := cmp.Diff([]string{"contact.propertyChange REDACTED <nil>", "object.propertyChange REDACTED true"}, got); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("settings are cached", func(t *testing.T) {
		pushed(t, Options{App: AppOptions{SettingsCache: 5 * time.Minute}}, func(t *testing.T, r *rig, b *inbox) {
			r.Create(nil) // fills the cache
			r.subscribe("contact.creation", "", "")
			r.Create(nil)
			if got := heard(t, r, b); len(got) != 0 {
				t.Errorf("too early: %v", got)
			}
			time.Sleep(5 * time.Minute)
			r.Create(nil)
			if got := heard(t, r, b); len(got) != 1 {
				t.Errorf("after the cache: %v", got)
			}
			r.manage(204, "DELETE", "settings", "")
			r.Create(nil)
			if got := heard(t, r, b); len(got) != 1 {
				t.Errorf("deleted settings in the cache: %v", got)
			}
			time.Sleep(5 * time.Minute)
			r.Create(nil)
			if got := heard(t, r, b); len(got) != 0 {
				t.Errorf("deleted settings: %v", got)
			}
		})
	})
	t.Run("accounts share the app's settings", func(t *testing.T) {
		pushed(t, Options{}, func(t *testing.T, r *rig, b *inbox) {
			second := r.AddAccount(nil)
			receiver := simhttp.Pipe(b)
			defer receiver.Close()
			second.SetWebhookClient(plainHTTP(receiver.Client()))
			r.subscribe("contact.creation", "", "")
			r.Create(nil)
			r.Idle()
			second.Create(nil)
			second.Idle()
			var portals []float64
			for _, e := range b.events() {
				portals = append(portals, e["portalId"].(float64))
			}
			if diff := cmp.Diff([]float64{float64(r.PortalID), float64(second.PortalID)}, portals); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("five seconds to answer, ten at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := NewPipeServer(&Options{WebhookBatch: 1, WebhookRetries: -1})
			defer s.Close()
			var arrived atomic.Int64
			receiver := simhttp.Pipe(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				arrived.Add(1)
				_, _ = io.Copy(io.Discard, r.Body) // the server sees that the client left only behind the body
				<-r.Context().Done()
			}))
			defer receiver.Close()
			s.SetWebhookClient(receiver.Client())
			s.Subscribe("http://sync.example.com", "secret", Subscription{Type: "contact.creation"})
			start := time.Now()
			for range 25 {
				s.Create(nil)
			}
			s.hooks.flush()
			for _, want := range []int64{10, 20, 25} {
				time.Sleep(time.Second)
				synctest.Wait()
				if n := arrived.Load(); n != want {
					t.Errorf("%d requests after %v, want %d", n, time.Since(start), want)
				}
				time.Sleep(4 * time.Second)
			}
			settle(t, s)
			if got := time.Since(start); got != 15*time.Second {
				t.Errorf("%v for three rounds of 5 s", got)
			}
			if st := s.WebhookStats(); st.Failed != 25 {
				t.Errorf("%+v", st)
			}
		})
	})
}

func mustID(id string) int64 { n, _ := parseID(id); return n }

// number is an id as decoded JSON shows it.
func number(id string) string { return fmt.Sprint(float64(mustID(id))) }
