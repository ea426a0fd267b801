package hubspottest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func (r *rig) find(body string) (names []string) {
	r.t.Helper()
	out := r.want(200, "POST", contactsPath+"/search", body)
	for _, x := range resultsOf(r.t, out) {
		names = append(names, fmt.Sprint(props(x)["firstname"]))
	}
	return names
}

func TestSearchOperators(t *testing.T) {
	r := newRig(t, nil)
	r.Create(map[string]string{"firstname": "Ana", "lastname": "De La Roa", "phone": "+57 300 000 0001", "budget": "9", "lifecyclestage": "lead", "interests": "rent;buy", "tour_on": "2026-01-02"})
	r.Create(map[string]string{"firstname": "Bob", "email": "bob@example.com", "phone": "+1 (555) 010-0002", "budget": "10", "lifecyclestage": "customer"})
	r.Create(map[string]string{"firstname": "Cy", "phone": "3000000003", "tour_on": "2026-03-04"})
	r.Archive(r.Create(map[string]string{"firstname": "Gone"}))
	cases := []struct{ filter, want string }{
		{`"firstname","operator":"EQ","value":"ANA"`, "Ana"},
		{`"firstname","operator":"NEQ","value":"ana"`, "Bob Cy"},
		{`"lifecyclestage","operator":"EQ","value":"Lead"`, ""},
		{`"lifecyclestage","operator":"IN","values":["lead","customer"]`, "Ana Bob"},
		{`"lifecyclestage","operator":"NOT_IN","values":["lead"]`, "Bob Cy"},
		{`"firstname","operator":"IN","values":["ana","cy"]`, "Ana Cy"},
		{`"firstname","operator":"IN","values":["Ana"]`, ""},
		{`"interests","operator":"EQ","value":"buy"`, "Ana"},
		{`"budget","operator":"GT","value":"9"`, "Bob"},
		{`"budget","operator":"LTE","value":"9.0"`, "Ana"},
		{`"budget","operator":"BETWEEN","value":"9","highValue":"10"`, "Ana Bob"},
		{`"email","operator":"HAS_PROPERTY"`, "Bob"},
		{`"email","operator":"NOT_HAS_PROPERTY"`, "Ana Cy"},
		{`"lastname","operator":"CONTAINS_TOKEN","value":"roa"`, "Ana"},
		{`"email","operator":"CONTAINS_TOKEN","value":"*@example.com"`, "Bob"},
		{`"lastname","operator":"NOT_CONTAINS_TOKEN","value":"roa"`, "Bob Cy"},
		{`"tour_on","operator":"GTE","value":"1769904000000"`, "Cy"},
		{`"hs_searchable_calculated_phone_number","operator":"EQ","value":"3000000001"`, "Ana"},
		{`"hs_searchable_calculated_phone_number","operator":"IN","values":["5550100002","3000000003"]`, "Bob Cy"},
	}
	for _, c := range cases {
		got := strings.Join(r.find(`{"filterGroups":[{"filters":[{"propertyName":`+c.filter+`}]}]}`), " ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.filter, got, c.want)
		}
	}
	or := `{"filterGroups":[{"filters":[{"propertyName":"budget","operator":"EQ","value":"9"}]},{"filters":[{"propertyName":"firstname","operator":"EQ","value":"cy"}]}]}`
	if diff := cmp.Diff([]string{"Ana", "Cy"}, r.find(or)); diff != "" {
		t.Error(diff)
	}
	for body, want := range map[string][]string{
		`{"sorts":[{"propertyName":"budget","direction":"DESCENDING"}]}`: {"Bob", "Ana", "Cy"},
		`{"sorts":["-firstname"]}`:                                       {"Cy", "Bob", "Ana"},
		`{"sorts":["firstname"],"limit":2,"after":"1"}`:                  {"Bob", "Cy"},
		`{"query":"example.com"}`:                                        {"Bob"},
		`{}`:                                                             {"Ana", "Bob", "Cy"},
	} {
		if diff := cmp.Diff(want, r.find(body)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestSearchLimits(t *testing.T) {
	r := newRig(t, nil)
	filters := func(n int) string {
		return `{"filters":[` + strings.TrimSuffix(strings.Repeat(`{"propertyName":"zip","operator":"EQ","value":"1"},`, n), ",") + `]}`
	}
	groups := func(n, each int) string {
		return `{"filterGroups":[` + strings.TrimSuffix(strings.Repeat(filters(each)+",", n), ",") + `]}`
	}
	cases := []struct {
		name, body string
		status     int
	}{
		{"page of 200", `{"limit":200}`, 200},
		{"page of 201", `{"limit":201}`, 400},
		{"the last of 10,000", `{"limit":100,"after":"9900"}`, 200},
		{"past 10,000", `{"limit":100,"after":"9901"}`, 400},
		{"5 groups", groups(5, 3), 200},
		{"6 groups", groups(6, 1), 400},
		{"7 filters in a group", groups(1, 7), 400},
		{"20 filters", groups(4, 5), 400},
		{"2 sorts", `{"sorts":["zip","city"]}`, 400},
		{"body too long", `{"query":"` + strings.Repeat("x", 3000) + `"}`, 400},
		{"unknown operator", `{"filterGroups":[{"filters":[{"propertyName":"zip","operator":"LIKE","value":"1"}]}]}`, 400},
		{"unknown property", `{"filterGroups":[{"filters":[{"propertyName":"nope","operator":"EQ","value":"1"}]}]}`, 400},
		{"no JSON", `{`, 400},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { r.want(c.status, "POST", contactsPath+"/search", c.body) })
	}
}

func TestSearchLagsBehindWrites(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, &Options{Clock: func() time.Time { return now }})
	id := r.Create(map[string]string{"firstname": "Ana"})
	if got := r.find(`{}`); got != nil {
		t.Errorf("found at once: %v", got)
	}
	r.SetSkew(2 * time.Second)
	if diff := cmp.Diff([]string{"Ana"}, r.find(`{}`)); diff != "" {
		t.Error(diff)
	}
	r.Edit(id, map[string]string{"firstname": "Anna"})
	r.SetSkew(3 * time.Second)
	if diff := cmp.Diff([]string{"Ana"}, r.find(`{}`)); diff != "" {
		t.Errorf("a fresh edit shows: %s", diff)
	}
	r.SetSkew(4 * time.Second)
	if diff := cmp.Diff([]string{"Anna"}, r.find(`{}`)); diff != "" {
		t.Error(diff)
	}
	if r.Now() != now.Add(4*time.Second) {
		t.Errorf("account time %v", r.Now())
	}
}

func TestSearchablePhone(t *testing.T) {
	for phone, want := range map[string]string{
		"+57 300 000 0000": "3000000000", "+1 555-010-0000": "5550100000", "+34 600 000 000": "600000000", "+52 55 0000 0000": "5500000000",
		"+31 6 00000000": "600000000", "+351 900 000 000": "900000000", "+7 900 000 00 00": "9000000000", "300 000 0000": "3000000000", "": "", "+12": "12",
	} {
		if got := searchablePhone(phone); got != want {
			t.Errorf("%q: %q, want %q", phone, got, want)
		}
	}
}
