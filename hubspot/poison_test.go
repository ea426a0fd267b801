package hubspot_test

import (
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// With an e-mail address as the key HubSpot takes a batch whole or not at all.
func TestAPoisonRecordAmongAHundred(t *testing.T) {
	for place := range 100 {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			holder := a.sim.Create(map[string]string{"email": "holder@example.com", birdID: "held"})
			writes := make([]sync.Write, 100)
			for n := range writes {
				writes[n] = keyed("email", map[string]string{"email": email(n), "color": "red", birdID: bird(n)})
			}
			if place%2 == 0 {
				writes[place].Fields["color"] = sync.Text("purple")
			} else {
				writes[place].Fields[birdID] = sync.Text("held")
			}
			for n, r := range a.apply(writes...) {
				if n != place && (r.Err != nil || !r.Created) {
					t.Fatalf("neighbour %d of %d: %+v", n, place, r)
				}
				if n == place {
					e := failure(t, r)
					if place%2 == 0 && (e.Action != sync.Invalid || e.Field != "color") || place%2 == 1 && (e.Action != sync.Conflict || e.Existing.ID != holder) {
						t.Fatalf("poison %d: %v", place, e)
					}
				}
			}
			if calls := a.calls("/batch/upsert"); calls > 9 {
				t.Fatalf("poison %d: %d calls", place, calls)
			}
		})
	}
}

// A value that only some writes send is looked for among them alone.
func TestWhatARefusalNamesNeedsNoSearch(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		writes := make([]sync.Write, 100)
		for n := range writes {
			writes[n] = keyed("email", map[string]string{"email": email(n)})
		}
		writes[63].Fields["color"] = sync.Text("purple")
		for n, r := range a.apply(writes...) {
			if (r.Err != nil) != (n == 63) {
				t.Errorf("write %d: %v", n, r.Err)
			}
		}
		if calls := a.calls("/batch/upsert"); calls != 2 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestAPropertyThatIsGoneIsLeftOut(t *testing.T) {
	for _, key := range []string{"email", birdID} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			writes := make([]sync.Write, 100)
			for n := range writes {
				writes[n] = keyed(key, map[string]string{"email": email(n), birdID: bird(n), "gone": fmt.Sprint(n), "hs_object_id": "1"})
			}
			for n, r := range a.apply(writes...) {
				if r.Err != nil || !r.Created || r.Dropped["gone"] != "PROPERTY_DOESNT_EXIST" || r.Dropped["hs_object_id"] != "READ_ONLY_VALUE" {
					t.Fatalf("by %s: write %d: %+v", key, n, r)
				}
			}
			if calls := a.calls("/batch/upsert"); calls != 2 {
				t.Errorf("by %s: %d calls", key, calls)
			}
			if d := a.hs.Degraded(hubspot.Contact); d["gone"] != "PROPERTY_DOESNT_EXIST" || len(a.hs.Degraded(hubspot.Deal)) != 0 {
				t.Errorf("degraded: %v", d)
			}
			// What is known costs no refused call.
			again := a.apply(keyed(key, map[string]string{"email": email(1), birdID: bird(1), "gone": "x", "firstname": "Ada"}))[0]
			if calls := a.calls("/batch/upsert"); calls != 3 || again.Err != nil || again.Dropped["gone"] == "" {
				t.Errorf("by %s: %d calls, %+v", key, calls, again)
			}
			// Nothing left to write is no call at all.
			only := a.apply(write(again.Record.ID, map[string]string{"gone": "x"}))[0]
			if only.Err != nil || only.Record.ID != again.Record.ID || only.Dropped["gone"] == "" || a.calls("/batch/update") != 0 {
				t.Errorf("by %s: nothing left: %+v", key, only)
			}
		})
	}
}

func TestARecordWithoutItsKeyPropertyWaits(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		if r := a.apply(write(a.create(1), map[string]string{"gone": "x", "firstname": "Ada"}))[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
		if e := failure(t, a.apply(keyed("gone", map[string]string{"gone": "x"}))[0]); e.Action != sync.Denied || e.Field != "gone" {
			t.Errorf("got %v", e)
		}
	})
}

func TestAnAdministratorsRuleIsNamed(t *testing.T) {
	o := hubspottest.Options{Rules: []hubspottest.Rule{{Require: []string{"lastname"}}}}
	inAccount(t, o, hubspot.Options{}, func(t *testing.T, a account) {
		res := a.apply(keyed(birdID, map[string]string{birdID: "b1", "email": email(1)}),
			keyed(birdID, map[string]string{birdID: "b2", "lastname": "Lovelace"}))
		if e := failure(t, res[0]); e.Action != sync.Invalid || e.Field != "lastname" || e.Rule != "admin.rule" || e.Hint == "" {
			t.Errorf("got %v", e)
		}
		if res[1].Err != nil {
			t.Errorf("neighbour: %v", res[1].Err)
		}
	})
}

// Two addresses of one contact make HubSpot refuse the batch, though each is
// good by itself.
func TestTwoAddressesOfOneContactAreParted(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		survivor := a.sim.Merge(a.create(1), a.create(2))
		writes := make([]sync.Write, 20)
		for n := range writes {
			writes[n] = keyed("email", map[string]string{"email": email(n), "color": "red"})
		}
		for n, r := range a.apply(writes...) {
			if r.Err != nil || (n == 1 || n == 2) != (r.Record.ID == survivor) {
				t.Errorf("write %d: %+v", n, r)
			}
		}
	})
}
