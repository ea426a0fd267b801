package hubspot_test

import (
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

func TestReadAnswersEveryIDInOrder(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		one, two := a.create(1), a.create(2)
		a.sim.Archive(two)
		recs := a.read(two, "987654321", one, "not-a-number", one)
		want := sync.Fields{"id": sync.Text(one), "email": sync.Text(email(1)), "firstname": sync.Text("Name1"),
			"phone": sync.Text(phone(1)), birdID: sync.Text(bird(1))}
		if diff := cmp.Diff(want, recs[2].Fields, cmp.Comparer(func(a, b sync.Value) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
		if recs[2].UpdatedAt.IsZero() || recs[2].Deleted || recs[4].ID != one {
			t.Errorf("got %+v", recs)
		}
		for _, i := range []int{0, 1, 3} {
			if !recs[i].Deleted || recs[i].Fields != nil {
				t.Errorf("record %d: %+v", i, recs[i])
			}
		}
	})
}

func TestConcurrentReadsShareCalls(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		var ids []string
		for n := range 150 {
			ids = append(ids, a.create(n))
		}
		var wg stdsync.WaitGroup
		for _, id := range ids {
			wg.Go(func() {
				if r := a.read(id); r[0].ID != id || r[0].Deleted {
					t.Errorf("read %s: %+v", id, r[0])
				}
			})
		}
		wg.Wait()
		if n := a.calls("/batch/read"); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestReadFollowsMerges(t *testing.T) {
	for _, o := range []hubspottest.Options{{}, {MergedIDsUnreadable: true}, {MergeKeepsPrimaryID: true}, {MergeKeepsPrimaryID: true, MergedIDsUnreadable: true}} {
		inAccount(t, o, hubspot.Options{}, func(t *testing.T, a account) {
			one, two, three := a.create(1), a.create(2), a.create(3)
			survivor := a.sim.Merge(one, two)
			recs := a.read(three, two, survivor)
			if recs[0].ID != three || recs[1].ID != survivor || recs[1].Deleted || recs[2].ID != survivor {
				t.Errorf("%+v: got %v %v %v, survivor %s", o, recs[0].Ref, recs[1].Ref, recs[2].Ref, survivor)
			}
			if !slices.Equal(recs[1].Aliases, []string{two}) || len(recs[2].Aliases) != 0 {
				t.Errorf("%+v: aliases %v, %v", o, recs[1].Aliases, recs[2].Aliases)
			}
		})
	}
}

func TestTimesAreThoseOfThePresentValue(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		created := a.sim.Now()
		time.Sleep(time.Hour)
		a.sim.Edit(id, map[string]string{"firstname": "Grace"})
		edited := a.sim.Now()
		time.Sleep(time.Hour)
		a.sim.Edit(id, map[string]string{"firstname": "Grace"}) // no change
		got, err := a.hs.Times(t.Context(), hubspot.Contact, []string{"404", id}, []string{"firstname", "email", "color"})
		if err != nil {
			t.Fatal(err)
		}
		near := func(x, y time.Time) bool { return x.Sub(y).Abs() < time.Second }
		if len(got[0]) != 0 || !near(got[1]["firstname"], edited) || !near(got[1]["email"], created) {
			t.Errorf("got %v; created %v, edited %v", got, created, edited)
		}
		if _, ok := got[1]["color"]; ok {
			t.Error("a time for a value never set")
		}
	})
}

func TestHistoryIsWhatAPropertyWas(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		time.Sleep(time.Hour)
		if err := a.sim.EditAs(hubspottest.User(7), id, map[string]string{"firstname": "", "phone": phone(2)}); err != nil {
			t.Fatal(err)
		}
		edited := a.sim.Now()
		time.Sleep(time.Hour)
		a.apply(write(id, map[string]string{"firstname": "Grace"}))
		before := a.calls("/batch/read")
		got, err := a.hs.History(t.Context(), hubspot.Contact, []string{"404", id}, []string{"firstname", "color"})
		if err != nil || len(got) != 2 || len(got[0]) != 0 || len(got[1]) != 1 || a.calls("/batch/read") != before+1 {
			t.Fatalf("got %+v, %v in %d calls", got, err, a.calls("/batch/read")-before)
		}
		past := got[1]["firstname"]
		if len(past) != 3 || past[0].Value != sync.Text("Name1") || past[1].Value != (sync.Value{}) || past[2].Value != sync.Text("Grace") {
			t.Fatalf("got %+v", past)
		}
		if d := past[1].At.Sub(edited).Abs(); d > time.Second || past[1].By != "CRM_UI userId:7" || !strings.HasPrefix(past[2].By, "INTEGRATION ") {
			t.Errorf("got %+v, edited %v", past, edited)
		}
	})
}

func TestEveryVersionOfThePathsWorks(t *testing.T) {
	for _, v := range []string{"v3", "2026-03", "2026-09"} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{APIVersion: v}, func(t *testing.T, a account) {
			id := a.create(1)
			if r := a.read(id); r[0].Deleted {
				t.Errorf("%s: not read", v)
			}
			if r := a.apply(write(id, map[string]string{"firstname": "Grace"})); r[0].Err != nil {
				t.Errorf("%s: %v", v, r[0].Err)
			}
			if _, err := a.hs.Changes(t.Context(), ""); err != nil {
				t.Errorf("%s: %v", v, err)
			}
		})
	}
}

func TestAWrongVersionIsNotMistakenForMissingRecords(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{APIVersion: "2099-01"}, func(t *testing.T, a account) {
		_, err := a.hs.Read(t.Context(), hubspot.Contact, []string{a.create(1)})
		if sync.ActionOf(err) != sync.Fatal {
			t.Errorf("got %v", err)
		}
	})
}
