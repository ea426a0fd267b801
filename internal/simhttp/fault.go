package simhttp

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault says which requests go wrong and how. The conditions are all optional and must all hold. Effects combine: a delay
// comes first, then one of the others.
//
// Go's HTTP client repeats a GET by itself when a kept-alive connection is cut, so a fault that cuts connections wants a
// Count above 1 for reads.
type Fault struct {
	// Method is the HTTP method; "" means any.
	Method string
	// Path is a part of the request's path, such as "/batch/update"; "" means any.
	Path string
	// Match is a further condition. It must not read the body.
	Match func(*http.Request) bool
	// Count is the number of requests it strikes before it is spent; 0 means no limit.
	Count int
	// Probability is the chance to strike a matching request; 0 means always.
	Probability float64
	// Until is the time, by the simulator's clock, from which it no longer strikes; zero means for ever.
	Until time.Time

	// Delay holds the request back before anything else happens.
	Delay time.Duration
	// Status answers with this status, Header and Body instead of handling the request; 0 handles it.
	Status int
	Header http.Header
	Body   string
	// DropBefore cuts the connection and nothing is handled.
	DropBefore bool
	// DropAfter handles the request, so that its effect stays, and cuts the connection without an answer.
	DropAfter bool
	// Truncate handles the request and cuts the connection in the middle of the answer's body.
	Truncate bool
}

// Faults is the plan of what goes wrong. The first fault that strikes a request decides.
type Faults struct {
	clock *Clock
	mu    sync.Mutex
	rand  *rand.Rand
	plan  []*Fault
}

// NewFaults returns an empty plan. The seed decides the outcome of every Probability.
func NewFaults(clock *Clock, seed uint64) *Faults {
	return &Faults{clock: clock, rand: rand.New(rand.NewPCG(seed, 1))}
}

// Add appends a fault to the plan and returns a function that takes it out again.
func (f *Faults) Add(fault Fault) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entry := &fault
	f.plan = append(f.plan, entry)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.plan = slices.DeleteFunc(f.plan, func(x *Fault) bool { return x == entry })
	}
}

// Clear empties the plan.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = nil
}

// Wrap returns a handler that hands requests to next unless the plan says otherwise.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault, struck := f.strike(r)
		if !struck {
			next.ServeHTTP(w, r)
			return
		}
		if !sleep(r, fault.Delay) || fault.DropBefore {
			panic(http.ErrAbortHandler)
		}
		fault.serve(w, r, next)
	})
}

// strike finds the first fault for the request and uses up one of its strikes.
func (f *Faults) strike(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	for i, x := range f.plan {
		if !x.matches(r, now) || x.Probability > 0 && f.rand.Float64() >= x.Probability {
			continue
		}
		hit := *x
		if x.Count == 1 {
			f.plan = slices.Delete(f.plan, i, i+1)
		} else if x.Count > 1 {
			x.Count--
		}
		return hit, true
	}
	return Fault{}, false
}

func (x *Fault) matches(r *http.Request, now time.Time) bool {
	return (x.Method == "" || x.Method == r.Method) &&
		strings.Contains(r.URL.Path, x.Path) &&
		(x.Until.IsZero() || now.Before(x.Until)) &&
		(x.Match == nil || x.Match(r))
}

func (x *Fault) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	switch {
	case x.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		maps.Copy(w.Header(), x.Header)
		w.WriteHeader(x.Status)
		_, _ = io.WriteString(w, x.Body)
	case x.DropAfter:
		next.ServeHTTP(newReply(), r)
		panic(http.ErrAbortHandler)
	case x.Truncate:
		reply := newReply()
		next.ServeHTTP(reply, r)
		reply.sendHalf(w)
		panic(http.ErrAbortHandler)
	default:
		next.ServeHTTP(w, r)
	}
}

// sleep waits and reports whether the client is still there.
func sleep(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reply keeps an answer that must not reach the client whole.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newReply() *reply { return &reply{header: http.Header{}, status: http.StatusOK} }

func (r *reply) Header() http.Header         { return r.header }
func (r *reply) WriteHeader(status int)      { r.status = status }
func (r *reply) Write(p []byte) (int, error) { return r.body.Write(p) }

// sendHalf promises the whole body and sends half of it.
func (r *reply) sendHalf(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Length", strconv.Itoa(max(r.body.Len(), 1)))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()[:r.body.Len()/2])
	_ = http.NewResponseController(w).Flush()
}
