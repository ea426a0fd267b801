package birdtest_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// TestLawsOfContacts makes random changes, most of them around the same few
// addresses, and holds the workspace to what is always true of it.
func TestLawsOfContacts(t *testing.T) {
	values := []object{
		ident("phonenumber", "+573000000001"), ident("phonenumber", "+573000000002"), ident("emailaddress", "jane@example.com"),
		ident("emailaddress", "JANE@example.com"), ident("external_id", "901"), ident("phonenumber", "not a phone"),
	}
	strategies := []string{"strict_alias", "first_alias", "first"}
	rapid.Check(t, func(rt *rapid.T) {
		s := birdtest.NewServer(&birdtest.Options{GETPerSecond: -1, WritePerSecond: -1})
		defer s.Close()
		do := func(method, path string, body object) (int, object) {
			return exchange(t, s, method, s.URL+"/workspaces/"+s.WorkspaceID+path, "AccessKey "+s.AccessKey, body)
		}
		address := func() object { return rapid.SampledFrom(values).Draw(rt, "address") }
		someone := func() string {
			all := s.Contacts()
			if len(all) == 0 {
				return "nobody"
			}
			return all[rapid.IntRange(0, len(all)-1).Draw(rt, "contact")].ID
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(*rapid.T) {
				do("POST", "/contacts", object{"displayName": "Jane", "identifiers": []object{address(), address()}})
			},
			"upsert": func(*rapid.T) {
				by := address()
				do("PATCH", fmt.Sprintf("/contacts/identifiers/%s/%s", by["key"], by["value"]),
					object{"strategy": rapid.SampledFrom(strategies).Draw(rt, "strategy"), "addIdentifiers": []object{address()}})
			},
			"patch": func(*rapid.T) {
				do("PATCH", "/contacts/"+someone(), object{"addIdentifiers": []object{address()}, "removeIdentifiers": []object{address()}})
			},
			"delete": func(*rapid.T) { do("DELETE", "/contacts/"+someone(), nil) },
			"merge":  func(*rapid.T) { _ = s.Merge(someone(), someone()) }, // which may be one and the same
			"":       func(rt *rapid.T) { checkContacts(rt, s, do, values) },
		})
	})
}

func checkContacts(t *rapid.T, s *birdtest.Server, do func(method, path string, body object) (int, object), values []object) {
	holders := map[string]string{}
	var ids []string
	_, body := do("GET", "/contacts?limit=100&reverse=true", nil)
	for _, c := range body["results"].([]any) {
		id := c.(object)["id"].(string)
		ids = append(ids, id)
		_, listed := do("GET", "/contacts/"+id+"/identifiers?limit=100", nil)
		identifiers := listed["results"].([]any)
		if float64(len(identifiers)) != c.(object)["identifierCount"] {
			t.Fatalf("%v identifiers are counted, %d listed", c.(object)["identifierCount"], len(identifiers))
		}
		for _, i := range identifiers {
			value := i.(object)["value"].(string)
			if holders[value] != "" {
				t.Fatal("two contacts hold one identifier")
			}
			holders[value] = id
			mirror, mirrored := c.(object)["attributes"].(object)[i.(object)["key"].(string)].([]any)
			if mirrored && !slices.Contains(mirror, any(value)) {
				t.Fatal("a mirror lacks an identifier")
			}
		}
	}
	if len(ids) != len(s.Contacts()) {
		t.Fatalf("%d contacts are listed of %d", len(ids), len(s.Contacts()))
	}
	for value, id := range holders {
		for _, i := range values {
			if i["value"] != value {
				continue
			}
			_, found := do("POST", "/contacts/search", object{"identifier": i})
			if results := found["results"].([]any); len(results) != 1 || results[0].(object)["id"] != id {
				t.Fatal("a search finds another contact")
			}
		}
	}
}
