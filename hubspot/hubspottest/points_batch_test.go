package hubspottest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPoint05Batches(t *testing.T) {
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			r := newRig(t, nil)
			r.DefinePropertyOn(typ.plural, Property{Name: "key", HasUniqueValue: true})
			batch := objectsPath(typ.plural) + "/batch/"
			upsert := func(key, more, trace string) string {
				needed := strings.Replace(minimal[typ.plural], "ana@", key+"@", 1)
				return fmt.Sprintf(`{"id":%q,"idProperty":"key","properties":{%s%s}%s}`, key, needed, more, trace)
			}
			list := func(parts ...string) string { return `{"inputs":[` + strings.Join(parts, ",") + `]}` }

			out := r.want(200, "POST", batch+"upsert", list(upsert("a", "", ""), upsert("b", "", "")))
			a := resultsOf(t, out)[0].(doc)
			b := resultsOf(t, out)[1].(doc)
			if a["new"] != true || props(b)["key"] != "b" {
				t.Errorf("upsert: %v", out)
			}
			if out = r.want(200, "POST", batch+"upsert", list(upsert("a", "", ""))); resultsOf(t, out)[0].(doc)["new"] != false {
				t.Errorf("again: %v", out)
			}
			r.want(400, "POST", batch+"upsert", list(upsert("z", "", ""), upsert("z", "", "")))
			r.want(400, "POST", batch+"upsert", list(upsert("c", "", ""), upsert("d", `,"nope":"1"`, "")))
			if n := len(r.Objects(typ.plural)); n != 2 {
				t.Errorf("%d records after refused batches", n)
			}
			out = r.want(207, "POST", batch+"upsert", list(upsert("c", "", `,"objectWriteTraceId":"1"`), upsert("d", `,"nope":"1"`, `,"objectWriteTraceId":"2"`)))
			if e := out["errors"].([]any)[0].(doc); e["context"].(doc)["objectWriteTraceId"].([]any)[0] != "2" || len(resultsOf(t, out)) != 1 {
				t.Errorf("in part: %v", out)
			}
			out = r.want(207, "POST", batch+"read", `{"inputs":[{"id":"`+a["id"].(string)+`"},{"id":"7"},{"id":"x"}]}`)
			e := out["errors"].([]any)[0].(doc)
			if diff := cmp.Diff([]any{"7", "x"}, e["context"].(doc)["ids"]); diff != "" || out["numErrors"] != 1.0 || !strings.Contains(e["message"].(string), " "+typ.legacy+" ") {
				t.Error(diff, e)
			}
			gone := a["id"].(string)
			r.MergeObjects(typ.plural, b["id"].(string), gone)
			out = r.want(200, "POST", batch+"update", `{"inputs":[{"id":"`+gone+`","properties":{"hubspot_owner_id":"1"}}]}`)
			if len(resultsOf(t, out)) != 0 || out["errors"] != nil {
				t.Errorf("a merged id in an update: %v", out)
			}
			for _, call := range []string{"create", "read", "update", "upsert", "archive"} {
				r.want(400, "POST", batch+call, inputs(101, func(i int) string { return fmt.Sprintf(`{"id":"%d","properties":{}}`, i) }))
			}
		})
	}
	r := newRig(t, nil)
	out := r.want(207, "POST", objectsPath("notes")+"/batch/create", `{"inputs":[
		{"objectWriteTraceId":"good","properties":{"hs_timestamp":"1790000000000"}},
		{"objectWriteTraceId":"bad","properties":{"hs_timestamp":"1790000000000"},
			"associations":[{"to":{"id":"7"},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":202}]}]}]}`)
	context := out["errors"].([]any)[0].(doc)["context"].(doc)
	if context["objectWriteTraceId"].([]any)[0] != "bad" || context["INVALID_OBJECT_IDS"].([]any)[0] != "CONTACT=7 is not valid" || len(r.Objects("notes")) != 1 {
		t.Errorf("a bad association in a batch: %v", out)
	}
	r.want(400, "POST", contactsPath+"/batch/upsert", `{"inputs":[{"id":"a@example.com","idProperty":"email","objectWriteTraceId":"1","properties":{}},
		{"id":"b@example.com","idProperty":"email","objectWriteTraceId":"2","properties":{"nope":"1"}}]}`)
	if len(r.Contacts()) != 0 {
		t.Error("an upsert by email succeeded in part")
	}
}

