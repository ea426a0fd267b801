package birdtest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func TestPoint01Policies(t *testing.T) {
	s := newServer(t, nil)
	root := "/workspaces/" + s.WorkspaceID
	s.SetPolicies(
		birdtest.Policy{Actions: []string{"View", "Create"}, Resources: []string{root + "/contacts/**", "/workspaces/*/contacts"}},
		birdtest.Policy{Actions: []string{"Any"}, Resources: []string{root + "/webhook-subscriptions"}},
		birdtest.Policy{Deny: true, Actions: []string{"Create"}, Resources: []string{root + "/contacts/search"}},
	)
	id := person(t, s)
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/contacts", 200}, {"GET", "/contacts/" + id, 200}, {"GET", "/contacts/" + id + "/identifiers", 200},
		{"PATCH", "/contacts/" + id, 403}, {"DELETE", "/contacts/" + id, 403},
		{"POST", "/contacts/search", 403}, {"GET", "/attribute-definitions", 403},
		{"GET", "/webhook-subscriptions", 200}, {"GET", "/webhook-subscriptions/x", 403}, {"GET", "/available-webhooks", 403},
	} {
		status, body := call(t, s, tt.method, tt.path, object{})
		want(t, tt.method+" "+tt.path, status, tt.status)
		if status == 403 {
			want(t, tt.path, body["code"], any("FORBIDDEN_INTERNAL"))
		}
	}
	s.SetPolicies()
	status, _ := call(t, s, "DELETE", "/contacts/"+id, nil)
	want(t, "without policies", status, 204)
}

// TestPoint02ListsWhileContactsCome walks the list newest first while contacts
// are made and deleted: those that stay are seen once.
func TestPoint02ListsWhileContactsCome(t *testing.T) {
	s := newServer(t, nil)
	ids := s.Fill(30)
	seen := map[string]int{}
	token := ""
	for page := range 10 {
		_, body := call(t, s, "GET", "/contacts?pageToken="+token, nil)
		for _, c := range body["results"].([]any) {
			seen[c.(object)["id"].(string)]++
		}
		s.Fill(3)
		if err := s.Delete(ids[29-10*page]); err != nil { // the newest of the page
			t.Fatal(err)
		}
		next, more := body["nextPageToken"].(string)
		if !more {
			break
		}
		token = next
	}
	for _, id := range ids {
		want(t, "seen", seen[id], 1)
	}
	want(t, "contacts", len(seen), 30)
}

func TestPoint03CreateWithEverything(t *testing.T) {
	s := newServer(t, nil)
	list, account := s.AddList("Leads"), "123e4567-e89b-12d3-a456-426614174000"
	status, body := call(t, s, "POST", "/contacts", object{
		"displayName": "Jané" + strings.Repeat("é", 146),
		"identifiers": []object{
			{"key": "emailaddress", "value": "jane@example.com"}, {"key": "phonenumber", "value": "+573000000001"},
			{"key": "secondaryEmailAddress", "value": "doe@example.com", "properties": object{"isGmail": false}},
		},
		"attributes": object{"age": 30, "subscribedSms": true, "labels": []any{"A", 1, true}, "sync.fase": "x", "city": nil},
		"accountIds": []string{account}, "listIds": []string{list}, "whatever": "else",
	})
	want(t, "create", status, 201)
	want(t, "memberships", []any{body["accountIds"], body["listIds"]}, []any{[]any{account}, []any{list}})
	attributes := body["attributes"].(object)
	want(t, "mirrors", []any{attributes["emailaddress"], attributes["phonenumber"]}, []any{[]any{"jane@example.com"}, []any{"+573000000001"}})
	for _, key := range []string{"initialReference", "timezone"} {
		if attributes[key] == nil {
			t.Error("no", key)
		}
	}
	if _, has := attributes["city"]; has {
		t.Error("an attribute without a value is listed")
	}
	path := "/contacts/" + body["id"].(string)
	_, body = call(t, s, "GET", path+"?attributes=city&attributes=age", nil)
	city, has := body["attributes"].(object)["city"]
	want(t, "asked for", []any{city, has, body["attributes"].(object)["age"]}, []any{nil, true, 30.0})
	_, body = call(t, s, "GET", path+"/identifiers", nil)
	want(t, "properties", body["results"].([]any)[0].(object)["properties"], any(object{"isGmail": false}))
	_, body = call(t, s, "GET", path+"/lists", nil)
	want(t, "lists", body["results"].([]any)[0].(object)["name"], any("Leads"))
	_, body = call(t, s, "GET", "/lists/"+list+"/contacts", nil)
	want(t, "contacts of the list", len(body["results"].([]any)), 1)
	_, body = call(t, s, "GET", path+"/events?limit=5", nil)
	want(t, "events", body, object{"results": []any{}})
	status, _ = call(t, s, "GET", "/lists/none/contacts", nil)
	want(t, "unknown list", status, 404)
}

