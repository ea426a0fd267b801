package hubspottest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAllPathSetsShareOneAccount(t *testing.T) {
	r := newRig(t, nil)
	bases := []string{"/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/objects/2026-09/contacts", "/crm/objects/2026-09/0-1"}
	for i, base := range bases {
		made := r.want(201, "POST", base, fmt.Sprintf(`{"properties":{"email":"a%d@example.com","firstname":"Ana"},"associations":[]}`, i))
		for _, other := range bases {
			got := r.want(200, "GET", other+"/"+made["id"].(string)+"?properties=email,phone,no_such&properties=lastname", "")
			p := props(got)
			want := doc{
				"email": fmt.Sprintf("a%d@example.com", i), "phone": nil, "lastname": nil,
				"hs_object_id": made["id"], "createdate": made["createdAt"], "lastmodifieddate": made["updatedAt"],
			}
			if diff := cmp.Diff(want, p); diff != "" {
				t.Errorf("%s after %s: %s", other, base, diff)
			}
		}
	}
	for _, path := range []string{"/account-info/v3/details", "/account-info/2026-09/details"} {
		if got := r.want(200, "GET", path, ""); got["portalId"] != float64(r.PortalID) {
			t.Errorf("%s: %v", path, got)
		}
	}
	r.want(404, "GET", "/crm/objects/2026-09/unicorns/1", "")
}

func TestLifeOfAContact(t *testing.T) {
	r := newRig(t, nil)
	made := r.want(201, "POST", contactsPath, `{"properties":{"email":" Ana@Example.com","phone":"+57 300 000 0000"}}`)
	id := made["id"].(string)
	if made["archived"] != false || props(made)["email"] != "ana@example.com" {
		t.Errorf("created %v", made)
	}
	got := r.want(200, "PATCH", contactsPath+"/"+id, `{"properties":{"phone":"","budget":1200.5,"wants_pets":true}}`)
	if p := props(got); p["phone"] != nil || p["budget"] != "1200.5" || p["wants_pets"] != "true" {
		t.Errorf("updated %v", p)
	}
	r.want(200, "GET", contactsPath+"/ANA@example.com?idProperty=email", "")
	r.want(400, "GET", contactsPath+"/Ana?idProperty=firstname", "")
	r.want(204, "DELETE", contactsPath+"/"+id, "")
	r.want(204, "DELETE", contactsPath+"/"+id, "")
	r.want(404, "GET", contactsPath+"/"+id, "")
	r.want(404, "PATCH", contactsPath+"/"+id, `{"properties":{}}`)
	gone := r.want(200, "GET", contactsPath+"/"+id+"?archived=true", "")
	if gone["archived"] != true || gone["archivedAt"] == "" {
		t.Errorf("archived %v", gone)
	}
	r.want(201, "POST", contactsPath, `{"properties":{"email":"ana@example.com"}}`) // the address is free again
}

func TestEqualWriteChangesNothing(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"email": "ana@example.com", "firstname": "Ana"})
	before := r.want(200, "GET", contactsPath+"/"+id, "")
	r.want(200, "PATCH", contactsPath+"/"+id, `{"properties":{"firstname":"Ana"}}`)
	after := r.want(200, "GET", contactsPath+"/"+id, "")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if n := len(r.History(id, "firstname")); n != 1 {
		t.Errorf("%d revisions", n)
	}
	if r.NoopCount(id, "firstname") != 1 || r.WriteCount("", "") != 0 {
		t.Errorf("counts %d %d", r.NoopCount(id, "firstname"), r.WriteCount("", ""))
	}
	r.want(200, "PATCH", contactsPath+"/"+id, `{"properties":{"firstname":"Anna"}}`)
	if r.WriteCount(id, "firstname") != 1 {
		t.Error("a change was not counted")
	}
	r.ResetCounts()
	if r.WriteCount("", "") != 0 || r.NoopCount("", "") != 0 {
		t.Error("counts were kept")
	}
}

func TestHistoryIsNewestFirstAndNamesItsSource(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"firstname": "Ana"})
	r.want(200, "PATCH", contactsPath+"/"+id, `{"properties":{"firstname":"Anna"}}`)
	got := r.want(200, "GET", contactsPath+"/"+id+"?propertiesWithHistory=firstname,phone", "")
	list := got["propertiesWithHistory"].(doc)["firstname"].([]any)
	var told []string
	for _, e := range list {
		told = append(told, fmt.Sprint(e.(doc)["value"], " ", e.(doc)["sourceType"], " ", e.(doc)["sourceId"]))
	}
	want := []string{fmt.Sprintf("Anna INTEGRATION %d", r.AppID), "Ana CRM_UI userId:1"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

func TestListPagesById(t *testing.T) {
	r := newRig(t, nil)
	for i := range 25 {
		r.Create(map[string]string{"email": fmt.Sprintf("p%d@example.com", i)})
	}
	seen, after := 0, ""
	for pages := 1; ; pages++ {
		out := r.want(200, "GET", contactsPath+"?limit=10"+after, "")
		seen += len(resultsOf(t, out))
		if out["paging"] == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		after = "&after=" + out["paging"].(doc)["next"].(doc)["after"].(string)
	}
	if seen != 25 {
		t.Errorf("saw %d of 25", seen)
	}
	r.want(400, "GET", contactsPath+"?limit=101", "")
}

func TestMergeMintsAnID(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"email": "ana@example.com", "firstname": "Ana"})
	b := r.Create(map[string]string{"email": "ana.b@example.com", "firstname": "Anita", "phone": "+57 300 000 0000"})
	out := r.want(200, "POST", contactsPath+"/merge", `{"primaryObjectId":"`+a+`","objectIdToMerge":"`+b+`"}`)
	id := out["id"].(string)
	if id == a || id == b {
		t.Fatalf("survivor %s of %s and %s", id, a, b)
	}
	for _, old := range []string{a, b, id} {
		got := r.want(200, "GET", contactsPath+"/"+old+"?properties=firstname,phone,hs_merged_object_ids,hs_additional_emails", "")
		p := props(got)
		if got["id"] != id || p["hs_object_id"] != id || p["firstname"] != "Ana" || p["phone"] != "+57 300 000 0000" ||
			p["hs_merged_object_ids"] != a+";"+b || p["hs_additional_emails"] != "ana.b@example.com" {
			t.Errorf("read %s: %v", old, got)
		}
	}
	r.want(409, "POST", contactsPath, `{"properties":{"email":"ana.b@example.com"}}`)
	r.want(400, "POST", contactsPath+"/merge", `{"primaryObjectId":"`+id+`","objectIdToMerge":"1"}`)
}

func TestMergeMayKeepThePrimaryID(t *testing.T) {
	r := newRig(t, &Options{MergeKeepsPrimaryID: true})
	a, b := r.Create(map[string]string{"firstname": "Ana"}), r.Create(map[string]string{"phone": "1"})
	if got := r.Merge(a, b); got != a {
		t.Errorf("survivor %s, want %s", got, a)
	}
	if c, _ := r.Contact(b); c["hs_object_id"] != a || c["phone"] != "1" {
		t.Errorf("by the old id: %v", c)
	}
	last := r.Create(nil)
	r.Merge(a, r.Create(nil))
	out := r.want(200, "GET", contactsPath+"?after="+last, "")
	if list := resultsOf(t, out); len(list) != 1 || list[0].(doc)["id"] != last {
		t.Errorf("the order of ids is lost: %v", list)
	}
}
