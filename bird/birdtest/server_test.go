package birdtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type object = map[string]any

// newServer starts a workspace that ends with the test.
func newServer(t *testing.T, opts *birdtest.Options) *birdtest.Server {
	t.Helper()
	s := birdtest.NewServer(opts)
	t.Cleanup(s.Close)
	return s
}

// call makes one call with the right key below the workspace's path and
// returns the status and the decoded body.
func call(t *testing.T, s *birdtest.Server, method, path string, body any) (int, object) {
	t.Helper()
	return send(t, s, method, s.URL+"/workspaces/"+s.WorkspaceID+path, "AccessKey "+s.AccessKey, body)
}

// send makes a call and holds the answer to the model of the API.
func send(t *testing.T, s *birdtest.Server, method, url, key string, body any) (int, object) {
	t.Helper()
	status, out := exchange(t, s, method, url, key, body)
	conforms(t, method, url, status, out)
	return status, out
}

func exchange(t *testing.T, s *birdtest.Server, method, url, key string, body any) (int, object) {
	t.Helper()
	var in io.Reader
	if text, ok := body.(string); ok {
		in = strings.NewReader(text)
	} else if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		in = strings.NewReader(string(data))
	}
	req, err := http.NewRequest(method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", key)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Header.Get("messagebird-request-id") == "" {
		t.Error("no request id")
	}
	var out object
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return res.StatusCode, out
}

