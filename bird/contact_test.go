package bird_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// post makes a call of the API that the adapter does not make.
func post(t *testing.T, s *birdtest.Server, path string, body any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, s.URL+"/workspaces/"+s.WorkspaceID+path, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AccessKey "+s.AccessKey)
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		t.Fatal("POST", path, res.StatusCode)
	}
}

func read(t *testing.T, a *bird.Adapter, id string) sync.Record {
	t.Helper()
	got, err := a.Read(context.Background(), bird.Contact, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func addressed(t *testing.T, s *birdtest.Server, a *bird.Options) *bird.Adapter {
	t.Helper()
	a.BaseURL, a.HTTPClient = s.URL, s.Client()
	got, err := bird.New(s.WorkspaceID, s.AccessKey, a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestABadPhoneDoesNotCostTheContact leaves out what Bird would refuse the
// whole contact for.
func TestABadPhoneDoesNotCostTheContact(t *testing.T) {
	dropped := map[string]string{"msisdn": "phone.e164"}
	for name, phone := range map[string]string{"no plus": "3000000001", "too short": "+573", "letters": "none", "zero": "+0573000000001", "extension": "+573000000001 x2"} {
		s, a := connect(t, nil)
		created := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{
			"external_id": sync.Text("901"), "msisdn": sync.Text(phone), "name": sync.Text("Jane")}})
		equal(t, name, []any{created.Err, created.Created}, []any{nil, true})
		equal(t, name, created.Dropped, dropped)
		id := created.Record.ID
		updated := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Text(phone), "name": sync.Text("Janet")}})
		equal(t, name, updated.Err, nil)
		equal(t, name, updated.Dropped, dropped)
		equal(t, name, []any{field(t, s, id, "name"), field(t, s, id, "msisdn")}, []any{"Janet", nil})
		calls := s.Log().Calls("")
		alone := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Text(phone)}})
		equal(t, name, []any{alone.Err, alone.Record.ID, s.Log().Calls("") - calls}, []any{nil, id, 0})
		equal(t, name, alone.Dropped, dropped)
	}
}

// TestAPhoneThatBirdRefuses has the right form, and Bird knows better.
func TestAPhoneThatBirdRefuses(t *testing.T) {
	s, a := connect(t, nil)
	s.Faults().Add(birdtest.Fault{Method: "PATCH", Count: 1, Status: 422, Body: `{"code":"InvalidPayload","message":"phonenumber is not assigned"}`})
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{
		"external_id": sync.Text("901"), "msisdn": sync.Text("+999300000001"), "name": sync.Text("Jane")}})
	equal(t, "outcome", []any{res.Err, res.Created}, []any{nil, true})
	equal(t, "dropped", res.Dropped, map[string]string{"msisdn": "phone.e164"})
	equal(t, "phone", field(t, s, res.Record.ID, "msisdn"), nil)
}

// TestAPhoneAsTheKeyMustBeSound creates nobody without a key.
func TestAPhoneAsTheKeyMustBeSound(t *testing.T) {
	s, a := connect(t, nil)
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "msisdn", Fields: sync.Fields{"msisdn": sync.Text("12"), "name": sync.Text("Jane")}})
	e := failure(t, res.Err, sync.Invalid)
	equal(t, "field and rule", []string{e.Field, e.Rule}, []string{"msisdn", "phone.e164"})
	equal(t, "contacts", len(s.Contacts()), 0)
}

// TestMatchStrategies writes an e-mail that another contact holds.
func TestMatchStrategies(t *testing.T) {
	for strategy, tt := range map[bird.MatchStrategy]struct {
		action  sync.Action // when it fails
		dropped map[string]string
		phone   any // of the contact written
	}{
		"":               {action: sync.Conflict},
		bird.StrictAlias: {action: sync.Conflict},
		bird.FirstAlias:  {dropped: map[string]string{"email": "identifier.alias"}, phone: "+573000000002"},
		bird.First:       {dropped: map[string]string{"email": "identifier.alias", "msisdn": "identifier.alias"}},
	} {
		s := birdtest.NewServer(nil)
		t.Cleanup(s.Close)
		a := addressed(t, s, &bird.Options{Strategy: strategy})
		create(t, s, map[string]any{"email": "jane@example.com"})
		id := create(t, s, map[string]any{"external_id": "901", "name": "J"})
		res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"),
			"email": sync.Text("jane@example.com"), "msisdn": sync.Text("+573000000002"), "name": sync.Text("Jane")}})
		if tt.action != 0 {
			failure(t, res.Err, tt.action)
			continue
		}
		equal(t, string(strategy), []any{res.Err, res.Created, res.Record.ID}, []any{nil, false, id})
		equal(t, string(strategy), res.Dropped, tt.dropped)
		equal(t, string(strategy), []any{field(t, s, id, "name"), field(t, s, id, "msisdn"), field(t, s, id, "email")}, []any{"Jane", tt.phone, nil})
	}
	_, err := bird.New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "key", &bird.Options{Strategy: "any"})
	equal(t, "unknown", failure(t, err, sync.Fatal).Rule, "strategy.known")
}

