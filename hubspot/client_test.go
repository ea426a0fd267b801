package hubspot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/breaker"
	"github.com/urbanhub/crmsync/sync"
)

func TestSkewIsMeasuredFromTheDateHeader(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		_, _ = w.Write([]byte(`{"results":[{"id":"1"}]}`))
	})
	if d := a.Skew(); d != time.Second {
		t.Errorf("before any answer: %v", d)
	}
	if _, err := a.Read(t.Context(), Contact, []string{"1"}); err != nil {
		t.Fatal(err)
	}
	if d := a.Skew(); d < time.Hour || d > time.Hour+time.Minute {
		t.Errorf("got %v for an hour", d)
	}
}

// A search that an open circuit holds back uses up none of the searches' quota.
func TestACallThatIsHeldBackUsesNoQuota(t *testing.T) {
	a := scripted(t, func(http.ResponseWriter, *http.Request, []byte) { t.Error("called") })
	a.client.breaker = breaker.New(breaker.Config{Faults: 1, Row: time.Nanosecond, Pause: time.Hour})
	leave, err := a.client.breaker.Enter(t.Context(), family(opSearch))
	if err != nil || leave(t.Context(), errors.New("down")) == nil {
		t.Fatalf("the circuit is not open: %v", err)
	}
	_, err = a.client.attempt(t.Context(), opSearch, target{object: "contacts"}, nil, nil)
	if e := asError(err); e == nil || e.Rule != sync.RuleBreakerOpen {
		t.Errorf("got %v", err)
	}
	if u := a.client.quota.window(opSearch).Usage(); u.Used != 0 {
		t.Errorf("%d of %d searches used", u.Used, u.Limit)
	}
}

// A probe in which the host's own code panics leaves the circuit to the next.
func TestAPanicInAProbeLeavesNothingBehind(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) { _, _ = w.Write([]byte(`{}`)) })
	told := 0
	a.client.told = func(sync.Call) {
		if told++; told == 1 {
			panic("of the host")
		}
	}
	a.client.breaker = breaker.New(breaker.Config{Faults: 1, Row: time.Nanosecond, Doubt: time.Millisecond, Pause: time.Millisecond})
	leave, err := a.client.breaker.Enter(t.Context(), family(opRead))
	if err != nil || leave(t.Context(), errors.New("down")) == nil {
		t.Fatalf("the circuit is not open: %v", err)
	}
	time.Sleep(2 * time.Millisecond)
	probe := func() (panicked any, err error) {
		defer func() { panicked = recover() }()
		_, err = a.client.attempt(t.Context(), opRead, target{object: "contacts"}, nil, nil)
		return nil, err
	}
	if panicked, err := probe(); panicked == nil {
		t.Fatalf("no panic but %v", err)
	}
	if panicked, err := probe(); panicked != nil || err != nil || len(a.client.breaker.Open()) > 0 {
		t.Errorf("the next probe: %v, %v; open: %v", panicked, err, a.client.breaker.Open())
	}
}

// HubSpot puts no order into its answers, may leave the trace out, and may
// blame nobody by name.
func TestAnswersAreMatchedWithoutOrder(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		var req batchWrite
		if err := json.Unmarshal(body, &req); err != nil {
			t.Error(err)
		}
		var reply batchReply
		for i := len(req.Inputs) - 1; i >= 0; i-- {
			in := req.Inputs[i]
			id := in.ID
			if in.IDProperty != "" {
				id = "9" + strings.TrimPrefix(in.ID, "k")
			}
			reply.Results = append(reply.Results, object{ID: id,
				Properties: map[string]sync.Value{"k": sync.Text(strings.ToUpper(in.Properties["k"]))}})
		}
		_ = json.NewEncoder(w).Encode(reply)
	})
	res, err := a.Apply(t.Context(), []sync.Write{update("1", nil), update("2", nil),
		upsert("k", "k3", nil), upsert("k", "k4", nil)})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"1", "2", "93", "94"} {
		if res[i].Err != nil || res[i].Record.ID != want {
			t.Errorf("write %d: %+v, want %s", i, res[i], want)
		}
	}
}