func TestPoint03Patches(t *testing.T) {
	const a, b, c = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002", "aaaaaaaa-0000-4000-8000-000000000003"
	many := make([]string, 11)
	for i := range many {
		many[i] = fmt.Sprintf("aaaaaaaa-0000-4000-8000-%012d", i)
	}
	for _, tt := range []struct {
		name   string
		body   object
		status int
		want   object // of the answer
	}{
		{"set lists", object{"listIds": []string{a, b}}, 200, object{"listIds": []any{a, b}}},
		{"add and remove", object{"listIds": []string{a, b}, "addToLists": []string{c, a}, "removeFromLists": []string{b}}, 200, object{"listIds": []any{a, c}}},
		{"no lists", object{"listIds": []string{}}, 200, object{"listIds": nil}},
		{"accounts", object{"addToAccounts": []string{a, b}, "removeFromAccounts": []string{a}}, 200, object{"accountIds": []any{b}}},
		{"no accounts", object{"accountIds": []string{}}, 422, nil},
		{"too many lists", object{"addToLists": many}, 422, nil},
		{"no id", object{"addToLists": []string{"leads"}}, 422, nil},
		{"read-only", object{"attributes": object{"initialReference": "x"}}, 422, nil},
		{"read-only, allowed to Flows", object{"allowWritingReadOnly": true, "attributes": object{"initialSource": "x"}}, 422, nil},
		{"deprecated", object{"identifiers": []object{{"key": "emailaddress", "value": "x"}}}, 200, object{"identifierCount": 0.0}},
		{"mirrors", object{"attributes": object{"emailaddress": []string{"x@example.com"}}}, 200, object{"identifierCount": 0.0}},
		{"type", object{"attributes": object{"age": "30"}}, 422, nil},
		{"array", object{"attributes": object{"age": []int{30}}}, 422, nil},
		{"nested", object{"attributes": object{"tags": []any{[]any{"a"}}}}, 422, nil},
		{"strategy", object{"strategy": "newest"}, 422, nil},
	} {
		s := newServer(t, nil)
		status, body := call(t, s, "PATCH", "/contacts/"+person(t, s), tt.body)
		want(t, tt.name, status, tt.status)
		for key, v := range tt.want {
			want(t, tt.name, body[key], v)
		}
	}
}