// head makes a GET with the right key and returns its status and headers.
func head(t *testing.T, s *birdtest.Server, path string) (int, http.Header) {
	t.Helper()
	req, err := http.NewRequest("GET", s.URL+"/workspaces/"+s.WorkspaceID+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AccessKey "+s.AccessKey)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode, res.Header
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestPoint01KeyWorkspaceAndUnknownPathsAreAnsweredAlike(t *testing.T) {
	s := newServer(t, nil)
	base := s.URL + "/workspaces/"
	for _, tt := range []struct{ name, method, url, key string }{
		{"wrong key", "GET", base + s.WorkspaceID + "/contacts", "AccessKey wrong"},
		{"bearer", "GET", base + s.WorkspaceID + "/contacts", "Bearer " + s.AccessKey},
		{"other workspace", "GET", base + "11111111-2222-4333-8444-555555555555/contacts", "AccessKey " + s.AccessKey},
		{"unknown path", "GET", base + s.WorkspaceID + "/contact", "AccessKey " + s.AccessKey},
		{"unknown method", "PUT", base + s.WorkspaceID + "/contacts", "AccessKey " + s.AccessKey},
		{"root", "GET", s.URL + "/", "AccessKey " + s.AccessKey},
	} {
		status, body := send(t, s, tt.method, tt.url, tt.key, nil)
		want(t, tt.name, status, 401)
		want(t, tt.name, body["code"], any("Unauthorized"))
	}
	status, body := call(t, s, "GET", "/contacts/identifiers/emailaddress/jane@example.com", nil)
	want(t, "by identifier", status, 403)
	want(t, "by identifier", body["code"], any("FORBIDDEN_INTERNAL"))
}

// TestPoint03CreateAnswersLikeTheDocumentation replays the two examples of Bird's
// page on creating a contact. Ids and times are the server's own.
func TestPoint03CreateAnswersLikeTheDocumentation(t *testing.T) {
	data, err := os.ReadFile("../testdata/contact-create-docs-examples.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct{ Request, Response object }
	if err := json.Unmarshal(data, &examples); err != nil || len(examples) != 2 {
		t.Fatal(len(examples), err)
	}
	own := func(c object) {
		for _, key := range []string{"id", "createdAt", "updatedAt", "workspaceId"} {
			delete(c, key)
		}
		for _, key := range []string{"initialReference", "timezone"} {
			if c["attributes"].(object)[key] == nil {
				t.Error("no", key)
			}
			delete(c["attributes"].(object), key)
		}
	}
	for _, e := range examples {
		status, got := call(t, newServer(t, nil), "POST", "/contacts", e.Request)
		own(got)
		own(e.Response)
		want(t, "status", status, 201)
		want(t, "contact", got, e.Response)
	}
}

func TestPoint03CreateRefusals(t *testing.T) {
	s := newServer(t, nil)
	if _, err := s.Create(object{"email": "jane@example.com"}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		body   any
		status int
		code   string
	}{
		"no name":      {object{}, 422, "InvalidPayload"},
		"long name":    {object{"displayName": strings.Repeat("x", 151)}, 422, "InvalidPayload"},
		"bad phone":    {object{"displayName": "A", "identifiers": []object{{"key": "phonenumber", "value": "3000000000"}}}, 422, "InvalidPayload"},
		"bad email":    {object{"displayName": "A", "identifiers": []object{{"key": "emailaddress", "value": "jane"}}}, 422, "InvalidPayload"},
		"taken":        {object{"displayName": "A", "identifiers": []object{{"key": "emailaddress", "value": "Jane@example.com"}}}, 409, "ResourceAlreadyExists"},
		"empty array":  {object{"displayName": "A", "attributes": object{"x": []any{}}}, 422, "InvalidPayload"},
		"object value": {object{"displayName": "A", "attributes": object{"x": object{}}}, 422, "InvalidPayload"},
		"not JSON":     {"{", 400, "BadRequest"},
	} {
		status, body := call(t, s, "POST", "/contacts", tt.body)
		want(t, name, status, tt.status)
		want(t, name, body["code"], any(tt.code))
	}
	want(t, "contacts", len(s.Contacts()), 1)
}

func TestPoint03EveryWriteMovesUpdatedAt(t *testing.T) {
	s := newServer(t, nil)
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	before, _ := s.Contact(id)
	status, _ := call(t, s, "PATCH", "/contacts/"+id, object{})
	after, _ := s.Contact(id)
	want(t, "status", status, 200)
	if !after.UpdatedAt.After(before.UpdatedAt) {
		t.Error("a write that changes nothing left updatedAt alone")
	}
}

func TestPoint03PatchMergesAttributesAndMovesIdentifiers(t *testing.T) {
	s := newServer(t, nil)
	id, err := s.Create(object{"name": "Jane", "email": "jane@example.com", "city": "Cali", "rooms": 2.0})
	if err != nil {
		t.Fatal(err)
	}
	status, body := call(t, s, "PATCH", "/contacts/"+id, object{
		"attributes":        object{"city": nil, "tags": []string{"a", "b"}},
		"removeIdentifiers": []object{{"key": "emailaddress", "value": "jane@example.com"}},
		"addIdentifiers":    []object{{"key": "emailaddress", "value": "doe@example.com"}, {"key": "phonenumber", "value": "+573000000001"}},
	})
	want(t, "status", status, 200)
	attributes := body["attributes"].(object)
	want(t, "cleared", attributes["city"], nil)
	want(t, "kept", attributes["rooms"], any(2.0))
	want(t, "set", attributes["tags"], any([]any{"a", "b"}))
	want(t, "mirror", attributes["emailaddress"], any([]any{"doe@example.com"}))
	want(t, "mirror", attributes["phonenumber"], any([]any{"+573000000001"}))
	want(t, "count", body["identifierCount"], any(2.0))
	for field, n := range map[string]int{"city": 1, "tags": 1, "email": 1, "msisdn": 1, "rooms": 0, "name": 0} {
		want(t, "writes to "+field, s.WriteCount(id, field), n)
	}
	if _, err := s.Create(object{"email": "jane@example.com"}); err != nil {
		t.Error("a removed identifier is still taken:", err)
	}
}

func TestPoint03UnknownContacts(t *testing.T) {
	s := newServer(t, nil)
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	status, _ := call(t, s, "DELETE", "/contacts/"+id, nil)
	want(t, "delete", status, 204)
	for _, tt := range [][2]string{{"GET", ""}, {"PATCH", ""}, {"DELETE", ""}, {"GET", "/identifiers"}, {"POST", "/identifiers"}} {
		status, body := call(t, s, tt[0], "/contacts/"+id+tt[1], object{})
		want(t, tt[0], status, 404)
		want(t, tt[0], body["code"], any("NotFound"))
	}
}