// An error that names nobody is found by halving; what an answer passes over
// without a word is not taken for done.
func TestUnnamedErrorsAndSilence(t *testing.T) {
	calls := 0
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		calls++
		var req batchWrite
		_ = json.Unmarshal(body, &req)
		var out []string
		problem := ""
		for _, in := range req.Inputs {
			switch in.ID {
			case "13":
				problem = `"errors":[{"status":"error","category":"VALIDATION_ERROR","message":"bad"}],`
			case "14":
			default:
				out = append(out, `{"id":"`+in.ID+`"}`)
			}
		}
		if problem != "" && len(req.Inputs) > 1 {
			out = nil
		}
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = w.Write([]byte(`{` + problem + `"results":[` + strings.Join(out, ",") + `]}`))
	})
	res, err := a.Apply(t.Context(), []sync.Write{update("11", nil), update("12", nil), update("13", nil), update("14", nil), update("15", nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := []sync.Action{0, 0, sync.Invalid, sync.Conflict, 0}
	for i, r := range res {
		if (r.Err == nil) != (want[i] == 0) || r.Err != nil && sync.ActionOf(r.Err) != want[i] {
			t.Errorf("write %d: %v, want %v", i, r.Err, want[i])
		}
	}
	if calls > 9 {
		t.Errorf("%d calls", calls)
	}
}

func TestAProxysPageIsTolerated(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(524)
		_, _ = w.Write([]byte("<!DOCTYPE html><title>a timeout occurred</title>"))
	})
	_, err := a.Read(t.Context(), Contact, []string{"1"})
	if sync.ActionOf(err) != sync.Retry {
		t.Fatalf("got %v", err)
	}
}

func TestTheTokenIsSentAndNeverTold(t *testing.T) {
	var got string
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		got = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusUnauthorized)
	})
	_, err := a.Read(t.Context(), Contact, []string{"1"})
	if got != "Bearer test-token" || err == nil || strings.Contains(err.Error(), "test-token") {
		t.Fatalf("sent %q, told %v", got, err)
	}
}

func TestCloseRefusesFurtherCalls(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {})
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Read(t.Context(), Contact, []string{"1"}); err == nil {
		t.Fatal("a closed adapter read")
	}
}

// Faults in a row hold the calls back longer each time; a sensible answer, be
// it a refusal, ends the row.
func TestFaltering(t *testing.T) {
	status := http.StatusBadGateway
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{}`))
	})
	read := func(want sync.Action) {
		t.Helper()
		if _, err := a.Read(t.Context(), Contact, []string{"1"}); sync.ActionOf(err) != want {
			t.Fatalf("got %v, want %v", err, want)
		}
	}
	read(sync.Retry)
	read(sync.Retry)
	if n := a.client.quota.faults.Load(); n != 2 {
		t.Errorf("%d faults in a row, want 2", n)
	}
	status = http.StatusForbidden
	read(sync.Denied)
	if n := a.client.quota.faults.Load(); n != 0 {
		t.Errorf("%d faults in a row after an answer", n)
	}
}

// What one call has written stays written when the next cannot be made.
func TestABatchThatCannotBeMadeSpoilsNoOther(t *testing.T) {
	made := 0
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, body []byte) {
		var req batchWrite
		_ = json.Unmarshal(body, &req)
		var reply batchReply
		for _, in := range req.Inputs {
			made++
			reply.Results = append(reply.Results, object{ID: fmt.Sprint(made), TraceID: in.TraceID})
		}
		w.Header().Set("X-HubSpot-RateLimit-Daily", "1000")
		w.Header().Set("X-HubSpot-RateLimit-Daily-Remaining", "0")
		_ = json.NewEncoder(w).Encode(reply)
	})
	a, err := New(Static("test-token"), &Options{BaseURL: a.opts.BaseURL, Linger: time.Millisecond, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC() // which is noon in the account: no new day begins between two calls
	a.client.quota.day.locate(time.FixedZone("noon", 12*60*60-int(now.Sub(now.Truncate(24*time.Hour)).Seconds())))
	writes := make([]sync.Write, 3*maxBatch)
	for i := range writes {
		writes[i] = newNote()
	}
	res, err := a.Apply(t.Context(), writes)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for i, r := range res {
		switch {
		case r.Err == nil && r.Record.ID != "":
			told++
		case sync.ActionOf(r.Err) != sync.RetryAt || !errors.Is(r.Err, errDaySpared):
			t.Fatalf("write %d: %+v", i, r)
		}
	}
	if made == 0 || told != made || made == len(writes) {
		t.Errorf("%d records made, %d told", made, told)
	}
}
