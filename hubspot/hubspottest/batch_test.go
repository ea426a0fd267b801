package hubspottest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inputs joins n inputs made by f.
func inputs(n int, f func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = f(i)
	}
	return `{"inputs":[` + strings.Join(parts, ",") + `]}`
}

func TestBatchReadGroupsTheMissing(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"email": "ana@example.com", "custom_bird_contact_id": "b-1"})
	b := r.Create(map[string]string{"email": "bob@example.com"})
	out := r.want(207, "POST", contactsPath+"/batch/read", `{"properties":["email"],"inputs":[{"id":"`+b+`"},{"id":"7"},{"id":"`+a+`"},{"id":"x"},{"id":"`+a+`"}]}`)
	if list := resultsOf(t, out); len(list) != 2 || list[0].(doc)["id"] != a || props(list[0])["email"] != "ana@example.com" {
		t.Errorf("results %v", list)
	}
	e := out["errors"].([]any)[0].(doc)
	if diff := cmp.Diff([]any{"7", "x"}, e["context"].(doc)["ids"]); diff != "" || out["numErrors"] != 1.0 || e["category"] != "OBJECT_NOT_FOUND" {
		t.Error(diff, e)
	}
	r.want(200, "POST", contactsPath+"/batch/read", `{"idProperty":"custom_bird_contact_id","inputs":[{"id":"b-1"}]}`)
	r.want(200, "POST", contactsPath+"/batch/read", `{"idProperty":"email","inputs":[{"id":"BOB@example.com"}]}`)
	r.want(400, "POST", contactsPath+"/batch/read", `{"idProperty":"firstname","inputs":[{"id":"Ana"}]}`)
}

func TestBatchSizes(t *testing.T) {
	r := newRig(t, nil)
	id := func(i int) string { return fmt.Sprintf(`{"id":"%d"}`, i+1) }
	r.want(400, "POST", contactsPath+"/batch/read", inputs(101, id))
	r.want(207, "POST", contactsPath+"/batch/read", inputs(100, id))
	withHistory := func(n int) string {
		return strings.Replace(inputs(n, id), "{", `{"propertiesWithHistory":["email"],`, 1)
	}
	r.want(400, "POST", contactsPath+"/batch/read", withHistory(51))
	r.want(207, "POST", contactsPath+"/batch/read", withHistory(50))
}

func TestBatchCreate(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"email": "ana@example.com"})
	const plain = `{"inputs":[{"properties":{"email":"new@example.com"}},{"properties":{"email":"ana@example.com"}}]}`
	out := r.want(409, "POST", contactsPath+"/batch/create", plain)
	if out["message"] != "Contact already exists. Existing ID: "+a || len(r.Contacts()) != 1 {
		t.Errorf("all or nothing: %v", out)
	}
	const traced = `{"inputs":[{"properties":{"email":"new@example.com"},"objectWriteTraceId":"r1"},
		{"properties":{"email":"ana@example.com"},"objectWriteTraceId":"r2"},{"properties":{"nope":"1"},"objectWriteTraceId":"r3"}]}`
	out = r.want(207, "POST", contactsPath+"/batch/create", traced)
	list := resultsOf(t, out)
	if len(list) != 1 || list[0].(doc)["objectWriteTraceId"] != "r1" || out["numErrors"] != 2.0 {
		t.Fatalf("partial: %v", out)
	}
	for i, want := range []string{"CONFLICT r2", "VALIDATION_ERROR r3"} {
		e := out["errors"].([]any)[i].(doc)
		if got := fmt.Sprint(e["category"], " ", e["context"].(doc)["objectWriteTraceId"].([]any)[0]); got != want {
			t.Errorf("error %d: %s, want %s", i, got, want)
		}
	}
	r.want(409, "POST", contactsPath+"/batch/create", `{"inputs":[{"properties":{"email":"t@example.com"}},{"properties":{"email":"T@example.com"}}]}`)
	r.want(201, "POST", contactsPath+"/batch/create", `{"inputs":[{"properties":{"email":"t@example.com"}},{"properties":{"email":"u@example.com"}}]}`)
}

