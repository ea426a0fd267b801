package hubspot

import (
	"context"
	"fmt"
	"net/http"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

const loadKey = "custom_bird_contact_id"

// loadQuota is the simulated account's quota of calls in 10 s.
const loadQuota = 110

// loadAccount prepares an account for a load test.
func loadAccount(serve func(*hubspottest.Options) *hubspottest.Server) *hubspottest.Server {
	sim := serve(&hubspottest.Options{Burst: loadQuota})
	sim.DefineProperty(loadKey, "string", "text", true)
	return sim
}

// slowly lets each call take a few milliseconds more.
type slowly struct{ http.RoundTripper }

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(5 * time.Millisecond)
	return s.RoundTripper.RoundTrip(r)
}

func loadAdapter(t testing.TB, url, token string, h *http.Client, p sync.Permits) *Adapter {
	t.Helper()
	a, err := New(Static(token), &Options{BaseURL: url, HTTPClient: &http.Client{Transport: slowly{h.Transport}}, Permits: p})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// saturate has many callers upsert contacts of their own until the context
// ends, and counts the records from the moment given on.
func saturate(ctx context.Context, a *Adapter, name string, from time.Time) int64 {
	const callers, each = 40, 25
	var records atomic.Int64
	var wg stdsync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for round := 0; ctx.Err() == nil; round++ {
				writes := make([]sync.Write, each)
				for i := range writes {
					writes[i] = sync.Write{Ref: sync.Ref{System: System, Kind: Contact}, Key: loadKey, Fields: sync.Fields{
						loadKey: sync.Text(fmt.Sprintf("%s-%d-%d", name, c, i)), "firstname": sync.Text(fmt.Sprint("Ada", round))}}
				}
				res, _ := a.Apply(ctx, writes)
				for _, r := range res {
					if r.Err == nil && r.Record.ID != "" && !time.Now().Before(from) {
						records.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	return records.Load()
}

// load is what a test found.
type load struct {
	records        int64
	calls, refused int
	span           time.Duration
}

// ratio is the part of the quota's records that was written.
func (l load) ratio() float64 {
	return float64(l.records) / (float64(loadQuota*maxBatch) * l.span.Seconds() / 10)
}

func (l load) limited() float64 { return float64(l.refused) / float64(max(l.calls, 1)) }

// measure runs the loads side by side: a window to warm up, then the span.
func measure(sim *hubspottest.Server, span time.Duration, loads ...func(ctx context.Context, from time.Time) int64) load {
	const warm = 10 * time.Second
	start := time.Now()
	from := start.Add(warm)
	ctx, cancel := context.WithDeadline(context.Background(), from.Add(span))
	defer cancel()
	var records atomic.Int64
	var wg stdsync.WaitGroup
	for _, l := range loads {
		wg.Go(func() { records.Add(l(ctx, from)) })
	}
	time.Sleep(warm)
	calls, refused := sim.Log().Calls(""), sim.RateLimited("")
	wg.Wait()
	return load{records: records.Load(), calls: sim.Log().Calls("") - calls, refused: sim.RateLimited("") - refused, span: span}
}

func TestTheQuotaIsUsedUnderLoad(t *testing.T) {
	for name, tt := range map[string]struct {
		adapters int
		permits  sync.Permits
	}{"one": {1, nil}, "two that see the headers": {2, nil}, "two that share permits": {2, &ratelimit.Shared{}}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := loadAccount(hubspottest.NewPipeServer)
				defer sim.Close()
				var loads []func(context.Context, time.Time) int64
				for i := range tt.adapters {
					a := loadAdapter(t, sim.URL, sim.Token, sim.Client(), tt.permits)
					loads = append(loads, func(ctx context.Context, from time.Time) int64 {
						n := saturate(ctx, a, fmt.Sprint("load", i), from)
						if err := a.Close(context.Background()); err != nil {
							t.Error(err)
						}
						return n
					})
				}
				l := measure(sim, 20*time.Second, loads...)
				t.Logf("%.3f of the quota's records; %d of %d calls refused", l.ratio(), l.refused, l.calls)
				if l.ratio() < 0.9 || l.limited() >= 0.005 {
					t.Errorf("%.3f of the quota's records, want 0.9; %d of %d calls refused, want less than 0.5 %%", l.ratio(), l.refused, l.calls)
				}
			})
		})
	}
}
