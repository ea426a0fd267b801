package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

// shelf plays a journal of one file.
type shelf struct {
	*httptest.Server
	url, offset string
	file        string
	status      int // of the file
	told        int // offsets after which there is nothing
	fetched     []http.Header
}

func newShelf(t *testing.T, file string) *shelf {
	s := &shelf{offset: "01890000-0000-7000-8000-000000000001", file: file, status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.url = s.URL + "/files/1?signature=secret-signature"
	return s
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/files/1":
		s.fetched = append(s.fetched, r.Header)
		w.WriteHeader(s.status)
		_, _ = w.Write([]byte(s.file))
	case strings.HasSuffix(r.URL.Path, "/latest"):
		_ = json.NewEncoder(w).Encode(map[string]string{"url": s.url, "currentOffset": s.offset, "expiresAt": "2020-01-01T00:00:00Z"})
	case strings.HasSuffix(r.URL.Path, "/offset/"+s.offset+"/next"):
		s.told++
		w.WriteHeader(http.StatusNoContent)
	default:
		http.Error(w, `{"status":"error"}`, http.StatusNotFound)
	}
}

// open returns the journal, of every portal if none is given.
func (s *shelf) open(t *testing.T, portal id) *Journal {
	j, err := NewJournal(Static("test-token"), &JournalOptions{BaseURL: s.URL, HTTPClient: s.Client(),
		Objects: map[sync.Kind]Object{Contact: {}, Note: {}}})
	if err != nil {
		t.Fatal(err)
	}
	j.portal = portal
	return j
}

const journalEvents = `{"offset":"x","publishedAt":"2026-09-03T10:00:00Z","journalEvents":[
	{"type":"crmObject","portalId":33,"occurredAt":"2026-09-03T09:59:59Z","action":"UPDATE","objectTypeId":"0-1","objectId":512,
		"propertyChanges":{"email":"ada@example.com","firstname":null}},
	{"type":"crmObject","portalId":34,"occurredAt":"2026-09-03T09:59:59Z","action":"CREATE","objectTypeId":"0-1","objectId":513},
	{"type":"crmObject","portalId":33,"occurredAt":"2026-09-03T09:59:59.5Z","action":"UPDATE","objectTypeId":"0-1","objectId":514,
		"propertyChanges":{"email":"bea@example.com","passport_number":"REDACTED"}},
	{"type":"crmObject","portalId":33,"action":"MERGE","objectTypeId":"0-1","objectId":600,"mergedObjectIds":[512,513,600]},
	{"type":"crmObject","portalId":33,"action":"GDPR_DELETE","objectTypeId":"0-1","objectId":601,"propertyChanges":{"email":"x"}},
	{"type":"crmObject","portalId":33,"action":"UPDATE","objectTypeId":"0-5","objectId":700},
	{"type":"crmObject","portalId":33,"action":"UPDATE","objectTypeId":"0-1","objectId":"not a number"},
	{"type":"association","portalId":33,"action":"ASSOCIATION_ADDED","fromObjectTypeId":"0-1","fromObjectId":512,
		"toObjectTypeId":"0-46","toObjectId":800,"associationTypeId":201},
	{"type":"app_lifecycle_event","eventTypeId":"4-1909196","properties":{"hs_app_id":"1"}},
	{"type":"of tomorrow","portalId":33,"action":"SOMETHING","objectTypeId":"0-46","objectId":801},
	7]}`

func TestJournalEvents(t *testing.T) {
	s := newShelf(t, journalEvents)
	ofPortal, ofAll := s.open(t, "33"), s.open(t, "")
	var got []string
	for _, c := range must(t, ofPortal).Changes {
		got = append(got, fmt.Sprint(c.Ref.Kind, " ", c.Ref.ID, " ", len(c.Witness)))
	}
	want := []string{"contact 512 2", "contact 514 0", "contact 600 0", "contact 512 0", "contact 513 0", "contact 601 0",
		"contact 512 0", "note 800 0", "note 801 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n := len(must(t, ofAll).Changes); n != len(want)+1 {
		t.Errorf("%d changes of all portals", n)
	}
	ids := map[string]bool{}
	for _, c := range must(t, ofAll).Changes {
		if ids[c.ID] {
			t.Errorf("%s stands for two events", c.ID)
		}
		ids[c.ID] = true
	}
	for _, h := range s.fetched {
		if h.Get("Authorization") != "" {
			t.Error("the token was sent to the store of files")
		}
	}
}

// must reads the first page.
func must(t *testing.T, j *Journal) sync.ChangePage {
	t.Helper()
	page, err := j.page(t.Context(), opJournalLatest, "")
	if err != nil || !page.More {
		t.Fatalf("got %+v, %v", page, err)
	}
	return page
}

// What can never be read must not stop the journal, and is told.
func TestABrokenFileIsPassedOverAsAGap(t *testing.T) {
	for name, file := range map[string]string{
		"not JSON": "<html>", "cut": `{"journalEvents":[{"portalId"`, "a list": "[]", "events of another form": `{"journalEvents":7}`,
		"too large": `{"journalEvents":["` + strings.Repeat("x", maxJournalFile) + `"]}`,
	} {
		s := newShelf(t, file)
		page, err := s.open(t, "").Changes(t.Context(), "")
		if err != nil || !page.Gap || !page.More || len(page.Changes) != 0 {
			t.Errorf("%s: %+v, %v", name, page, err)
			continue
		}
		page, err = s.open(t, "").Changes(t.Context(), page.Next)
		if err != nil || page.Gap || page.More || s.told != 1 {
			t.Errorf("%s, the page after: %+v, %v", name, page, err)
		}
	}
}

