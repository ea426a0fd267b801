package bird_test

import (
	"context"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMatchClimbsTheLadder(t *testing.T) {
	s, a := connect(t, &birdtest.Options{Featured: 1})
	jane := create(t, s, map[string]any{"msisdn": "+573000000001", "email": "jane@example.com", "external_id": "901"})
	bob := create(t, s, map[string]any{"email": "bob@example.com"})
	key := func(name, value string) sync.Key { return sync.Key{Name: name, Value: sync.Text(value)} }
	for name, tt := range map[string]struct {
		probe sync.Probe
		id    string
		by    string
	}{
		"id":              {sync.Probe{key("id", bob), key("email", "jane@example.com")}, bob, "id"},
		"unknown id":      {sync.Probe{key("id", "00000000-0000-4000-8000-000000000000"), key("external_id", "901")}, jane, "external_id"},
		"external id":     {sync.Probe{key("external_id", "901"), key("email", "bob@example.com")}, jane, "external_id"},
		"email":           {sync.Probe{key("external_id", "902"), key("email", "JANE@example.com")}, jane, "email"},
		"phone":           {sync.Probe{{Name: "email"}, key("msisdn", "+573000000001")}, jane, "msisdn"},
		"nobody":          {sync.Probe{key("email", "nobody@example.com")}, "", ""},
		"nothing to ask":  {sync.Probe{{Name: "email"}, key("msisdn", "")}, "", ""},
		"not a phone":     {sync.Probe{key("msisdn", "none")}, "", ""},
		"no probe at all": {nil, "", ""},
	} {
		got, err := a.Match(context.Background(), bird.Contact, []sync.Probe{tt.probe})
		if err != nil || len(got) != 1 {
			t.Fatal(name, len(got), err)
		}
		id := ""
		if len(got[0].Candidates) == 1 {
			id = got[0].Candidates[0].ID
		}
		equal(t, name, []string{id, got[0].By}, []string{tt.id, tt.by})
	}
}

func TestMatchKeepsTheOrderOfProbes(t *testing.T) {
	s, a := connect(t, nil)
	var probes []sync.Probe
	var want, got []string
	for _, email := range []string{"a@example.com", "b@example.com", "c@example.com"} {
		want = append(want, create(t, s, map[string]any{"email": email}))
		probes = append(probes, sync.Probe{{Name: "email", Value: sync.Text(email)}})
	}
	matches, err := a.Match(context.Background(), bird.Contact, probes)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range matches {
		got = append(got, m.Candidates[0].ID)
	}
	equal(t, "ids", got, want)
}

// TestMatchTrustsNoSearch gets a contact that does not hold the identifier.
func TestMatchTrustsNoSearch(t *testing.T) {
	s, a := connect(t, nil)
	s.Faults().Add(birdtest.Fault{Path: "/search", Status: 200,
		Body: `{"results":[{"id":"c1","featuredIdentifiers":[{"key":"emailaddress","value":"bob@example.com"}],"identifierCount":1},{}]}`})
	got, err := a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("jane@example.com")}}})
	if err != nil || len(got[0].Candidates) != 0 {
		t.Errorf("%d candidates, %v", len(got[0].Candidates), err)
	}
}

func TestMatchFailures(t *testing.T) {
	s, a := connect(t, nil)
	_, err := a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "city", Value: sync.Text("Cali")}}})
	failure(t, err, sync.Fatal)
	s.Down(true)
	_, err = a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("a@example.com")}}})
	failure(t, err, sync.Retry)
}