// TestAddressesNeverPileUp changes phone and e-mail again and again, by id and
// by key. It runs in a bubble, because new addresses are told from old ones by
// the second.
func TestAddressesNeverPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a := attach(t, s)
		id := create(t, s, map[string]any{"external_id": "901", "msisdn": "+573000000001", "email": "one@example.com"})
		for n, email := range []string{"two@example.com", "three@example.com", "four@example.com"} {
			time.Sleep(time.Minute)
			w := sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"),
				"email": sync.Text(email), "msisdn": sync.Text(fmt.Sprint("+57300000010", n))}}
			if n == 1 {
				w.Ref, w.Key = ref(id), ""
			}
			res := apply(t, a, w)
			equal(t, email, []any{res.Err, res.Record.Fields["email"]}, []any{nil, sync.Text(email)})
			c, _ := s.Contact(id)
			equal(t, email, len(c.Identifiers), 3)
		}
	})
}

// TestAnOldAddressOfAMergeStays when a later upsert only repeats the new one.
func TestAnOldAddressOfAMergeStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a := attach(t, s)
		loser := create(t, s, map[string]any{"msisdn": "+573000000001"})
		time.Sleep(time.Minute)
		id := create(t, s, map[string]any{"external_id": "901", "msisdn": "+573000000002"})
		if err := s.Merge(loser, id); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"), "msisdn": sync.Text("+573000000002")}})
		equal(t, "outcome", []any{res.Err, res.Record.Fields["msisdn"]}, []any{nil, sync.Text("+573000000002")})
		c, _ := s.Contact(id)
		equal(t, "identifiers", len(c.Identifiers), 3)
	})
}

// TestAMergedContactIsFollowed reads the id that a merge took away.
func TestAMergedContactIsFollowed(t *testing.T) {
	for name, tt := range map[string]struct {
		loser, survivor map[string]any
		after           func(s *birdtest.Server, survivor string) error
		lost            bool
	}{
		"by external id":   {loser: map[string]any{"external_id": "901"}, survivor: map[string]any{"email": "jane@example.com"}},
		"by e-mail":        {loser: map[string]any{"email": "jane@example.com"}, survivor: map[string]any{"external_id": "902"}},
		"by phone":         {loser: map[string]any{"msisdn": "+573000000001"}, survivor: map[string]any{"external_id": "902"}},
		"nothing to go by": {loser: map[string]any{"name": "Jane"}, survivor: map[string]any{"external_id": "902"}, lost: true},
		"parted since": {loser: map[string]any{"email": "jane@example.com", "msisdn": "+573000000001"}, survivor: map[string]any{"external_id": "902"}, lost: true,
			after: func(s *birdtest.Server, id string) error {
				if err := s.Edit(id, map[string]any{"email": nil}); err != nil {
					return err
				}
				_, err := s.Create(map[string]any{"email": "jane@example.com"})
				return err
			}},
		"the external id decides": {loser: map[string]any{"external_id": "901", "email": "jane@example.com"}, survivor: map[string]any{"name": "J"},
			after: func(s *birdtest.Server, id string) error {
				if err := s.Edit(id, map[string]any{"email": nil}); err != nil {
					return err
				}
				_, err := s.Create(map[string]any{"email": "jane@example.com"})
				return err
			}},
	} {
		s, a := connect(t, nil)
		loser, survivor := create(t, s, tt.loser), create(t, s, tt.survivor)
		equal(t, name, read(t, a, loser).ID, loser)
		apply(t, a, sync.Write{Ref: ref(loser), Fields: sync.Fields{"name": sync.Text("Jane")}})
		if err := s.Merge(loser, survivor); err != nil {
			t.Fatal(err)
		}
		if tt.after != nil {
			if err := tt.after(s, survivor); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // the second time nothing has been forgotten
			got := read(t, a, loser)
			if tt.lost {
				equal(t, name, []any{got.Deleted, got.ID, got.Aliases}, []any{true, loser, []string(nil)})
				continue
			}
			equal(t, name, []any{got.Deleted, got.ID, got.Aliases, got.Fields["id"]}, []any{false, survivor, []string{loser}, sync.Text(survivor)})
		}
		equal(t, "an adapter that never saw it", read(t, attach(t, s), loser).Deleted, true)
	}
}

