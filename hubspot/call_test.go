package hubspot_test

import (
	"context"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// A tally of calls.
type tally struct {
	mu  stdsync.Mutex
	all []sync.Call
}

func (t *tally) note(c sync.Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Duration = 0
	t.all = append(t.all, c)
}

// TestCallsAreToldWithTheFillOfTheirBatches reads two records and one that
// does not exist, and makes a call that is refused.
func TestCallsAreToldWithTheFillOfTheirBatches(t *testing.T) {
	var told tally
	inAccount(t, hubspottest.Options{}, hubspot.Options{OnCall: told.note}, func(_ *testing.T, a account) {
		a.read(a.create(1), a.create(2), "999999")
		a.sim.Faults().Add(hubspottest.Fault{Status: 503, Count: 1})
		if _, err := a.hs.Owners(a.Context()); err == nil {
			a.Error("an answer 503 is no error")
		}
	})
	want := []sync.Call{{System: hubspot.System, Operation: "batch read", Status: 207, Records: 3},
		{System: hubspot.System, Operation: "read one", Status: 404}, // is it merged?
		{System: hubspot.System, Operation: "list owners", Status: 503}}
	if diff := cmp.Diff(want, told.all); diff != "" {
		t.Error(diff)
	}
}

// The bounds of the day are known once the account's zone was read.
func TestQuotasAreToldWithTheBoundsOfTheDay(t *testing.T) {
	inAccount(t, hubspottest.Options{Daily: 1000}, hubspot.Options{}, func(t *testing.T, a account) {
		a.read(a.create(1))
		day := a.hs.Quotas()[2]
		if day.Name != "day" || day.Limit != 1000 || day.Used == 0 || !day.From.IsZero() {
			t.Errorf("before: %+v", day)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := a.hs.Watch(ctx, hubspot.Schema{}, hubspot.WatchOptions{}); err != nil {
			t.Fatal(err)
		}
		day = a.hs.Quotas()[2]
		if now := time.Now(); day.From.After(now) || !day.Until.After(now) || day.Until.Sub(day.From) != 24*time.Hour {
			t.Errorf("after: %+v", day)
		}
		if q := a.hs.Quotas(); q[0].Name != "window" || q[0].Limit == 0 || q[1].Name != "search" || q[1].Limit == 0 {
			t.Errorf("%+v", q)
		}
	})
}
