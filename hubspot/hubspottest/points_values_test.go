package hubspottest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests named TestPointNN walk what a faithful simulator of HubSpot must do, one point each, over HTTP.

// make creates a minimal record with more members and returns its id.
func (r *rig) make(plural, more string) string {
	r.t.Helper()
	return r.want(201, "POST", objectsPath(plural), bodyOf(plural, more))["id"].(string)
}

// codes are the codes of an error body in order.
func codes(d doc) string {
	var all []string
	list, _ := d["errors"].([]any)
	for _, e := range list {
		all = append(all, fmt.Sprint(e.(doc)["code"]))
	}
	return strings.Join(all, " ")
}

func TestPoint02Ids(t *testing.T) {
	timestamp := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`)
	shown := map[string][]string{
		"contacts": {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"},
		"deals":    {"amount", "closedate", "createdate", "dealname", "dealstage", "hs_lastmodifieddate", "hs_object_id", "pipeline"},
	}
	seen := map[string]string{}
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			r := newRig(t, nil)
			id := r.make(typ.plural, "")
			if other := seen[id]; other != "" {
				t.Errorf("%s starts at the same id as %s", typ.plural, other)
			}
			seen[id] = typ.plural
			path := objectsPath(typ.plural) + "/" + id
			got := r.want(200, "GET", path, "")
			if !timestamp.MatchString(got["createdAt"].(string)) || !timestamp.MatchString(got["updatedAt"].(string)) || got["id"] != id {
				t.Errorf("%v", got)
			}
			want := shown[typ.plural]
			if want == nil {
				want = []string{"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
			}
			if diff := cmp.Diff(want, keysOf(props(got))); diff != "" {
				t.Error(diff)
			}
			p := props(r.want(200, "GET", path+"?properties=hubspot_owner_id,no_such", ""))
			if v, there := p["hubspot_owner_id"]; !there || v != nil {
				t.Errorf("an unset property is not null: %v", p)
			}
			if _, there := p["no_such"]; there {
				t.Error("an unknown property came back")
			}
			for name, v := range props(r.want(200, "PATCH", path, `{"properties":{"hubspot_owner_id":7}}`)) {
				if _, text := v.(string); v != nil && !text {
					t.Errorf("%s is %T", name, v)
				}
			}
			for _, other := range objectTypes {
				if other != typ {
					r.want(404, "GET", objectsPath(other.plural)+"/"+id, "")
				}
			}
		})
	}
}

func keysOf(d doc) []string {
	var all []string
	for k := range d {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func TestPoint03Writes(t *testing.T) {
	long := strings.Repeat("x", 65_537)
	cases := []struct{ plural, props, codes string }{
		{"contacts", `"nope":"1","email":"ana@","budget":"1,200"`, "INVALID_INTEGER INVALID_EMAIL PROPERTY_DOESNT_EXIST"},
		{"deals", `"amount":"a lot","dealtype":"odd","hs_object_id":"1"`, "INVALID_INTEGER INVALID_OPTION READ_ONLY_VALUE"},
		{"deals", `"closedate":"soon"`, "INVALID_LONG"},
		{"deals", `"description":"` + long + `"`, "VALUE_TOO_LONG"},
		{"notes", `"hs_note_body":"` + long + `"`, "VALUE_TOO_LONG"},
		{"notes", `"hs_timestamp":""`, "REQUIRED_FIELD"},
		{"communications", `"hs_communication_channel_type":"","hs_communication_logged_from":"API"`, "INVALID_OPTION REQUIRED_FIELD"},
		{"tasks", `"hs_task_status":"DONE","hs_task_priority":"low","hs_task_type":"SMS"`, "INVALID_OPTION INVALID_OPTION INVALID_OPTION"},
		{"meetings", `"hs_meeting_outcome":"CANCELLED"`, "INVALID_OPTION"},
		{"communications", `"hs_communication_channel_type":"FAX","hs_communication_logged_from":"API"`, "INVALID_OPTION INVALID_OPTION"},
		{"contacts", `"tour_on":"1790000001000"`, "INVALID_DATE"},
		{"contacts", `"tour_on":"tomorrow","tour_at":"noon"`, "INVALID_LONG INVALID_LONG"},
		{"contacts", `"lifecyclestage":"Lead","wants_pets":"yes","interests":"rent;fly"`, "INVALID_OPTION INVALID_OPTION INVALID_OPTION"},
		{"contacts", `"email":"a@b.test"`, "INVALID_EMAIL"},
		{"contacts", `"lastmodifieddate":"2026-01-01"`, "READ_ONLY_VALUE"},
	}
	for _, c := range cases {
		r := newRig(t, nil)
		out := r.want(400, "POST", objectsPath(c.plural), bodyOf(c.plural, c.props))
		if got := codes(out); got != c.codes || out["category"] != "VALIDATION_ERROR" {
			t.Errorf("%s: %q, want %q", c.plural, got, c.codes)
		}
		if len(r.Objects(c.plural)) != 0 {
			t.Errorf("%s: something was written", c.plural)
		}
	}
	r := newRig(t, nil)
	r.want(400, "POST", objectsPath("deals"), `{"properties":{"amount":"1"}}`)
	steps := []struct{ plural, property, write, read string }{
		{"notes", "hs_note_body", strings.Repeat("x", 65_536), strings.Repeat("x", 65_536)},
		{"notes", "hs_timestamp", "2026-09-21T09:13:21-05:00", "2026-09-21T14:13:21.000Z"},
		{"deals", "amount", "1200.50", "1200.50"},
		{"deals", "amount", "", ""},
		{"deals", "closedate", "2026-11-23", "2026-11-23T00:00:00.000Z"},
		{"contacts", "tour_on", "2026-11-23", "2026-11-23"},
		{"contacts", "tour_on", "1790035200000", "2026-09-22"},
		{"contacts", "tour_at", "1790000001000", "2026-09-21T14:13:21.000Z"},
		{"contacts", "interests", "rent", "rent"},
		{"contacts", "interests", ";sell", "rent;sell"},
		{"contacts", "lifecyclestage", "customer", "customer"},
		{"contacts", "lifecyclestage", "lead", "customer"}, // forward only
		{"contacts", "lifecyclestage", "", ""},
		{"contacts", "lifecyclestage", "lead", "lead"},
	}
	ids := map[string]string{}
	for _, s := range steps {
		if ids[s.plural] == "" {
			ids[s.plural] = r.make(s.plural, "")
		}
		r.want(200, "PATCH", objectsPath(s.plural)+"/"+ids[s.plural], fmt.Sprintf(`{"properties":{%q:%q}}`, s.property, s.write))
		if o, _ := r.Object(s.plural, ids[s.plural]); o[s.property] != s.read {
			t.Errorf("%s %s: wrote %.30q, read %.30q, want %.30q", s.plural, s.property, s.write, o[s.property], s.read)
		}
	}
}

func TestPoint04Uniqueness(t *testing.T) {
	for _, race := range []bool{false, true} {
		r := newRig(t, &Options{CreateConflictAs400: race})
		a := r.Create(map[string]string{"email": "ana@example.com", "hs_additional_emails": "ana2@example.com"})
		b := r.Create(map[string]string{"email": "bob@example.com"})
		for _, email := range []string{"ANA@example.com", "ana2@example.com"} {
			body := `{"properties":{"email":"` + email + `"}}`
			status, out := r.call("POST", contactsPath, body)
			conflict := status == 409 && out["message"] == "Contact already exists. Existing ID: "+a
			taken := status == 400 && strings.HasSuffix(out["message"].(string), ". "+a+" already has that value.")
			if conflict == race || taken != race {
				t.Errorf("create %s in a race=%v: %d %v", email, race, status, out)
			}
			out = r.want(400, "PATCH", contactsPath+"/"+b, body)
			if !strings.HasSuffix(out["message"].(string), " on "+b+". "+a+" already has that value.") {
				t.Errorf("update %s: %v", email, out)
			}
		}
	}
	for _, typ := range objectTypes {
		t.Run(typ.plural, func(t *testing.T) {
			r := newRig(t, nil)
			path := "/crm/properties/2026-09/" + typ.plural
			unique := func(i int) string {
				return fmt.Sprintf(`{"name":"key_%d","label":"K","groupName":%q,"type":"string","fieldType":"text","hasUniqueValue":true}`, i, typ.group)
			}
			free := maxUnique - len(r.in(typ.plural).schema.unique)
			for i := range free {
				r.want(201, "POST", path, unique(i))
			}
			r.want(400, "POST", path, unique(maxUnique))
			a := r.make(typ.plural, `"key_0":"k"`)
			out := r.want(400, "POST", objectsPath(typ.plural), strings.ReplaceAll(bodyOf(typ.plural, `"key_0":"K"`), "ana@", "zoe@"))
			if want := "legacyObjectType=" + typ.legacy + "}"; !strings.Contains(out["message"].(string), want) || !strings.Contains(out["message"].(string), ". "+a+" already") {
				t.Errorf("taken: %v", out)
			}
			if got := r.want(200, "GET", objectsPath(typ.plural)+"/k?idProperty=key_0", ""); got["id"] != a {
				t.Errorf("by key: %v", got)
			}
			b := r.want(201, "POST", objectsPath(typ.plural), strings.ReplaceAll(bodyOf(typ.plural, `"key_0":"other"`), "ana@", "zoe@"))["id"].(string)
			take := func() (int, doc) {
				return r.call("PATCH", objectsPath(typ.plural)+"/"+b, `{"properties":{"key_0":"k"}}`)
			}
			if status, out := take(); status != 400 || !strings.Contains(out["message"].(string), " on "+b+". "+a+" already") {
				t.Errorf("taken in an update: %d %v", status, out)
			}
			r.want(200, "PATCH", objectsPath(typ.plural)+"/"+a, `{"properties":{"key_0":""}}`)
			if status, out := take(); status != 200 {
				t.Errorf("free again: %d %v", status, out)
			}
		})
	}
	r := newRig(t, &Options{RejectUniqueOnActivities: true})
	for _, typ := range objectTypes {
		want := map[bool]int{true: 400, false: 201}[typ.activity]
		r.want(want, "POST", "/crm/properties/2026-09/"+typ.plural, fmt.Sprintf(`{"name":"key","label":"K","groupName":%q,"type":"string","fieldType":"text","hasUniqueValue":true}`, typ.group))
	}
}