func TestAnUnlikelyAddressIsRefused(t *testing.T) {
	for _, url := range []string{"ftp://example.com/x", "/files/1", "file:///etc/hosts", "https://user:word@example.com/x", "http://", ":"} {
		s := newShelf(t, journalEvents)
		s.url = url
		if _, err := s.open(t, "").Changes(t.Context(), ""); sync.ActionOf(err) != sync.Fatal || len(s.fetched) != 0 {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := newShelf(t, journalEvents)
	s.offset = "../x"
	if _, err := s.open(t, "").Changes(t.Context(), ""); sync.ActionOf(err) != sync.Fatal {
		t.Errorf("an odd offset: %v", err)
	}
	j := s.open(t, "")
	j.scheme = "https"
	if _, err := j.Changes(t.Context(), ""); sync.ActionOf(err) != sync.Fatal {
		t.Errorf("http from an https API: %v", err)
	}
}

func TestAFailingStoreOfFilesIsAPassingFault(t *testing.T) {
	for _, status := range []int{403, 404, 500, 503} {
		s := newShelf(t, "<html>")
		s.status = status
		page, err := s.open(t, "").Changes(t.Context(), "")
		if sync.ActionOf(err) != sync.Retry || page.Gap || strings.Contains(err.Error(), "secret-signature") {
			t.Errorf("%d: %+v, %v", status, page, err)
		}
		if want := map[bool]int{true: 2, false: 1}[status < 500]; len(s.fetched) != want {
			t.Errorf("%d: fetched %d times, want %d", status, len(s.fetched), want)
		}
	}
}

func TestNewJournalChecksItsOptions(t *testing.T) {
	for _, o := range []JournalOptions{{PortalID: -1}, {BaseURL: "x"}, {APIVersion: "v9"}, {Objects: map[sync.Kind]Object{"car": {}}}} {
		if _, err := NewJournal(Static("t"), &o); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := NewJournal(Static(""), nil); sync.ActionOf(err) != sync.Denied {
		t.Errorf("no token: %v", err)
	}
	j, err := NewJournal(Static("t"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Subscribe(t.Context()); sync.ActionOf(err) != sync.Fatal {
		t.Errorf("subscribing nobody: %v", err)
	}
	for _, c := range []sync.Cursor{"x", "2.a", "1.a/b", "1.a b", "1.\n", sync.Cursor("1." + strings.Repeat("a", 201))} {
		if _, err := j.Changes(t.Context(), c); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("%q: %v", c, err)
		}
	}
}

func TestEachPairOfKindsIsSubscribedOnce(t *testing.T) {
	objects := map[sync.Kind]Object{}
	for kind := range objectTypes {
		objects[kind] = Object{}
	}
	objects[Contact] = Object{Properties: []string{"email", sync.IDField}}
	got := map[string][]string{}
	for _, s := range subscriptions(33, objects) {
		switch s.Type {
		case "ASSOCIATION":
			got[s.ObjectTypeID] = s.Associated
		case "OBJECT":
			if len(s.Properties) == 0 || slices.Contains(s.Properties, sync.IDField) || s.PortalID != 33 {
				t.Errorf("got %+v", s)
			}
		}
	}
	want := map[string][]string{"0-1": {"0-3", "0-18", "0-27", "0-46", "0-47"}, "0-3": {"0-18", "0-27", "0-46", "0-47"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever a file holds, its changes are whole, of the kinds wanted, and the
// same when it is read again.
func FuzzJournalFile(f *testing.F) {
	f.Add([]byte(journalEvents))
	f.Add([]byte(`{"journalEvents":[{"objectTypeId":"0-1","objectId":1,"mergedObjectIds":[1,1,2],"action":"CREATE","propertyChanges":{"":{}}}]}`))
	f.Add([]byte(`{"journalEvents":[null,{"objectTypeId":"0-1","objectId":"0"},{"occurredAt":"-1"}]}`))
	j, err := NewJournal(Static("t"), &JournalOptions{Objects: map[sync.Kind]Object{Contact: {}, Note: {}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var body struct {
			Events []json.RawMessage `json:"journalEvents"`
		}
		if json.Unmarshal(data, &body) != nil {
			return
		}
		file := &journalFile{offset: "x", events: body.Events}
		changes := j.changes(file)
		for i, c := range changes {
			if c.ID == "" || c.Ref.System != System || c.Ref.Kind != Contact && c.Ref.Kind != Note || !validID(c.Ref.ID) {
				t.Fatalf("change %d: %+v", i, c)
			}
		}
		for i, again := range j.changes(file) {
			if again.ID != changes[i].ID || again.Ref != changes[i].Ref {
				t.Fatalf("change %d: %+v, then %+v", i, changes[i], again)
			}
		}
	})
}
