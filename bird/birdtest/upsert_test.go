package birdtest_test

import (
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func ident(key, value string) object { return object{"key": key, "value": value} }

// TestPoint04UpsertStrategies upserts by the e-mail a@example.com with the phone
// +573000000001 beside it, into workspaces where these belong to nobody, to
// one contact or to two.
func TestPoint04UpsertStrategies(t *testing.T) {
	const email, phone = "a@example.com", "+573000000001"
	for _, tt := range []struct {
		name     string
		contacts []object
		strategy string
		status   int
		found    int // index of the contact, -1 for a new one
		count    float64
	}{
		{"nobody, default", nil, "", 201, -1, 2},
		{"nobody, strict", nil, "strict_alias", 201, -1, 2},
		{"nobody, first alias", nil, "first_alias", 201, -1, 2},
		{"nobody, first", nil, "first", 201, -1, 1},
		{"email held, default", []object{{"email": email}}, "", 200, 0, 2},
		{"phone held, strict", []object{{"msisdn": phone}}, "strict_alias", 200, 0, 2},
		{"phone held, first", []object{{"msisdn": phone}}, "first", 200, 0, 1},
		{"email held, first", []object{{"email": email}}, "first", 200, 0, 1},
		{"both held by one", []object{{"email": email, "msisdn": phone}}, "strict_alias", 200, 0, 2},
		{"held by two, strict", []object{{"email": email}, {"msisdn": phone}}, "strict_alias", 409, 0, 0},
		{"held by two, default", []object{{"email": email}, {"msisdn": phone}}, "", 409, 0, 0},
		{"held by two, first alias", []object{{"msisdn": phone}, {"email": email}}, "first_alias", 200, 1, 1},
		{"held by two, first", []object{{"msisdn": phone}, {"email": email}}, "first", 200, 1, 1},
		{"unknown strategy", nil, "best", 422, 0, 0},
	} {
		s := newServer(t, nil)
		var ids []string
		for _, fields := range tt.contacts {
			id, err := s.Create(fields)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		status, body := call(t, s, "PATCH", "/contacts/identifiers/emailaddress/"+email, object{
			"strategy": tt.strategy, "addIdentifiers": []object{ident("phonenumber", phone)}, "attributes": object{"displayName": "A"}})
		want(t, tt.name, status, tt.status)
		if status > 299 {
			want(t, tt.name+": contacts", len(s.Contacts()), len(ids))
			continue
		}
		want(t, tt.name+": identifiers", body["identifierCount"], any(tt.count))
		if tt.found >= 0 {
			want(t, tt.name+": contact", body["id"], any(ids[tt.found]))
		} else {
			want(t, tt.name+": contacts", len(s.Contacts()), 1)
		}
	}
}

func TestPoint04UpsertTakesThePathLiterally(t *testing.T) {
	s := newServer(t, nil)
	status, body := call(t, s, "PATCH", "/contacts/identifiers/emailaddress/jane%40example.com", object{})
	want(t, "encoded @", status, 400)
	want(t, "encoded @", body["message"], any("jane%40example.com is not a valid email address"))
	status, body = call(t, s, "PATCH", "/contacts/identifiers/external_id/a%2Fb", object{})
	want(t, "encoded slash", status, 201)
	c, _ := s.Contact(body["id"].(string))
	want(t, "stored", c.Field("external_id"), any("a%2Fb"))
	status, _ = call(t, s, "PATCH", "/contacts/identifiers/phonenumber/+573000000001", object{})
	want(t, "raw +", status, 201)
}

func TestPoint03SearchAndIdentifiers(t *testing.T) {
	s := newServer(t, &birdtest.Options{Featured: 1})
	id, err := s.Create(object{"msisdn": "+573000000001"})
	if err != nil {
		t.Fatal(err)
	}
	status, body := call(t, s, "POST", "/contacts/"+id+"/identifiers", ident("external_id", "901"))
	want(t, "add", status, 201)
	want(t, "add", []any{body["contactId"], body["key"], body["value"]}, []any{id, "external_id", "901"})
	status, _ = call(t, s, "POST", "/contacts/"+id+"/identifiers", ident("external_id", "901"))
	want(t, "add again", status, 409)
	status, body = call(t, s, "POST", "/contacts/search", object{"identifier": ident("external_id", "901")})
	want(t, "search", status, 200)
	found := body["results"].([]any)[0].(object)
	want(t, "found", found["id"], any(id))
	want(t, "featured", len(found["featuredIdentifiers"].([]any)), 1)
	want(t, "count", found["identifierCount"], any(2.0))
	_, body = call(t, s, "POST", "/contacts/search", object{"identifier": ident("external_id", "902")})
	want(t, "nobody", body["results"], any([]any{}))
	status, _ = call(t, s, "POST", "/contacts/search", object{})
	want(t, "no identifier", status, 422)

	_, body = call(t, s, "GET", "/contacts/"+id+"/identifiers?limit=1", nil)
	first := body["results"].([]any)[0].(object)["key"]
	_, body = call(t, s, "GET", "/contacts/"+id+"/identifiers?limit=1&pageToken="+body["nextPageToken"].(string), nil)
	second := body["results"].([]any)[0].(object)["key"]
	want(t, "pages", []any{first, second, body["nextPageToken"]}, []any{"external_id", "phonenumber", nil})
}

func TestPoint12MergeMovesIdentifiersAndTellsNobody(t *testing.T) {
	s := newServer(t, nil)
	hook := newHook(t, 200)
	loser, err := s.Create(object{"msisdn": "+573000000001", "city": "Cali", "name": "J"})
	if err != nil {
		t.Fatal(err)
	}
	survivor, err := s.Create(object{"email": "jane@example.com", "name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	s.OnContactChange(hook.URL, "secret")
	before, _ := s.Contact(survivor)
	if err := s.Merge(loser, survivor); err != nil {
		t.Fatal(err)
	}
	status, _ := call(t, s, "GET", "/contacts/"+loser, nil)
	want(t, "loser", status, 404)
	c, _ := s.Contact(survivor)
	want(t, "survivor", []any{c.Field("msisdn"), c.Field("email"), c.Field("name"), c.Field("attributes.city")},
		[]any{"+573000000001", "jane@example.com", "Jane", "Cali"})
	if !c.UpdatedAt.After(before.UpdatedAt) {
		t.Error("updatedAt did not move")
	}
	want(t, "contacts", len(s.Contacts()), 1)
	waitWebhooks(t, s)
	want(t, "calls", len(hook.bodies()), 0)
	if s.Merge(survivor, survivor) == nil || s.Merge(loser, survivor) == nil {
		t.Error("an impossible merge succeeds")
	}
}

func TestPoint05AttributeDefinitions(t *testing.T) {
	s := newServer(t, &birdtest.Options{RefuseUnknownAttributes: true})
	define := func(d object) int {
		status, _ := call(t, s, "POST", "/attribute-definitions", d)
		return status
	}
	rooms := object{"key": "rooms", "type": "number", "pii": false, "readOnly": false}
	tags := object{"key": "tags", "cardinality": "many", "pii": false, "readOnly": false}
	want(t, "define", []int{define(rooms), define(tags), define(rooms)}, []int{201, 201, 409})
	want(t, "refusals", []int{
		define(object{"key": "a b", "pii": false, "readOnly": false}),
		define(object{"key": "a.b", "pii": false, "readOnly": false}),
		define(object{"key": "a"}),
		define(object{"key": "a", "type": "text", "pii": false, "readOnly": false}),
		define(object{"key": "a", "cardinality": "some", "pii": false, "readOnly": false}),
	}, []int{422, 422, 422, 422, 422})
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		attributes object
		status     int
	}{
		{object{"rooms": 2}, 200}, {object{"rooms": "2"}, 422}, {object{"rooms": []int{2}}, 422}, {object{"rooms": nil}, 200},
		{object{"tags": []string{"a"}}, 200}, {object{"tags": "a"}, 422}, {object{"other": "x"}, 422}, {object{"city": "Cali"}, 200},
	} {
		status, _ := call(t, s, "PATCH", "/contacts/"+id, object{"attributes": tt.attributes})
		if status != tt.status {
			t.Errorf("%v: got %d, want %d", tt.attributes, status, tt.status)
		}
	}
	var keys []any
	for token := ""; ; {
		_, body := call(t, s, "GET", "/attribute-definitions?limit=3&pageToken="+token, nil)
		for _, d := range body["results"].([]any) {
			keys = append(keys, d.(object)["key"])
		}
		next, more := body["nextPageToken"].(string)
		if !more {
			break
		}
		token = next
	}
	want(t, "definitions, newest first", []any{len(keys), keys[0], keys[1]}, []any{19, "tags", "rooms"})
}