// TestADeletedContactHasNoSurvivor, though its searches are asked.
func TestADeletedContactHasNoSurvivor(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"external_id": "901", "msisdn": "+573000000001"})
	read(t, a, id)
	s.SetMissing(id, true) // searches lag
	equal(t, "still found", read(t, a, id).Deleted, true)
	if err := s.Delete(id); err != nil {
		t.Fatal(err)
	}
	equal(t, "gone", read(t, a, id).Deleted, true)
	s.Faults().Add(birdtest.Fault{Path: "/search", Status: 500})
	_, err := a.Read(context.Background(), bird.Contact, []string{id})
	failure(t, err, sync.Retry) // a failed search is no proof
}

// TestContactsWithoutPhone have the user name of a channel instead.
func TestContactsWithoutPhone(t *testing.T) {
	s := birdtest.NewServer(nil)
	t.Cleanup(s.Close)
	a := addressed(t, s, &bird.Options{Fields: []string{"msisdn", "email", "name", "identifiers.whatsappusername"}})
	post(t, s, "/contacts", map[string]any{"displayName": "Jane", "identifiers": []map[string]string{{"key": "whatsappusername", "value": "jane.doe"}}})
	id := s.Contacts()[0].ID
	equal(t, "fields", read(t, a, id).Fields, sync.Fields{"id": sync.Text(id), "name": sync.Text("Jane"), "identifiers.whatsappusername": sync.Text("jane.doe")})
	found, err := a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "msisdn"}, {Name: "identifiers.whatsappusername", Value: sync.Text("jane.doe")}}})
	if err != nil || len(found[0].Candidates) != 1 || found[0].Candidates[0].ID != id {
		t.Errorf("found %v, %v", found, err)
	}
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"email": sync.Text("jane@example.com")}})
	equal(t, "written", []any{res.Err, field(t, s, id, "email")}, []any{nil, "jane@example.com"})
}

// TestEmptyAttributesAreAskedFor names the attributes in the query.
func TestEmptyAttributesAreAskedFor(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	equal(t, "fields", read(t, a, id).Fields, sync.Fields{"id": sync.Text(id), "name": sync.Text("Jane")})
	equal(t, "calls", s.Log().Count(func(c birdtest.Call) bool {
		return strings.Contains(c.Query, "attributes=budget&attributes=conversation_status&attributes=displayName&attributes=property_interest")
	}), 1)
}

// TestAttributesHaveTheirDefinitionsTypes writes what a mapping gives as text.
func TestAttributesHaveTheirDefinitionsTypes(t *testing.T) {
	s, a := connect(t, nil)
	for _, d := range []bird.AttributeDefinition{
		{Key: "visits", DisplayName: "Visits", Cardinality: "one", Type: "number"},
		{Key: "vip", DisplayName: "VIP", Cardinality: "one", Type: "boolean"},
		{Key: "areas", DisplayName: "Areas", Cardinality: "many", Type: "string"},
	} {
		if err := a.DefineAttribute(context.Background(), d); err != nil {
			t.Fatal(err)
		}
		failure(t, a.DefineAttribute(context.Background(), d), sync.Conflict)
	}
	id := create(t, s, map[string]any{"name": "Jane"})
	w := sync.Write{Ref: ref(id), Fields: sync.Fields{"visits": sync.Text("3"), "vip": sync.Text("true"), "areas": sync.Text("north")}}
	failure(t, apply(t, a, w).Err, sync.Invalid) // nobody told the types yet
	if err := a.LearnAttributes(context.Background()); err != nil {
		t.Fatal(err)
	}
	equal(t, "outcome", apply(t, a, w).Err, nil)
	for name, want := range map[string]any{"visits": 3.0, "vip": true, "areas": []any{"north"}} {
		equal(t, name, field(t, s, id, name), want)
	}
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"visits": sync.Text("many")}})
	equal(t, "rule", failure(t, res.Err, sync.Invalid).Rule, "attribute.number")
}