func TestBatchUpdate(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"email": "ana@example.com", "custom_bird_contact_id": "b-1"})
	b := r.Create(map[string]string{"email": "bob@example.com"})
	gone := r.Create(map[string]string{"firstname": "old"})
	r.Merge(r.Create(map[string]string{"firstname": "kept"}), gone)
	path := contactsPath + "/batch/update"

	out := r.want(207, "POST", path, `{"inputs":[{"id":"`+a+`","properties":{"city":"Cali"}},{"id":"9","properties":{}},{"id":"`+gone+`","properties":{"city":"Cali"}},{"id":"ana@example.com","properties":{"city":"Bern"}}]}`)
	if len(resultsOf(t, out)) != 1 || len(out["errors"].([]any)) != 1 {
		t.Errorf("merged and non-numeric ids are dropped, missing ones reported: %v", out)
	}
	if c, _ := r.Contact(gone); c["city"] != "" {
		t.Error("a merged id was updated")
	}
	out = r.want(400, "POST", path, `{"inputs":[{"id":"ana@example.com","idProperty":"email","properties":{}}]}`)
	if out["message"] != "Unable to perform update by non-unique 0-1 property" {
		t.Errorf("by email: %v", out)
	}
	r.want(200, "POST", path, `{"inputs":[{"id":"b-1","idProperty":"custom_bird_contact_id","properties":{"city":"Bern"}}]}`)
	r.want(400, "POST", path, `{"inputs":[{"id":"`+a+`","properties":{}},{"id":"`+a+`","properties":{}}]}`)

	both := func(trace1, trace2 string) string {
		return `{"inputs":[{"id":"` + a + `","properties":{"city":"Lima"}` + trace1 + `},{"id":"` + b + `","properties":{"email":"ana@example.com"}` + trace2 + `}]}`
	}
	r.want(400, "POST", path, both("", ""))
	if c, _ := r.Contact(a); c["city"] != "Bern" {
		t.Errorf("city %q after a refused batch", c["city"])
	}
	out = r.want(207, "POST", path, both(`,"objectWriteTraceId":"1"`, `,"objectWriteTraceId":"2"`))
	if c, _ := r.Contact(a); c["city"] != "Lima" || out["numErrors"] != 1.0 {
		t.Errorf("partial: city %q, %v", c["city"], out)
	}
}

func TestBatchUpsert(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"email": "ana@example.com", "custom_bird_contact_id": "b-1"})
	path := contactsPath + "/batch/upsert"
	out := r.want(200, "POST", path, `{"inputs":[{"id":"b-1","idProperty":"custom_bird_contact_id","properties":{"city":"Cali"}},{"id":"b-2","idProperty":"custom_bird_contact_id","properties":{"city":"Cali"}}]}`)
	list := resultsOf(t, out)
	if list[0].(doc)["id"] != a || list[0].(doc)["new"] != false || list[1].(doc)["new"] != true || props(list[1])["custom_bird_contact_id"] != "b-2" {
		t.Errorf("upsert %v", list)
	}
	cases := []struct {
		name   string
		status int
		inputs string
	}{
		{"same key twice", 400, `{"id":"z","idProperty":"custom_bird_contact_id","properties":{}},{"id":"z","idProperty":"custom_bird_contact_id","properties":{}}`},
		{"not unique", 400, `{"id":"Ana","idProperty":"firstname","properties":{}}`},
		{"partial by own key", 207, `{"id":"b-1","idProperty":"custom_bird_contact_id","objectWriteTraceId":"1","properties":{}},{"id":"b-9","idProperty":"custom_bird_contact_id","objectWriteTraceId":"2","properties":{"nope":"1"}}`},
		{"email is all or nothing", 400, `{"id":"ana@example.com","idProperty":"email","objectWriteTraceId":"1","properties":{"city":"Bern"}},{"id":"q@example.com","idProperty":"email","objectWriteTraceId":"2","properties":{"nope":"1"}}`},
		{"two addresses of one contact", 400, `{"id":"ana@example.com","idProperty":"email","properties":{}},{"id":"b-1","idProperty":"custom_bird_contact_id","properties":{}}`},
		{"key free, address taken", 409, `{"id":"b-7","idProperty":"custom_bird_contact_id","properties":{"email":"ana@example.com"}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { r.want(c.status, "POST", path, `{"inputs":[`+c.inputs+`]}`) })
	}
	if c, _ := r.Contact(a); c["city"] != "Cali" {
		t.Errorf("city %q after a refused batch", c["city"])
	}
}

func TestBatchArchive(t *testing.T) {
	r := newRig(t, nil)
	a := r.Create(map[string]string{"firstname": "Ana"})
	r.want(204, "POST", contactsPath+"/batch/archive", `{"inputs":[{"id":"`+a+`"},{"id":"5"}]}`)
	if len(r.Contacts()) != 0 {
		t.Error("still there")
	}
	out := r.want(200, "POST", contactsPath+"/batch/read?archived=true", `{"inputs":[{"id":"`+a+`"}]}`)
	if resultsOf(t, out)[0].(doc)["archived"] != true {
		t.Errorf("archived read: %v", out)
	}
	r.Restore(a)
	r.want(200, "GET", contactsPath+"/"+a, "")
	r.want(204, "POST", contactsPath+"/gdpr-delete", `{"objectId":"`+a+`"}`)
	r.want(404, "GET", contactsPath+"/"+a+"?archived=true", "")
}

func TestMergedIDsInBatchReads(t *testing.T) {
	for _, unreadable := range []bool{false, true} {
		r := newRig(t, &Options{MergedIDsUnreadable: unreadable})
		a, b := r.Create(map[string]string{"firstname": "Ana"}), r.Create(map[string]string{"firstname": "Anita"})
		survivor := r.Merge(a, b)
		status, out := r.call("POST", contactsPath+"/batch/read", `{"inputs":[{"id":"`+b+`"}]}`)
		list := resultsOf(t, out)
		if found := status == 200 && len(list) == 1 && list[0].(doc)["id"] == survivor; found == unreadable {
			t.Errorf("unreadable=%v: %d %v", unreadable, status, out)
		}
	}
}