func TestPoint06Search(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, &Options{Clock: func() time.Time { return now }, Burst: -1, SearchPerSecond: -1})
	contact := r.make("contacts", "")
	deal := r.make("deals", `"amount":"1200","description":"Casa grande"`)
	archived := r.make("deals", "")
	r.ArchiveObject("deals", archived)
	note := r.want(201, "POST", objectsPath("notes"), fmt.Sprintf(`{"properties":{"hs_timestamp":"1790000000000","hs_note_body":"Hola"},
		"associations":[{"to":{"id":%q},"types":[{"associationCategory":"HUBSPOT_DEFINED","associationTypeId":202}]}]}`, contact))["id"].(string)
	second := r.Create(nil)
	r.want(200, "PUT", objectsPath("notes")+"/"+note+"/associations/default/contacts/"+second, "")
	alone := r.make("notes", `"hs_note_body":"Adiós"`)
	find := func(plural, body string) string {
		var ids []string
		for _, x := range resultsOf(t, r.want(200, "POST", objectsPath(plural)+"/search", body)) {
			ids = append(ids, x.(doc)["id"].(string))
		}
		return strings.Join(ids, " ")
	}
	if got := find("deals", "{}"); got != "" {
		t.Errorf("found before the lag passed: %s", got)
	}
	r.Advance(2 * time.Second)
	filter := func(f string) string { return `{"filterGroups":[{"filters":[{"propertyName":` + f + `}]}]}` }
	cases := []struct{ plural, body, want string }{
		{"deals", "{}", deal}, // archived ones never
		{"deals", filter(`"amount","operator":"BETWEEN","value":"1000","highValue":"1200"`), deal},
		{"deals", filter(`"dealstage","operator":"IN","values":["appointmentscheduled"]`), deal},
		{"deals", filter(`"dealstage","operator":"NOT_IN","values":["appointmentscheduled"]`), ""},
		{"deals", filter(`"description","operator":"CONTAINS_TOKEN","value":"grand*"`), deal},
		{"deals", filter(`"dealname","operator":"IN","values":["Casa"]`), ""}, // text wants lower case
		{"deals", filter(`"dealname","operator":"IN","values":["casa"]`), deal},
		{"deals", filter(`"hs_lastmodifieddate","operator":"GTE","value":"` + fmt.Sprint(now.UnixMilli()) + `"`), deal},
		{"deals", `{"query":"casa"}`, deal},
		{"notes", `{"query":"hola"}`, note},
		{"notes", filter(`"associations.contact","operator":"EQ","value":"` + contact + `"`), note},
		{"notes", filter(`"associations.contact","operator":"IN","values":["1","` + contact + `"]`), note},
		{"notes", filter(`"associations.contact","operator":"NOT_IN","values":["` + second + `"]`), alone}, // one of two is enough
		{"notes", filter(`"associations.contact","operator":"NOT_HAS_PROPERTY"`), alone},
		{"notes", `{"sorts":["-hs_object_id"]}`, alone + " " + note},
		{"notes", `{"sorts":[{"propertyName":"hs_note_body","direction":"ASCENDING"}]}`, alone + " " + note},
	}
	for _, c := range cases {
		if got := find(c.plural, c.body); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.plural, c.body, got, c.want)
		}
	}
	long := `{"query":"` + strings.Repeat("x", 2_988) + `"}`
	for body, want := range map[string]int{
		long: 200, strings.Replace(long, "x", "xx", 1): 400,
		filter(`"associations.unicorn","operator":"EQ","value":"1"`): 400,
		`{"sorts":["no_such"]}`: 400, `{"limit":201}`: 400, `{"limit":100,"after":"9901"}`: 400,
	} {
		status, header, _ := r.callAs(r.Token, "POST", objectsPath("notes")+"/search", body)
		if status != want || header.Get("X-HubSpot-RateLimit-Max") != "" {
			t.Errorf("%.60s: %d, want %d", body, status, want)
		}
	}
	limited := newRig(t, &Options{Clock: func() time.Time { return now }})
	for i := range 6 {
		want := map[bool]int{true: 200, false: 429}[i < 5]
		limited.want(want, "POST", objectsPath(objectTypes[i].plural)+"/search", "{}") // one lane for all types
	}
}
