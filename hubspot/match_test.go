package hubspot_test

import (
	"fmt"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

func probe(pairs ...string) sync.Probe {
	var p sync.Probe
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, sync.Key{Name: pairs[i], Value: sync.Text(pairs[i+1])})
	}
	return p
}

func (a account) match(probes ...sync.Probe) []string {
	a.Helper()
	ms, err := a.hs.Match(a.Context(), hubspot.Contact, probes)
	if err != nil {
		a.Fatal(err)
	}
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.By
		for _, c := range m.Candidates {
			out[i] += " " + c.ID
		}
	}
	return out
}

func TestMatchClimbsTheLadder(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{Region: "CO"}, func(t *testing.T, a account) {
		one, two := a.create(1), a.create(2)
		mobile := a.sim.Create(map[string]string{"email": "m@example.com", "mobilephone": "300 555 0001"})
		abroad := a.sim.Create(map[string]string{"email": "us@example.com", "phone": "+1 202 555 0143"})
		got := a.match(
			probe("id", one, "email", email(2)),
			probe("id", "987654", birdID, bird(2)),
			probe(birdID, "", "email", "P1@Example.com"),
			probe(birdID, "none", "email", "not an address", "phone", phone(2)),
			probe("phone", "+57 300 555 0001"),
			probe("mobilephone", "3005550001"),
			probe("phone", "+12025550143"),
			probe("phone", "+57 202 555 0143"), // same digits, another country
			probe("phone", "12"),
			probe(),
		)
		want := []string{"id " + one, birdID + " " + two, "email " + one, "phone " + two, "phone " + mobile,
			"mobilephone " + mobile, "phone " + abroad, "", "", ""}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("probe %d: got %q, want %q", i, got[i], want[i])
			}
		}
	})
}

func TestMatchTellsAmbiguity(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		for n := range 2 {
			a.sim.Create(map[string]string{"email": email(n), "phone": phone(7)})
		}
		ms, err := a.hs.Match(t.Context(), hubspot.Contact, []sync.Probe{probe("phone", phone(7)), probe("phone", phone(7))})
		if err != nil || len(ms[0].Candidates) != 2 || len(ms[1].Candidates) != 2 {
			t.Fatalf("got %+v, %v", ms, err)
		}
		// Candidates are the caller's own.
		ms[0].Candidates[0].Fields["phone"] = sync.Text("changed")
		if ms[1].Candidates[0].Fields["phone"] == sync.Text("changed") {
			t.Error("two answers share their fields")
		}
	})
}

func TestMatchFindsAdditionalAddresses(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		survivor := a.sim.Merge(a.create(1), a.create(2)) // keeps the other's address as an additional one
		if got := a.match(probe("email", email(2)))[0]; got != "email "+survivor {
			t.Errorf("got %q, want %s", got, survivor)
		}
	})
}

func TestEmailsAreMatchedBeforeTheIndexShowsThem(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: time.Hour}, hubspot.Options{}, func(t *testing.T, a account) {
		one := a.create(1)
		if got := a.match(probe("email", email(1)), probe(birdID, bird(1))); got[0] != "email "+one || got[1] != birdID+" "+one {
			t.Errorf("got %v", got)
		}
	})
}

func TestAnIndexThatLagsDecidesNothing(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: time.Hour}, hubspot.Options{}, func(t *testing.T, a account) {
		one := a.create(1)
		time.Sleep(2 * time.Hour)
		a.sim.Edit(one, map[string]string{"phone": phone(2)})
		if got := a.match(probe("phone", phone(1)))[0]; got != "" {
			t.Errorf("found %q by a number it no longer has", got)
		}
	})
}

func TestConcurrentProbesShareCalls(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		for n := range 100 {
			a.sim.Create(map[string]string{"email": email(n), "phone": phone(n)})
		}
		var wg stdsync.WaitGroup
		for n := range 100 {
			wg.Go(func() {
				got := a.match(probe(birdID, bird(n), "email", fmt.Sprintf("else%d@example.com", n), "phone", phone(n)))
				if len(got[0]) < len("phone 1") {
					t.Errorf("probe %d: %q", n, got)
				}
			})
		}
		wg.Wait()
		// One call for each of two rungs; the last needs two searches, because
		// of the size of a search, and reads what they found.
		if n := a.calls("/batch/read"); n > 4 {
			t.Errorf("%d reads", n)
		}
		if n := a.calls("/search"); n > 2 {
			t.Errorf("%d searches", n)
		}
	})
}

func TestAnUnknownKeyIsRefused(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		_, err := a.hs.Match(t.Context(), hubspot.Contact, []sync.Probe{probe("firstname", "Ada")})
		if sync.ActionOf(err) != sync.Fatal {
			t.Errorf("got %v", err)
		}
	})
}