func TestPoint03UpdatedAtOfAWriteThatChangesNothing(t *testing.T) {
	for _, keep := range []bool{false, true} {
		s := newServer(t, &birdtest.Options{KeepUpdatedAt: keep})
		id, err := s.Create(object{"name": "Jane", "email": "jane@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		before, _ := s.Contact(id)
		call(t, s, "PATCH", "/contacts/identifiers/emailaddress/jane@example.com", object{"attributes": object{"displayName": "Jane"}})
		after, _ := s.Contact(id)
		want(t, "unmoved", after.UpdatedAt.Equal(before.UpdatedAt), keep)
		call(t, s, "PATCH", "/contacts/"+id, object{"attributes": object{"displayName": "Janet"}})
		changed, _ := s.Contact(id)
		want(t, "changed", changed.UpdatedAt.After(after.UpdatedAt), true)
	}
}

func TestPoint03Visitors(t *testing.T) {
	s := newServer(t, nil)
	path := "/contacts/" + s.CreateVisitor()
	_, body := call(t, s, "GET", path, nil)
	want(t, "visitor", []any{body["isAnonymous"], body["computedDisplayName"]}, []any{true, ""})
	_, body = call(t, s, "PATCH", path, object{"attributes": object{"firstName": "Jane"}})
	want(t, "named", body["isAnonymous"], any(true))
	_, body = call(t, s, "PATCH", path, object{"addIdentifiers": []object{ident("emailaddress", "jane@example.com")}})
	want(t, "known", body["isAnonymous"], nil)
}

func TestPoint03PhoneNumbers(t *testing.T) {
	s := newServer(t, nil)
	for value, status := range map[string]int{
		"+57300000": 201, "+123456789012345": 201,
		"+5730000": 422, "+1234567890123456": 422, "573000000001": 422, "+57 300 000 0001": 422, "+0573000000001": 422, "": 422,
	} {
		got, _ := call(t, s, "POST", "/contacts", object{"displayName": "A", "identifiers": []object{ident("phonenumber", value)}})
		want(t, value, got, status)
	}
	status, body := call(t, s, "PATCH", "/contacts/identifiers/phonenumber/573000000001", object{})
	want(t, "in the path", []any{status, body["code"]}, []any{400, "BadRequest"})
}

func TestPoint03SearchByPlatformAddress(t *testing.T) {
	s := newServer(t, nil)
	id, err := s.Create(object{"msisdn": "+573000000001", "email": "jane@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for address, n := range map[string]int{"+573000000001": 1, "jane@example.com": 1, "bob@example.com": 0} {
		_, body := call(t, s, "POST", "/contacts/search", object{"platformAddress": address})
		results := body["results"].([]any)
		want(t, address, len(results), n)
		if n == 1 {
			want(t, address, results[0].(object)["id"], any(id))
		}
	}
}

// TestPoint11RetryAfterIsASwitch runs in a bubble, where time stands still.
func TestPoint11RetryAfterIsASwitch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, on := range []bool{false, true} {
			s := birdtest.NewPipeServer(&birdtest.Options{GETPerSecond: 2, WritePerSecond: 1, RetryAfter: on})
			statuses := []int{}
			for _, method := range []string{"GET", "GET", "GET", "PATCH", "DELETE"} {
				status, _ := call(t, s, method, "/contacts/none", object{})
				statuses = append(statuses, status)
			}
			want(t, "statuses", statuses, []int{404, 404, 429, 404, 429})
			status, header := head(t, s, "/contacts/none")
			want(t, "header", []any{status, header.Get("Retry-After")}, []any{429, map[bool]string{true: "1"}[on]})
			s.Close()
			time.Sleep(time.Second)
		}
	})
}

func TestPoint14MissingBetweenListAndGet(t *testing.T) {
	s := newServer(t, nil)
	id := s.Fill(2)[1]
	s.SetMissing(id, true)
	_, body := call(t, s, "GET", "/contacts", nil)
	want(t, "listed", len(body["results"].([]any)), 2)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		status, _ := call(t, s, method, "/contacts/"+id, object{})
		want(t, method, status, 404)
	}
	s.SetMissing(id, false)
	status, _ := call(t, s, "GET", "/contacts/"+id, nil)
	want(t, "back", status, 200)
}

func TestPoint14RepeatedPageTokenAndPlainPhones(t *testing.T) {
	s := newServer(t, nil)
	s.Fill(30)
	s.SetPlainPhones(true)
	s.SetRepeatPageToken(true)
	_, first := call(t, s, "GET", "/contacts", nil)
	token := first["nextPageToken"].(string)
	_, second := call(t, s, "GET", "/contacts?pageToken="+token, nil)
	want(t, "token", second["nextPageToken"], any(token))
	for _, i := range first["results"].([]any)[0].(object)["featuredIdentifiers"].([]any) {
		if i := i.(object); i["key"] == "phonenumber" && strings.HasPrefix(i["value"].(string), "+") {
			t.Error("a phone has its +")
		}
	}
}

// TestPoint14SilentEdits edits a contact so that only a walk finds it.
func TestPoint14SilentEdits(t *testing.T) {
	s := newServer(t, nil)
	h := newHook(t, 200)
	s.OnContactChange(h.URL, "secret")
	ids := s.Fill(3)
	before, _ := s.Contact(ids[1])
	if err := s.EditSilently(ids[1], object{"city": "Cali"}); err != nil {
		t.Fatal(err)
	}
	if s.EditSilently("none", nil) == nil {
		t.Error("nobody was edited")
	}
	waitWebhooks(t, s)
	after, _ := s.Contact(ids[1])
	want(t, "told", len(h.bodies()), 0)
	want(t, "edited", []any{after.Field("city"), after.UpdatedAt.After(before.UpdatedAt)}, []any{"Cali", true})
}

func TestFillMakesManyContacts(t *testing.T) {
	s := newServer(t, &birdtest.Options{GETPerSecond: -1})
	ids := s.Fill(100_000)
	want(t, "ids", len(ids), 100_000)
	_, body := call(t, s, "GET", "/contacts?limit=100", nil)
	want(t, "newest first", body["results"].([]any)[0].(object)["id"], any(ids[99_999]))
}
