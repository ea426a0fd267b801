package hubspot_test

import (
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// readAs reads one contact with a priority and returns the error, if any.
func (a account) readAs(p sync.Priority, id string) *sync.Error {
	_, err := a.hs.Read(sync.WithPriority(a.Context(), p), hubspot.Contact, []string{id})
	var e *sync.Error
	if err != nil && !errors.As(err, &e) {
		a.Fatal(err)
	}
	return e
}

func TestBulkWorkLeavesTheRestOfTheDay(t *testing.T) {
	inAccount(t, hubspottest.Options{Daily: 100}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.UseQuota(92)
		time.Sleep(10 * time.Second)
		if e := a.readAs(sync.Live, id); e != nil {
			t.Fatal(e)
		}
		e := a.readAs(sync.Backfill, id)
		if e == nil || e.Action != sync.RetryAt || time.Until(e.RetryAt) < time.Minute {
			t.Fatalf("backfill with 7 of 100 calls left: %v", e)
		}
		if e := a.readAs(sync.Sweep, id); e != nil {
			t.Fatal(e)
		}
		if q := a.hs.Quota(); q.DailyLimit != 100 || q.DailyRemaining != 6 || q.Answers[2] != 2 || q.Limit != 100 {
			t.Errorf("%+v", q)
		}
	})
}

// A day that is used up parks every call, searches too, until it ends.
func TestAUsedUpDayParksAllCalls(t *testing.T) {
	inAccount(t, hubspottest.Options{Daily: 1}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.UseQuota(1)
		time.Sleep(10 * time.Second)
		for range 3 {
			e := a.readAs(sync.Live, id)
			if e == nil || e.Action != sync.RetryAt || e.RetryAt.Sub(time.Now().Truncate(time.Hour)) < time.Hour {
				t.Fatalf("got %v", e)
			}
		}
		if _, err := a.hs.Changes(t.Context(), ""); sync.ActionOf(err) != sync.RetryAt {
			t.Errorf("a search: %v", err)
		}
		q := a.hs.Quota()
		if n := a.calls(""); n != 1 || q.Limited != 1 || time.Until(q.PausedUntil) <= 0 {
			t.Errorf("%d calls; %+v", n, q)
		}
	})
}

// A refused search holds back searches and nothing else.
func TestARefusedSearchHoldsBackSearches(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchPerSecond: 1}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		for range 3 {
			if _, err := a.hs.Changes(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
		}
		if a.sim.RateLimited("SECONDLY") == 0 {
			t.Fatal("no search was refused")
		}
		start := time.Now()
		if e := a.readAs(sync.Live, id); e != nil || time.Since(start) > 200*time.Millisecond {
			t.Errorf("a read after %v: %v", time.Since(start), e)
		}
	})
}

// A refusal in the middle of a window is got over within it.
func TestARefusalIsGotOver(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.UseQuota(100) // by another program, a moment ago
		start := time.Now()
		for {
			e := a.readAs(sync.Live, id)
			if e == nil {
				break
			}
			if e.Action != sync.RetryAt {
				t.Fatal(e)
			}
			time.Sleep(time.Until(e.RetryAt))
		}
		if d := time.Since(start); d > 13*time.Second {
			t.Errorf("the quota came back after 10 s, the call after %v", d)
		}
		if q := a.hs.Quota(); q.Factor >= 1 || q.Limited == 0 {
			t.Errorf("%+v", q)
		}
	})
}
