package simhttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is one simulator-like handler: it counts what it handles.
type rig struct {
	clock   Clock
	faults  *Faults
	log     *Log
	handled atomic.Int64
}

func newRig() *rig {
	r := &rig{}
	r.faults, r.log = NewFaults(&r.clock, 7), NewLog(&r.clock)
	return r
}

func (r *rig) handler() http.Handler {
	return r.log.Wrap(r.faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.handled.Add(1)
		_, _ = io.WriteString(w, "a body of some length")
	})))
}

func post(c *http.Client, url string) (int, string, error) {
	resp, err := c.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestServeBothWays(t *testing.T) {
	for name, serve := range map[string]func(http.Handler) *Server{"loopback": Listen, "pipe": Pipe} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			s := serve(r.handler())
			defer s.Close()
			status, body, err := post(s.Client(), s.URL+"/x/batch/read?a=b")
			if err != nil || status != 200 || body != "a body of some length" {
				t.Fatalf("got %d %q %v", status, body, err)
			}
			if r.log.Calls("/batch/read") != 1 || r.log.Calls("/batch/update") != 0 || r.log.Calls("") != 1 {
				t.Errorf("log = %+v", r.log.Entries())
			}
			if c := r.log.Entries()[0]; c.Status != 200 || c.Sent != int64(len(body)) || c.Received != 2 || c.Query != "a=b" {
				t.Errorf("call = %+v", c)
			}
			r.log.Reset()
			if r.log.Calls("") != 0 {
				t.Error("reset kept calls")
			}
		})
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		name    string
		fault   Fault
		status  int
		failed  bool
		handled int64
	}{
		{"none matches path", Fault{Path: "/other", Status: 500}, 200, false, 1},
		{"none matches method", Fault{Method: "PUT", Status: 500}, 200, false, 1},
		{"status", Fault{Status: 423, Body: "locked"}, 423, false, 0},
		{"expired", Fault{Status: 423, Until: time.Unix(1, 0)}, 200, false, 1},
		{"drop before", Fault{DropBefore: true}, 0, true, 0},
		{"drop after", Fault{DropAfter: true}, 0, true, 1},
		{"truncate", Fault{Truncate: true}, 200, true, 1},
		{"delay", Fault{Delay: time.Millisecond}, 200, false, 1},
		{"match says no", Fault{Status: 500, Match: func(*http.Request) bool { return false }}, 200, false, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			s := Pipe(r.handler())
			defer s.Close()
			c.fault.Count = 1
			r.faults.Add(c.fault)
			status, _, err := post(s.Client(), s.URL+"/x")
			if status != c.status || (err != nil) != c.failed || r.handled.Load() != c.handled {
				t.Errorf("got %d, %v, handled %d", status, err, r.handled.Load())
			}
			r.faults.Clear()
			if status, _, err = post(s.Client(), s.URL+"/x"); status != 200 || err != nil {
				t.Errorf("after clear: %d %v", status, err)
			}
		})
	}
}

func TestFaultCountAndRemove(t *testing.T) {
	r := newRig()
	s := Pipe(r.handler())
	defer s.Close()
	remove := r.faults.Add(Fault{Status: 500, Count: 2})
	for i, want := range []int{500, 500, 200} {
		if got, _, _ := post(s.Client(), s.URL); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
	}
	remove()
	remove = r.faults.Add(Fault{Status: 500, Probability: 0.5})
	bad := 0
	for range 40 {
		if got, _, _ := post(s.Client(), s.URL); got == 500 {
			bad++
		}
	}
	if bad == 0 || bad == 40 {
		t.Errorf("a chance of one half struck %d of 40", bad)
	}
	remove()
	if got, _, _ := post(s.Client(), s.URL); got != 200 {
		t.Errorf("removed fault still strikes: %d", got)
	}
}

func TestSenderRetriesInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		answers := []int{500, 0, 204} // 0 = too slow
		receiver := Pipe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			got = append(got, r.Header.Get("Stamp"))
			answer := answers[len(got)-1]
			mu.Unlock()
			if answer == 0 {
				<-r.Context().Done()
				return
			}
			w.WriteHeader(answer)
		}))
		defer receiver.Close()
		start := time.Now()
		s := NewSender(SenderOptions{
			Client: receiver.Client(), Retries: 10,
			Wait: func(n int) time.Duration { return time.Duration(n) * time.Second },
		})
		defer s.Close()
		s.Send(Delivery{URL: "http://example.com/hook", Prepare: func(a Attempt) (http.Header, []byte) {
			stamp := a.First.Sub(start).String() + " " + a.Now.Sub(start).String()
			return http.Header{"Stamp": {stamp}}, []byte("{}")
		}})
		if err := s.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "0s 0s, 0s 1s, 0s 8s" // 1 s pause; 5 s timeout and 2 s pause
		if strings.Join(got, ", ") != want {
			t.Errorf("attempts at %q, want %q", got, want)
		}
		if st := s.Stats(); st != (SenderStats{Delivered: 1, Attempts: 3}) {
			t.Errorf("stats = %+v", st)
		}
	})
}

func TestSenderChaos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var hits atomic.Int64
		receiver := Pipe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
		defer receiver.Close()
		s := NewSender(SenderOptions{Client: receiver.Client(), Seed: 3})
		defer s.Close()
		send := func(n int) {
			for range n {
				s.Send(Delivery{URL: "http://example.com", Prepare: func(Attempt) (http.Header, []byte) { return http.Header{}, nil }})
			}
			if err := s.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.DropNext(2)
		send(3)
		if hits.Load() != 1 {
			t.Errorf("dropped 2 of 3, %d arrived", hits.Load())
		}
		s.SetChaos(Chaos{Duplicate: 1, Delay: time.Second})
		send(5)
		if hits.Load() != 11 {
			t.Errorf("5 doubled: %d arrived, want 10 more", hits.Load()-1)
		}
		s.SetChaos(Chaos{Drop: 1})
		send(4)
		if st := s.Stats(); st.Dropped != 6 || st.Duplicated != 5 || st.Delivered != 11 {
			t.Errorf("stats = %+v", st)
		}
	})
}

func TestSenderWaitHonoursContextAndCloseAbandons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		receiver := Pipe(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		defer receiver.Close()
		s := NewSender(SenderOptions{Client: receiver.Client(), Timeout: time.Hour})
		s.Send(Delivery{URL: "http://example.com", Prepare: func(Attempt) (http.Header, []byte) { return http.Header{}, nil }})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait = %v", err)
		}
		s.Close()
		s.Send(Delivery{URL: "http://example.com"})
		if st := s.Stats(); st.Failed != 1 || st.Attempts != 1 {
			t.Errorf("stats = %+v", st)
		}
	})
}

func TestClock(t *testing.T) {
	base := time.Date(2026, 11, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	c := Clock{Base: func() time.Time { return base }}
	c.SetOffset(-time.Minute)
	if got := c.Now(); !got.Equal(base.Add(-time.Minute)) || got.Location() != time.UTC {
		t.Errorf("now = %v", got)
	}
}
