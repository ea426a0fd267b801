package hubspottest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	journalPath = "/webhooks-journal/journal/2026-09"
	subsPath    = "/webhooks-journal/subscriptions/2026-09"
	allActions  = `"CREATE","UPDATE","DELETE","MERGE","RESTORE"`
)

func TestPoint12JournalEvents(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *reader){
		"a life": func(t *testing.T, r *reader) {
			r.follow("0-1", allActions, "")
			r.ask(200, "POST", subsPath, fmt.Sprintf(`{"subscriptionType":"GDPR_PRIVACY_DELETION","portalId":%d,"objectTypeId":"0-1","actions":["GDPR_DELETE"]}`, r.PortalID))
			a := r.Create(map[string]string{"firstname": "Ana", "email": "ana@example.com"})
			r.Advance(time.Second)
			r.Edit(a, map[string]string{"firstname": "", "city": "Cali"})
			r.Archive(a)
			r.Restore(a)
			b := r.Create(nil)
			m := r.Merge(a, b)
			r.Erase(m)
			want := []string{
				"CREATE 0-1 " + a + " email=ana@example.com firstname=Ana",
				"UPDATE 0-1 " + a + " city=Cali firstname=<nil>",
				"DELETE 0-1 " + a, "RESTORE 0-1 " + a, "CREATE 0-1 " + b, "MERGE 0-1 " + m + " merged " + b, "DELETE 0-1 " + b,
			}
			got := r.noted()
			if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
				t.Error(diff)
			}
			slices.Sort(got[len(want):])
			if diff := cmp.Diff([]string{"DELETE 0-1 " + m, "GDPR_DELETE 0-1 " + m}, got[len(want):]); diff != "" {
				t.Error(diff)
			}
		},
		"one write is one event, whatever the clock says": func(t *testing.T, r *reader) {
			r.follow("0-1", allActions, "")
			a := r.Create(map[string]string{"firstname": "Ana", "email": "ana@example.com"})
			r.Edit(a, map[string]string{"city": "Cali"})
			r.Edit(a, map[string]string{"lastname": "Paz", "company": "Sol"})
			want := []string{
				"CREATE 0-1 " + a + " email=ana@example.com firstname=Ana",
				"UPDATE 0-1 " + a + " city=Cali",
				"UPDATE 0-1 " + a + " company=Sol lastname=Paz",
			}
			if diff := cmp.Diff(want, r.noted()); diff != "" {
				t.Error(diff)
			}
		},
		"associations from the subscribed side": func(t *testing.T, r *reader) {
			r.ask(200, "POST", subsPath, fmt.Sprintf(`{"subscriptionType":"ASSOCIATION","portalId":%d,"objectTypeId":"0-1","associatedObjectTypeIds":["0-3"],"actions":["ASSOCIATION_ADDED","ASSOCIATION_REMOVED"]}`, r.PortalID))
			contact := r.Create(nil)
			deal := r.CreateObject("deals", map[string]string{"dealname": "Flat", "dealstage": "closedwon"})
			r.Associate("deals", deal, "contacts", contact)
			events, _ := r.walk(journalPath, "", "")
			want := doc{
				"type": "association", "portalId": float64(r.PortalID), "occurredAt": "2026-11-01T12:00:00.000Z", "action": "ASSOCIATION_ADDED",
				"fromObjectTypeId": "0-1", "fromObjectId": float64(mustID(contact)), "toObjectTypeId": "0-3", "toObjectId": float64(mustID(deal)),
				"associationTypeId": 4.0, "associationCategory": "HUBSPOT_DEFINED", "isPrimary": false,
			}
			if len(events) == 0 {
				t.Fatal("no event")
			}
			if diff := cmp.Diff(want, events[0]); diff != "" {
				t.Error(diff)
			}
		},
		"only what is subscribed, from then on": func(t *testing.T, r *reader) {
			one := r.Create(nil)
			other := r.Create(nil)
			id := r.follow("0-1", `"UPDATE"`, `,"properties":["email"],"objectIds":[`+one+`]`)
			r.Edit(one, map[string]string{"email": "ana@example.com", "city": "Cali"})
			r.Advance(time.Second)
			r.Edit(one, map[string]string{"firstname": "Ana"})
			r.Edit(other, map[string]string{"email": "zoe@example.com"})
			r.CreateObject("deals", map[string]string{"dealname": "Flat", "dealstage": "closedwon"})
			r.Archive(one)
			r.Restore(one)
			r.ask(204, "DELETE", subsPath+"/"+id, "")
			r.Edit(one, map[string]string{"email": "late@example.com"})
			if diff := cmp.Diff([]string{"UPDATE 0-1 " + one + " email=ana@example.com"}, r.noted()); diff != "" {
				t.Error(diff)
			}
		},
		"filters": func(t *testing.T, r *reader) {
			id := r.follow("0-1", allActions, "")
			for _, conditions := range []string{
				`{"filterType":"CRM_OBJECT_PROPERTY","property":"city","operator":"EQ","value":"Cali"},{"filterType":"CRM_OBJECT_PROPERTY","property":"email","operator":"IS_NOT_EMPTY"}`,
				`{"filterType":"CRM_OBJECT_PROPERTY","property":"budget","operator":"GTE","value":"100"}`,
			} {
				r.ask(200, "POST", subsPath+"/filters", fmt.Sprintf(`{"subscriptionId":%s,"filter":{"conditions":[%s]}}`, id, conditions))
			}
			r.ask(400, "POST", subsPath+"/filters", fmt.Sprintf(`{"subscriptionId":%s,"filter":{"conditions":[{"operator":"LIKE"}]}}`, id))
			r.ask(404, "POST", subsPath+"/filters", `{"subscriptionId":99,"filter":{"conditions":[]}}`)
			a := r.Create(map[string]string{"city": "Cali"})
			b := r.Create(map[string]string{"city": "Cali", "email": "b@example.com"})
			c := r.Create(map[string]string{"budget": "99"})
			r.Advance(time.Second)
			r.Edit(c, map[string]string{"budget": "1000"})
			r.Archive(a)
			want := []string{"CREATE 0-1 " + b + " city=Cali email=b@example.com", "UPDATE 0-1 " + c + " budget=1000", "DELETE 0-1 " + a}
			if diff := cmp.Diff(want, r.noted()); diff != "" {
				t.Error(diff)
			}
			list := r.text(subsPath + "/filters/subscription/" + id)
			if strings.Count(list, `"conditions"`) != 2 {
				t.Errorf("filters: %s", list)
			}
		},
		"snapshots": func(t *testing.T, r *reader) {
			id := r.Create(map[string]string{"firstname": "Ana"})
			body := fmt.Sprintf(`{"snapshotRequests":[{"portalId":%d,"objectTypeId":"0-1","objectId":%s,"properties":["firstname","city"]},{"portalId":%d,"objectTypeId":"0-1","objectId":1,"properties":[]}]}`, r.PortalID, id, r.PortalID)
			responses := r.ask(200, "POST", "/webhooks-journal/snapshots/2026-09/crm", body)["snapshotResponses"].([]any)
			state := func(i int) any {
				return r.ask(200, "GET", journalPath+"/status/"+responses[i].(doc)["snapshotStatusId"].(string), "")["status"]
			}
			if state(0) != "IN_PROGRESS" || state(1) != "FAILED" {
				t.Errorf("at first %v, %v", state(0), state(1))
			}
			r.Advance(20 * time.Millisecond)
			if state(0) != "SUCCESS" {
				t.Errorf("then %v", state(0))
			}
			if diff := cmp.Diff([]string{"SNAPSHOT 0-1 " + id + " city=<nil> firstname=Ana"}, r.noted()); diff != "" {
				t.Error(diff)
			}
		},
		"refused subscriptions": func(_ *testing.T, r *reader) {
			for _, body := range []string{
				`{"subscriptionType":"WEATHER"}`, `{"subscriptionType":"OBJECT","portalId":1,"objectTypeId":"0-1","actions":["CREATE"]}`,
				fmt.Sprintf(`{"subscriptionType":"OBJECT","portalId":%d,"objectTypeId":"0-1","actions":["GDPR_DELETE"]}`, r.PortalID),
				fmt.Sprintf(`{"subscriptionType":"OBJECT","portalId":%d,"objectTypeId":"0-1"}`, r.PortalID),
			} {
				r.ask(400, "POST", subsPath, body)
			}
		},
		"subscriptions are listed, read and deleted": func(t *testing.T, r *reader) {
			first := r.follow("0-1", allActions, "")
			r.follow("0-3", allActions, "")
			if list := resultsOf(t, r.ask(200, "GET", subsPath, "")); len(list) != 2 {
				t.Errorf("%v", list)
			}
			if got := r.ask(200, "GET", "/webhooks-journal/subscriptions/v4/"+first, ""); got["objectTypeId"] != "0-1" || got["subscriptionType"] != "OBJECT" {
				t.Errorf("%v", got)
			}
			r.ask(204, "DELETE", "/webhooks/v4/subscriptions/"+first, "")
			r.ask(404, "GET", subsPath+"/"+first, "")
			r.ask(204, "DELETE", fmt.Sprintf("%s/portals/%d", subsPath, r.PortalID), "")
			if list := resultsOf(t, r.ask(200, "GET", subsPath, "")); len(list) != 0 {
				t.Errorf("%v", list)
			}
		},
	} {
		t.Run(name, func(t *testing.T) { test(t, newReader(t, Options{})) })
	}
}

