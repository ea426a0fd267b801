package hubspot_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// A cable to the vendor may be cut.
type cable struct {
	cut   atomic.Bool
	tried atomic.Int64
	to    http.RoundTripper
}

func (l *cable) RoundTrip(r *http.Request) (*http.Response, error) {
	l.tried.Add(1)
	if l.cut.Load() {
		return nil, errors.New("cut")
	}
	return l.to.RoundTrip(r)
}

// TestAnOutageIsAskedAfterByProbes reads through an outage of ten minutes.
func TestAnOutageIsAskedAfterByProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(nil)
		defer sim.Close()
		client := sim.Client()
		wire := &cable{to: client.Transport}
		client.Transport = wire
		hs, err := hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: client})
		if err != nil {
			t.Fatal(err)
		}
		id := sim.Create(map[string]string{"email": "ana@example.com"})
		read := func() error { _, err := hs.Read(t.Context(), hubspot.Contact, []string{id}); return err }
		if err := read(); err != nil || len(hs.Modes()) != 0 {
			t.Fatalf("before the outage: %v, %+v", err, hs.Modes())
		}
		wire.cut.Store(true)
		down := time.Now()
		costly, opened := 0, time.Duration(-1)
		for time.Since(down) < 10*time.Minute {
			err := read()
			var e *sync.Error
			if !errors.As(err, &e) {
				t.Fatalf("in the outage: %v", err)
			}
			if e.Rule != sync.RuleBreakerOpen {
				costly++ // an attempt is used up
				continue
			}
			if opened < 0 {
				opened = time.Since(down)
			}
			time.Sleep(time.Until(e.RetryAt))
		}
		if opened < 0 || opened > 5*time.Second {
			t.Errorf("the circuit opened after %s", opened)
		}
		if calls := wire.tried.Load(); calls > 10+10*60/5 || costly > 10+10*60/5 {
			t.Errorf("%d calls in the outage, %d attempts", calls, costly)
		}
		if m := hs.Modes(); len(m) != 1 || m[0].Name != "calls wait: records" || m[0].Why == "" || m[0].Since.Sub(down) > time.Second {
			t.Errorf("modes %+v", m)
		}
		wire.cut.Store(false)
		time.Sleep(6 * time.Second)
		if err := read(); err != nil || len(hs.Modes()) != 0 {
			t.Errorf("after the outage: %v, %+v", err, hs.Modes())
		}
		if err := hs.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// A stock may be out of reach.
type stock struct{ gone atomic.Bool }

func (s *stock) Take(_ context.Context, _ time.Time, _ string, _ int, _ time.Duration, n int) (int, time.Time, error) {
	if s.gone.Load() {
		return 0, time.Time{}, errors.New("no connection")
	}
	return n, time.Time{}, nil
}

// Without what the processes share, calls go on with a part of the quota,
// which is a mode.
func TestAQuotaThatIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(nil)
		defer sim.Close()
		permits := &stock{}
		hs, err := hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client(), Permits: permits})
		if err != nil {
			t.Fatal(err)
		}
		id := sim.Create(map[string]string{"email": "ana@example.com"})
		read := func() {
			if _, err := hs.Read(t.Context(), hubspot.Contact, []string{id}); err != nil {
				t.Fatal(err)
			}
		}
		read()
		if m := hs.Modes(); len(m) > 0 {
			t.Errorf("at rest: %+v", m)
		}
		permits.gone.Store(true)
		time.Sleep(time.Minute)
		gone := time.Now()
		for range 10 {
			read()
			time.Sleep(time.Second)
		}
		if m := hs.Modes(); len(m) != 1 || m[0].Name != "quota not shared: burst" || m[0].Why != "no connection" || m[0].Since.Sub(gone) > time.Second {
			t.Errorf("alone: %+v", m)
		}
		permits.gone.Store(false)
		time.Sleep(time.Minute)
		read()
		if m := hs.Modes(); len(m) > 0 {
			t.Errorf("shared again: %+v", m)
		}
	})
}

// Batches that are refused one after the other go in parts, which is a mode; a
// single one is nothing.
func TestBatchesInParts(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		n := 0
		write := func(color string) {
			n += 2
			a.apply(keyed("email", map[string]string{"email": email(n)}), keyed("email", map[string]string{"email": email(n + 1), "color": color}))
		}
		began := time.Now()
		for range 3 {
			if m := a.hs.Modes(); len(m) > 0 {
				t.Errorf("after %d: %+v", n, m)
			}
			write("purple")
		}
		if m := a.hs.Modes(); len(m) != 1 || m[0].Name != "batches in parts: batch upsert contact" || m[0].Why == "" || m[0].Since.Before(began) {
			t.Errorf("in parts: %+v", m)
		}
		time.Sleep(11 * time.Minute)
		if m := a.hs.Modes(); len(m) > 0 {
			t.Errorf("long after: %+v", m)
		}
		for range 4 {
			write("purple")
		}
		write("red")
		if m := a.hs.Modes(); len(m) > 0 {
			t.Errorf("whole again: %+v", m)
		}
	})
}
