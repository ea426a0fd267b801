package hubspot

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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

// tallied counts the calls of one program from a moment on.
type tallied struct {
	http.RoundTripper
	from           time.Time
	calls, refused atomic.Int64
}

func (c *tallied) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.RoundTripper.RoundTrip(r)
	if time.Now().Before(c.from) {
		return res, err
	}
	c.calls.Add(1)
	if err == nil && res.StatusCode == http.StatusTooManyRequests {
		c.refused.Add(1)
	}
	return res, err
}

// greed is another program with the same token, of which we know nothing: it
// makes so many calls at once, again and again, and does not care for 429.
func greed(ctx context.Context, t *testing.T, sim *hubspottest.Server, calls int, every time.Duration) (took *tallied, wait func()) {
	took = &tallied{RoundTripper: sim.Client().Transport}
	client := &http.Client{Transport: took}
	var wg stdsync.WaitGroup
	call := func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, sim.URL+"/crm/v3/objects/contacts?limit=1", http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+sim.Token)
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
		}
	}
	wg.Go(func() {
		for tick := time.NewTicker(every); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
				for range calls {
					wg.Go(call)
				}
			}
		}
	})
	return took, wg.Wait
}

// edits makes a live edit of a contact of its own five times a second until the
// context ends, and returns how long each took from a moment on, in order.
func edits(ctx context.Context, t *testing.T, a *Adapter, from time.Time) []time.Duration {
	var mu stdsync.Mutex
	var took []time.Duration
	var wg stdsync.WaitGroup
	for n := 0; ctx.Err() == nil; n++ {
		wg.Go(func() {
			start := time.Now()
			res, err := a.Apply(sync.WithPriority(ctx, sync.Live), []sync.Write{{Ref: sync.Ref{System: System, Kind: Contact}, Key: loadKey,
				Fields: sync.Fields{loadKey: sync.Text(fmt.Sprint("live-", n)), "firstname": sync.Text("Ada")}}})
			if ctx.Err() != nil {
				return
			}
			if err != nil || res[0].Err != nil {
				t.Errorf("a live edit failed: %v, %+v", err, res)
			}
			mu.Lock()
			defer mu.Unlock()
			if start.After(from) {
				took = append(took, time.Since(start))
			}
		})
		time.Sleep(200 * time.Millisecond)
	}
	wg.Wait()
	slices.Sort(took)
	return took
}

// C14. Another program takes 60 % of the quota while a backfill takes what it
// can get: we are hardly ever refused, live edits are prompt, and the backfill
// goes on.
func TestAnotherProgramTakesMostOfTheQuota(t *testing.T) {
	for _, c := range []struct {
		name  string
		calls int
		every time.Duration
	}{{"evenly", 1, 10 * time.Second / 66}, {"at once", 33, 5 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := loadAccount(hubspottest.NewPipeServer)
				defer sim.Close()
				from := time.Now().Add(20 * time.Second) // it learns what the quota is
				ours := &tallied{RoundTripper: sim.Client().Transport, from: from}
				a := loadAdapter(t, sim.URL, sim.Token, &http.Client{Transport: ours}, nil)
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				theirs, gone := greed(ctx, t, sim, c.calls, c.every)
				var filled int64
				var wg stdsync.WaitGroup
				wg.Go(func() { filled = saturate(sync.WithPriority(ctx, sync.Backfill), a, "bulk", from) })
				live := edits(ctx, t, a, from)
				wg.Wait()
				gone()
				if err := a.Close(t.Context()); err != nil {
					t.Error(err)
				}
				p95 := live[len(live)*95/100]
				share := float64(ours.refused.Load()) / float64(ours.calls.Load())
				t.Logf("%d of our %d calls were refused, %d of their %d; %d live edits with a p95 of %v and a most of %v; %d records filled",
					ours.refused.Load(), ours.calls.Load(), theirs.refused.Load(), theirs.calls.Load(), len(live), p95, live[len(live)-1], filled)
				if share >= 0.005 {
					t.Errorf("%.2f %% of our calls were refused, want less than 0.5 %%", 100*share)
				}
				if p95 > 2*time.Second {
					t.Errorf("95 %% of the live edits took up to %v, want 2 s", p95)
				}
				if left := 0.4 * float64(loadQuota*maxBatch) * 10; float64(filled) < 0.5*left {
					t.Errorf("%d records were filled, want half of the %.0f that are left", filled, left)
				}
			})
		})
	}
}

// Two processes that begin with edits, more than the quota has single calls
// for, never come to a halt because they used up the window at first.
func TestABeginningDoesNotUseUpTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(&hubspottest.Options{Burst: 190})
		defer sim.Close()
		permits := &ratelimit.Shared{}
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
		defer cancel()
		var longest atomic.Int64
		var wg stdsync.WaitGroup
		for p := range 2 {
			a, err := New(Static(sim.Token), &Options{BaseURL: sim.URL, HTTPClient: &http.Client{Transport: slowly{sim.Client().Transport}}, Permits: permits, RatePer10s: 190})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 400 {
				id := sim.Create(map[string]string{"email": fmt.Sprintf("p%d-%d@example.com", p, i)})
				wg.Go(func() {
					time.Sleep(time.Duration(i)*95*time.Millisecond + time.Duration(p)*41*time.Millisecond)
					for _, do := range []func() error{
						func() error { _, err := a.Read(ctx, Contact, []string{id}); return err },
						func() error {
							res, _ := a.Apply(ctx, []sync.Write{update(id, sync.Fields{"firstname": sync.Text("Ada")})})
							return res[0].Err
						},
					} {
						start := time.Now()
						if err := do(); err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						if took := int64(time.Since(start)); took > longest.Load() {
							longest.Store(took)
						}
					}
				})
			}
		}
		wg.Wait()
		if d := time.Duration(longest.Load()); d > 1500*time.Millisecond {
			t.Errorf("a call took %v", d)
		}
		if n := sim.RateLimited(""); n > 0 {
			t.Errorf("%d calls were refused", n)
		}
	})
}
