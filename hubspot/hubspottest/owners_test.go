package hubspottest

import (
	"net/http"
	"strings"
	"testing"
)

func TestOwners(t *testing.T) {
	r := newRig(t, &Options{Owners: []Owner{
		{ID: "9", Email: "Eva@example.com", UserID: 90}, {ID: "10", Email: "ivo@example.com", UserID: 100}, {ID: "11", Email: "old@example.com", UserID: 110, Archived: true},
	}})
	for _, c := range []struct{ name, path, want string }{
		{"all, by number", "/crm/owners/2026-09", "9 10"},
		{"as the Node client asks", "/crm/v3/owners/?limit=100", "9 10"},
		{"by email of any case", "/crm/v3/owners?email=eva@example.com", "9"},
		{"of nobody", "/crm/owners/2026-03?email=no@example.com", ""},
		{"archived", "/crm/owners/2026-09?archived=true", "11"},
		{"first page", "/crm/owners/2026-09?limit=1", "9 …10"},
		{"second page", "/crm/owners/2026-09?limit=1&after=10", "10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := r.want(http.StatusOK, "GET", c.path, "")
			var got []string
			for _, o := range resultsOf(t, d) {
				got = append(got, o.(doc)["id"].(string))
			}
			if d["paging"] != nil {
				got = append(got, "…"+d["paging"].(doc)["next"].(doc)["after"].(string))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %q", got, c.want)
			}
		})
	}
	if got := r.want(200, "GET", "/crm/owners/2026-09/100?idProperty=userId", ""); got["id"] != "10" {
		t.Errorf("by user id: %v", got)
	}
	r.want(404, "GET", "/crm/owners/2026-09/100", "")
	r.want(404, "GET", "/crm/owners/2026-09/11", "")
	old := r.want(200, "GET", "/crm/owners/2026-09/11?archived=true", "")
	if _, has := old["userId"]; has || old["userIdIncludingInactive"] != 110.0 {
		t.Errorf("an archived owner %v", old)
	}
	r.want(400, "GET", "/crm/owners/2026-09?limit=501", "")
	r.AddOwner(Owner{ID: "12", Email: "zoe@example.com"})
	if n := len(r.Owners()); n != 4 {
		t.Errorf("%d owners", n)
	}
	if n := len(resultsOf(t, newRig(t, nil).want(200, "GET", "/crm/owners/2026-09", ""))); n != 2 {
		t.Errorf("%d people by default", n)
	}
}

func TestCustomPropertyLimits(t *testing.T) {
	r := newRig(t, nil)
	before := r.want(200, "GET", "/crm/limits/2026-09/custom-properties", "")
	r.DefinePropertyOn("deals", Property{Name: "bird_deal_key", HasUniqueValue: true})
	after := r.want(200, "GET", "/crm/v3/limits/custom-properties", "")
	if after["overallLimit"] != 10_000.0 || after["overallUsage"].(float64) != before["overallUsage"].(float64)+1 {
		t.Errorf("before %v, after %v", before, after)
	}
	for _, x := range after["byObjectType"].([]any) {
		if x.(doc)["objectTypeId"] == "0-3" && x.(doc)["usage"] != 1.0 {
			t.Errorf("deals use %v", x)
		}
	}
}