func TestPoint12JournalReading(t *testing.T) {
	for name, c := range map[string]struct {
		opts Options
		test func(*testing.T, *reader)
	}{
		"offsets lead through every file, in every version": {Options{App: AppOptions{JournalBatch: 2}}, func(t *testing.T, r *reader) {
			for _, base := range []string{"/webhooks/v4/journal", "/webhooks-journal/journal/v4", "/webhooks-journal/journal/2026-03", journalPath} {
				for _, page := range []string{"/earliest", "/latest"} {
					r.ask(204, "GET", base+page, "")
				}
			}
			r.follow("0-1", `"CREATE"`, "")
			var want []string
			for range 5 {
				want = append(want, "CREATE 0-1 "+r.Create(nil))
			}
			if diff := cmp.Diff(want, r.noted()); diff != "" {
				t.Error(diff)
			}
			ref := r.ask(200, "GET", journalPath+"/latest", "")
			if got := len(r.open(ref)["journalEvents"].([]any)); got != 1 {
				t.Errorf("%d events in the last file", got)
			}
			r.ask(204, "GET", journalPath+"/offset/"+ref["currentOffset"].(string)+"/next", "")
			want = []string{"CREATE 0-1 " + r.Create(nil)}
			for _, base := range []string{"/webhooks/v4/journal", "/webhooks-journal/journal/v4", "/webhooks-journal/journal/2026-03", journalPath} {
				events, _ := r.walk(base, ref["currentOffset"].(string), "")
				if len(events) != 1 || noted(events[0]) != want[0] {
					t.Errorf("%s: %v", base, events)
				}
			}
		}},
		"batches of references": {Options{App: AppOptions{JournalBatch: 1}}, func(t *testing.T, r *reader) {
			r.follow("0-1", `"CREATE"`, "")
			for range 5 {
				r.Create(nil)
			}
			refs := func(out doc) []string {
				var offsets []string
				for _, ref := range resultsOf(t, out) {
					offsets = append(offsets, ref.(doc)["currentOffset"].(string))
				}
				return offsets
			}
			all := refs(r.ask(200, "GET", journalPath+"/batch/earliest/100", ""))
			for path, want := range map[string][]string{
				"/batch/earliest/2": all[:2], "/batch/latest/2": all[3:], "/batch/" + all[0] + "/next/3": all[1:4], "/batch/" + all[3] + "/next/3": all[4:],
			} {
				if diff := cmp.Diff(want, refs(r.ask(200, "GET", journalPath+path, ""))); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
			}
			r.ask(204, "GET", journalPath+"/batch/"+all[4]+"/next/3", "")
			r.ask(404, "GET", journalPath+"/batch/gone/next/3", "")
			r.ask(400, "GET", journalPath+"/batch/earliest/101", "")
			if got := refs(r.ask(200, "POST", journalPath+"/batch/read", fmt.Sprintf(`{"inputs":[%q]}`, all[2]))); got[0] != all[2] {
				t.Errorf("read: %v", got)
			}
			out := r.ask(207, "POST", journalPath+"/batch/read", fmt.Sprintf(`{"inputs":[%q,"gone"]}`, all[2]))
			if out["status"] != "COMPLETE" || out["numErrors"] != 1.0 || len(refs(out)) != 1 {
				t.Errorf("%v", out)
			}
		}},
		"events are gathered for a while": {Options{App: AppOptions{JournalFlush: time.Second}}, func(t *testing.T, r *reader) {
			r.follow("0-1", `"CREATE"`, "")
			for range 3 {
				r.Create(nil)
				r.Create(nil)
				r.Advance(600 * time.Millisecond)
			}
			var sizes []int
			for _, ref := range resultsOf(t, r.ask(200, "GET", journalPath+"/batch/earliest/10", "")) {
				sizes = append(sizes, len(r.open(ref.(doc))["journalEvents"].([]any)))
			}
			if diff := cmp.Diff([]int{4, 2}, sizes); diff != "" {
				t.Error(diff)
			}
		}},
		"a file has at most 5 MB": {Options{}, func(t *testing.T, r *reader) {
			r.follow("0-1", `"CREATE"`, "")
			long := strings.Repeat("x", 60_000)
			for range 100 {
				r.Create(map[string]string{"city": long})
			}
			first := r.ask(200, "GET", journalPath+"/earliest", "")
			_, text := r.get(first["url"].(string))
			if n := len(text); n > 5<<20+1000 || n < 4<<20 {
				t.Errorf("%d bytes", n)
			}
			if events, _ := r.walk(journalPath, "", ""); len(events) != 100 {
				t.Errorf("%d events", len(events))
			}
		}},
		"the local journal is one account's": {Options{}, func(t *testing.T, r *reader) {
			second := r.AddAccount(nil)
			r.follow("0-1", `"CREATE"`, "")
			r.ask(200, "POST", subsPath, fmt.Sprintf(`{"subscriptionType":"OBJECT","portalId":%d,"objectTypeId":"0-1","actions":["CREATE"]}`, second.PortalID))
			r.Create(nil)
			id := second.Create(nil)
			local := "/webhooks-journal/journal-local/2026-09"
			events, _ := r.walk(local, "", fmt.Sprint("?installPortalId=", second.PortalID))
			if len(events) != 1 || noted(events[0]) != "CREATE 0-1 "+id || events[0]["portalId"] != float64(second.PortalID) {
				t.Errorf("local: %v", events)
			}
			if got := r.noted(); len(got) != 2 {
				t.Errorf("global: %v", got)
			}
			r.ask(400, "GET", local+"/earliest", "")
			r.ask(400, "GET", local+"/earliest?installPortalId=1", "")
		}},
		"three days are kept": {Options{}, func(t *testing.T, r *reader) {
			r.follow("0-1", `"CREATE"`, "")
			r.Create(nil)
			old := r.ask(200, "GET", journalPath+"/latest", "")
			r.Advance(time.Hour)
			r.renew()
			id := r.Create(nil)
			r.ask(200, "GET", journalPath+"/latest", "") // publishes
			r.Advance(72*time.Hour - time.Hour - time.Millisecond)
			r.renew()
			r.ask(200, "GET", journalPath+"/offset/"+old["currentOffset"].(string)+"/next", "")
			r.Advance(time.Millisecond)
			out := r.ask(404, "GET", journalPath+"/offset/"+old["currentOffset"].(string)+"/next", "")
			if out["category"] != "OBJECT_NOT_FOUND" {
				t.Errorf("%v", out)
			}
			if diff := cmp.Diff([]string{"CREATE 0-1 " + id}, r.noted()); diff != "" {
				t.Error(diff)
			}
			r.Advance(time.Hour)
			r.renew()
			r.ask(204, "GET", journalPath+"/earliest", "")
		}},
		"a lost offset by another status": {Options{App: AppOptions{JournalLost: 410}}, func(_ *testing.T, r *reader) {
			r.ask(410, "GET", journalPath+"/offset/gone/next", "")
		}},
		"addresses of files need no token and expire": {Options{App: AppOptions{JournalURLTTL: time.Minute}}, func(t *testing.T, r *reader) {
			r.follow("0-1", `"CREATE"`, "")
			r.Create(nil)
			ref := r.ask(200, "GET", journalPath+"/earliest", "")
			address := ref["url"].(string)
			if ref["expiresAt"] != "2026-11-01T12:01:00.000Z" {
				t.Errorf("expires %v", ref["expiresAt"])
			}
			if got, _ := r.get(address); got != 200 {
				t.Errorf("fresh: %d", got)
			}
			if got := r.status(r.Token, "GET", strings.TrimPrefix(address, r.URL), ""); got != 200 {
				t.Errorf("with a token that is not needed: %d", got)
			}
			forged, err := url.Parse(address)
			if err != nil {
				t.Fatal(err)
			}
			q := forged.Query()
			q.Set("expires", "9999999999999")
			forged.RawQuery = q.Encode()
			if got, _ := r.get(forged.String()); got != 403 {
				t.Errorf("forged: %d", got)
			}
			r.Advance(time.Minute)
			if got, text := r.get(address); got != 403 || !strings.Contains(text, "AccessDenied") {
				t.Errorf("late: %d %s", got, text)
			}
		}},
		"limits of its own": {Options{Daily: 1}, func(t *testing.T, r *reader) {
			r.want(200, "GET", contactsPath, "") // the account's day is used up
			for path, limit := range map[string]int{journalPath + "/earliest": 100, subsPath: 50} {
				for range limit {
					if got := r.status(r.access, "GET", path, ""); got == 429 {
						t.Fatalf("%s: too early", path)
					}
				}
				status, h, _ := r.callAs(r.access, "GET", path, "")
				if status != 429 || h.Get("Retry-After") != "1" || h.Get("X-HubSpot-RateLimit-Max") != "" {
					t.Errorf("%s: %d %v", path, status, h)
				}
			}
			r.Advance(time.Second)
			r.ask(204, "GET", journalPath+"/earliest", "")
		}},
		"only for the app itself": {Options{}, func(t *testing.T, r *reader) {
			access, _ := r.installed()
			for token, want := range map[string]int{"": 401, r.Token: 403, access: 403, r.access: 204} {
				if got := r.status(token, "GET", journalPath+"/earliest", ""); got != want {
					t.Errorf("token %.20q: %d, want %d", token, got, want)
				}
			}
			r.Advance(30 * time.Minute)
			if _, _, out := r.callAs(r.access, "GET", journalPath+"/earliest", ""); out["category"] != "EXPIRED_AUTHENTICATION" {
				t.Errorf("%v", out)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) { c.test(t, newReader(t, c.opts)) })
	}
}
