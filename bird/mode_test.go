package bird_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
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
		sim := birdtest.NewPipeServer(nil)
		defer sim.Close()
		client := sim.Client()
		wire := &cable{to: client.Transport}
		client.Transport = wire
		a, err := bird.New(sim.WorkspaceID, sim.AccessKey, &bird.Options{BaseURL: sim.URL, HTTPClient: client, Fields: []string{"name"}})
		if err != nil {
			t.Fatal(err)
		}
		id, err := sim.Create(map[string]any{"name": "Ana"})
		if err != nil {
			t.Fatal(err)
		}
		read := func() error { _, err := a.Read(t.Context(), bird.Contact, []string{id}); return err }
		if err := read(); err != nil || len(a.Modes()) != 0 {
			t.Fatalf("before the outage: %v, %+v", err, a.Modes())
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
		if m := a.Modes(); len(m) != 1 || m[0].Name != "calls wait: reads" || m[0].Why == "" || m[0].Since.Sub(down) > time.Second {
			t.Errorf("modes %+v", m)
		}
		wire.cut.Store(false)
		time.Sleep(6 * time.Second)
		if err := read(); err != nil || len(a.Modes()) != 0 {
			t.Errorf("after the outage: %v, %+v", err, a.Modes())
		}
	})
}

// A stock is out of reach.
type stock struct{}

func (stock) Take(context.Context, time.Time, string, int, time.Duration, int) (int, time.Time, error) {
	return 0, time.Time{}, errors.New("no connection")
}

// Without what the processes share, calls go on with a part of the quota,
// which is a mode.
func TestAQuotaThatIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Permits: stock{}})
		if err != nil {
			t.Fatal(err)
		}
		if m := a.Modes(); len(m) > 0 {
			t.Errorf("at rest: %+v", m)
		}
		began := time.Now()
		if _, err := a.Read(t.Context(), bird.Contact, s.Fill(1)); err != nil {
			t.Fatal(err)
		}
		if m := a.Modes(); len(m) != 1 || m[0].Name != "quota not shared: reads" || m[0].Why != "no connection" || m[0].Since.Sub(began) > time.Second {
			t.Errorf("alone: %+v", m)
		}
	})
}
