package hubspottest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/internal/simhttp"
)

func TestPoint13Stages(t *testing.T) {
	r := newRig(t, nil)
	deal := r.make("deals", "")
	if o, _ := r.Object("deals", deal); o["pipeline"] != "default" {
		t.Errorf("pipeline %q", o["pipeline"])
	}
	path := objectsPath("deals") + "/" + deal
	for _, stage := range strings.Fields("appointmentscheduled qualifiedtobuy presentationscheduled decisionmakerboughtin contractsent closedwon closedlost") {
		r.want(200, "PATCH", path, `{"properties":{"dealstage":"`+stage+`"}}`)
	}
	for _, bad := range []string{`"dealstage":"decisionmakerstage"`, `"dealstage":"Closed Won"`, `"pipeline":"no such"`} {
		if out := r.want(400, "PATCH", path, `{"properties":{`+bad+`}}`); codes(out) != "INVALID_OPTION" {
			t.Errorf("%s: %v", bad, out)
		}
		r.want(400, "POST", objectsPath("deals"), bodyOf("deals", bad))
	}
	if o, _ := r.Object("deals", deal); o["dealstage"] != "closedlost" {
		t.Errorf("stage %q", o["dealstage"])
	}
}

func TestPoint14Rules(t *testing.T) {
	r := newRig(t, &Options{Rules: []Rule{
		{On: "deals", When: "dealstage", Is: "closedwon", Require: []string{"closedate"}},
		{On: "notes", Require: []string{"hubspot_owner_id"}},
		{When: "lifecyclestage", Is: "customer", Require: []string{"phone"}},
	}})
	for version, want := range map[string]int{"v3": 200, "2026-03": 200, "2026-09": 400} {
		deal := r.make("deals", "")
		out := r.want(want, "PATCH", crm("objects", version)+"/deals/"+deal, `{"properties":{"dealstage":"closedwon"}}`)
		if want == 400 && (codes(out) != "REQUIRED_FIELD" || out["category"] != "VALIDATION_ERROR") {
			t.Errorf("%v", out)
		}
		r.want(200, "PATCH", crm("objects", version)+"/deals/"+deal, `{"properties":{"dealstage":"closedwon","closedate":"2026-11-23"}}`)
		r.want(map[int]int{200: 201, 400: 400}[want], "POST", crm("objects", version)+"/notes", bodyOf("notes", ""))
		r.want(201, "POST", crm("objects", version)+"/notes", bodyOf("notes", `"hubspot_owner_id":"7"`))
	}
	contact := contactsPath + "/" + r.make("contacts", "") // the rules of other types do not bind it
	r.want(400, "PATCH", contact, `{"properties":{"lifecyclestage":"customer"}}`)
	r.want(200, "PATCH", contact, `{"properties":{"lifecyclestage":"customer","phone":"+57 300 000 0000"}}`)
}

func TestPoint16ClockAndLog(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, &Options{Clock: func() time.Time { return now }})
	r.Advance(time.Hour)
	r.Advance(time.Minute)
	at := now.Add(61 * time.Minute)
	made := r.want(201, "POST", objectsPath("notes"), bodyOf("notes", ""))
	if got := made["createdAt"]; got != at.Format(timeLayout) || !r.Now().Equal(at) {
		t.Errorf("created at %v, now %v, want %v", got, r.Now(), at)
	}
	for _, token := range []string{r.Token, "wrong"} {
		_, header, _ := r.callAs(token, "GET", objectsPath("notes"), "")
		if got := header.Get("Date"); got != at.Format(http.TimeFormat) {
			t.Errorf("Date %s, want %v", got, at)
		}
	}
	r.SetSkew(-time.Hour)
	if got := r.want(200, "PATCH", objectsPath("notes")+"/"+made["id"].(string), `{"properties":{"hs_note_body":"x"}}`)["updatedAt"]; got != now.Add(-time.Hour).Format(timeLayout) {
		t.Errorf("updated at %v", got)
	}
	r.call("POST", objectsPath("0-3")+"/batch/read", `{"inputs":[]}`)
	r.call("GET", "/nowhere", "")
	want := map[string]int{
		"POST /crm/objects/2026-09/{object}":            1,
		"GET /crm/objects/2026-09/{object}":             2,
		"PATCH /crm/objects/2026-09/{object}/{id}":      1,
		"POST /crm/objects/2026-09/{object}/batch/read": 1,
		"/": 1,
	}
	if diff := cmp.Diff(want, r.Log().ByOperation()); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{{"GET", "/crm/objects/*/notes", 2}, {"", "/crm/objects/*/notes*", 3}, {"POST", "", 2}, {"", "/crm/objects/*/*/batch/*", 1}, {"DELETE", "", 0}} {
		if got := r.Log().Find(c.method, c.path); len(got) != c.want {
			t.Errorf("%s %s: %d calls, want %d", c.method, c.path, len(got), c.want)
		}
	}
	if c := r.Log().Find("GET", "/crm/objects/*/notes")[1]; c.Status != 401 || !c.At.Equal(at) {
		t.Errorf("refused call %+v", c)
	}
}

func TestSeveralAccounts(t *testing.T) {
	r := newRig(t, nil)
	other := r.AddAccount(&Options{Token: "other account", PortalID: 77, Burst: 1, Clock: stopped})
	third := r.AddAccount(nil)
	if third.Token == r.Token || third.PortalID == r.PortalID || third.URL != r.URL {
		t.Errorf("third account %q %d %s", third.Token, third.PortalID, third.URL)
	}
	inboxes := map[int64]*inbox{}
	for _, a := range []*Account{r.Account, other, third} {
		b := &inbox{t: t, url: "http://example.com/h", secret: "x"}
		receiver := simhttp.Pipe(b)
		defer receiver.Close()
		a.SetWebhookClient(receiver.Client())
		a.Subscribe(b.url, b.secret, Subscription{Type: "contact.creation"})
		inboxes[a.PortalID] = b
	}
	for _, a := range []*Account{r.Account, other, third} {
		status, _, out := r.callAs(a.Token, "POST", contactsPath, `{"properties":{"email":"ana@example.com"}}`)
		if status != 201 { // the address is free in each
			t.Fatalf("%d: %d %v", a.PortalID, status, out)
		}
		a.Idle()
		events := inboxes[a.PortalID].events()
		if len(events) != 1 || events[0]["portalId"] != float64(a.PortalID) || len(a.Contacts()) != 1 || a.Log().Calls("") != 1 {
			t.Errorf("account %d: %v, %v", a.PortalID, events, a.Contacts())
		}
	}
	for token, want := range map[string]int{other.Token: 429, third.Token: 200, r.Token: 200} {
		if status, _, _ := r.callAs(token, "GET", "/account-info/2026-09/details", ""); status != want {
			t.Errorf("%s: %d, want %d", token, status, want)
		}
	}
	other.RevokeToken(other.Token)
	if status, _, _ := r.callAs(other.Token, "GET", contactsPath, ""); status != 401 {
		t.Errorf("revoked: %d", status)
	}
	defer func() {
		if fmt.Sprint(recover()) == "<nil>" {
			t.Error("two accounts with one token")
		}
	}()
	r.AddAccount(&Options{Token: r.Token})
}
