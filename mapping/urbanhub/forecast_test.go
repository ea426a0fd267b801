package urbanhub_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// A dry run of 400 contacts tells how many calls each system gets at least when
// it is applied, and how long that takes.
func TestDryRunTellsWhatItsApplicationCosts(t *testing.T) {
	const news = 400
	synctest.Test(t, func(t *testing.T) {
		o := openOffice(t, birdtest.NewPipeServer(nil), hubspottest.NewPipeServer(nil))
		var refs []sync.Ref
		for i := range news {
			id, err := o.bird.Create(map[string]any{"msisdn": fmt.Sprintf("+57300%07d", i), "name": "Ana"})
			if err != nil {
				t.Fatal(err)
			}
			refs = append(refs, sync.Ref{System: bird.System, Kind: bird.Contact, ID: id})
		}
		f, err := o.engine.Forecast(t.Context(), "urbanhub-contacts", refs)
		if err != nil || f.Creates != news || len(f.Items) != news {
			t.Fatalf("%+v, %v", f, err)
		}
		o.bird.Log().Reset()
		o.hub.Log().Reset()
		start := time.Now()
		moved, err := o.engine.ApplyForecast(t.Context(), f)
		if err != nil || len(moved) > 0 {
			t.Fatalf("moved %v, %v", moved, err)
		}
		o.rest()
		made := map[sync.System]int{
			bird.System:    o.bird.Log().Count(func(birdtest.Call) bool { return true }),
			hubspot.System: o.hub.Log().Count(func(hubspottest.Call) bool { return true })}
		took := time.Since(start)
		for system, foretold := range f.Calls {
			if foretold == 0 || made[system] < foretold {
				t.Errorf("%s got %d calls, at least %d were foretold", system, made[system], foretold)
			}
		}
		if took < f.Takes || took > 3*f.Takes {
			t.Errorf("it took %s, at least %s were foretold", took, f.Takes)
		}
		t.Logf("foretold %v in %s, made %v in %s", f.Calls, f.Takes, made, took)
		if n := len(o.hub.Objects("contacts")); n != news || len(f.Calls) != 2 {
			t.Errorf("%d contacts in HubSpot, calls %v", n, f.Calls)
		}
		o.noDead()
	})
}
