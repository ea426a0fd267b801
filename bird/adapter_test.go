package bird_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var names = []string{"external_id", "msisdn", "email", "name", "property_interest", "conversation_status", "attributes.budget"}

func ref(id string) sync.Ref { return sync.Ref{System: bird.System, Kind: bird.Contact, ID: id} }

// connect returns a simulated workspace and an adapter for it, both of which
// end with the test.
func connect(t *testing.T, opts *birdtest.Options) (*birdtest.Server, *bird.Adapter) {
	t.Helper()
	s := birdtest.NewServer(opts)
	t.Cleanup(s.Close)
	return s, attach(t, s)
}

func attach(t *testing.T, s *birdtest.Server) *bird.Adapter {
	t.Helper()
	a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Fields: names,
		GETPerSecond: 1000, POSTPerSecond: 1000, Attributes: map[string]bird.AttributeType{"budget": bird.NumberAttribute}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func create(t *testing.T, s *birdtest.Server, fields map[string]any) string {
	t.Helper()
	id, err := s.Create(fields)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func apply(t *testing.T, a *bird.Adapter, w sync.Write) sync.Result {
	t.Helper()
	results, err := a.Apply(context.Background(), []sync.Write{w})
	if err != nil || len(results) != 1 {
		t.Fatal(len(results), err)
	}
	return results[0]
}

// failure checks that err is an error of the action and returns it.
func failure(t *testing.T, err error, action sync.Action) *sync.Error {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action {
		t.Fatalf("got %v, want an error of action %v", err, action)
	}
	return e
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b sync.Value) bool { return a == b })); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestReadTellsContactsAndGaps(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001", "email": "jane@example.com", "name": "Jane Doe", "budget": 1500.0})
	bob := create(t, s, map[string]any{"name": "Bob"})
	gone := "00000000-0000-4000-8000-000000000000"
	got, err := a.Read(context.Background(), bird.Contact, []string{bob, gone, jane, bob, "../x", ""})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ids", []string{got[0].ID, got[1].ID, got[2].ID, got[3].ID}, []string{bob, gone, jane, bob})
	equal(t, "deleted", []bool{got[0].Deleted, got[1].Deleted, got[2].Deleted, got[4].Deleted, got[5].Deleted}, []bool{false, true, false, true, true})
	equal(t, "fields", got[2].Fields, sync.Fields{"id": sync.Text(jane), "msisdn": sync.Text("+573000000001"),
		"email": sync.Text("jane@example.com"), "name": sync.Text("Jane Doe"), "attributes.budget": sync.Number("1500")})
	equal(t, "a doubled id is read once", s.Log().Calls(bob), 1)
	now, _ := s.Contact(jane)
	if !got[2].UpdatedAt.Equal(now.UpdatedAt) {
		t.Error("wrong UpdatedAt")
	}
	_, err = a.Read(context.Background(), "deal", []string{jane})
	failure(t, err, sync.Fatal)
}

func TestReadFindsIdentifiersThatAreNotFeatured(t *testing.T) {
	s, a := connect(t, &birdtest.Options{Featured: 1})
	id := create(t, s, map[string]any{"msisdn": "+573000000001", "email": "jane@example.com", "external_id": "901"})
	got, err := a.Read(context.Background(), bird.Contact, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"msisdn": "+573000000001", "email": "jane@example.com", "external_id": "901"} {
		equal(t, name, got[0].Fields[name].String(), want)
	}
	equal(t, "calls", s.Log().Calls("/identifiers"), 1)
}

func TestPhonesWithoutPlusAreTheSame(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"msisdn": "+573000000001"})
	s.SetPlainPhones(true)
	got, err := a.Read(context.Background(), bird.Contact, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "msisdn", got[0].Fields["msisdn"].String(), "+573000000001")
	found, err := a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "msisdn", Value: sync.Text("+573000000001")}}})
	if err != nil || len(found[0].Candidates) != 1 {
		t.Errorf("%d candidates, %v", len(found[0].Candidates), err)
	}
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Text("+573000000001")}})
	if res.Err != nil || s.WriteCount(id, "msisdn") != 0 {
		t.Errorf("a phone spelled otherwise was written again: %v", res.Err)
	}
}

func TestFailuresAreClassifiedAndReveal(t *testing.T) {
	const phone = "+573000000001"
	for _, tt := range []struct {
		fault  birdtest.Fault
		action sync.Action
	}{
		{birdtest.Fault{Status: 401, Body: `{"code":"Unauthorized"}`}, sync.Denied},
		{birdtest.Fault{Status: 403, Body: `{"code":"FORBIDDEN_INTERNAL"}`}, sync.Denied},
		{birdtest.Fault{Status: 408}, sync.Retry},
		{birdtest.Fault{Status: 418}, sync.Fatal},
		{birdtest.Fault{Status: 422, Body: `{"code":"InvalidPayload","message":"` + phone + ` is odd"}`}, sync.Invalid},
		{birdtest.Fault{Status: 500, Body: `<html>` + phone}, sync.Retry},
		{birdtest.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}}, sync.RetryAt},
		{birdtest.Fault{Status: 302, Header: http.Header{"Location": {"/x?" + phone}}}, sync.Fatal},
		{birdtest.Fault{Status: 200, Body: `{"id":`}, sync.Retry},
		{birdtest.Fault{Status: 200, Body: `[]`}, sync.Retry},
		{birdtest.Fault{Status: 200, Body: `{}`}, sync.Retry},
		{birdtest.Fault{DropBefore: true}, sync.Retry},
		{birdtest.Fault{Truncate: true}, sync.Retry},
	} {
		s, a := connect(t, nil)
		id := create(t, s, map[string]any{"name": "Jane"})
		s.Faults().Add(tt.fault)
		_, err := a.Read(context.Background(), bird.Contact, []string{id})
		e := failure(t, err, tt.action)
		if strings.Contains(err.Error(), phone) || strings.Contains(err.Error(), s.AccessKey) || e.Rule == "" {
			t.Errorf("%d: %v", tt.fault.Status, err)
		}
		res := apply(t, a, sync.Write{Ref: ref(""), Key: "msisdn", Fields: sync.Fields{"msisdn": sync.Text(phone)}})
		failure(t, res.Err, tt.action)
		if strings.Contains(res.Err.Error(), phone) {
			t.Errorf("%d: %v", tt.fault.Status, res.Err)
		}
	}
}

func TestTheVendorsErrorIsReachable(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"email": sync.Text("jane"), "name": sync.Text("J")}})
	e := failure(t, res.Err, sync.Invalid)
	equal(t, "field", e.Field, "email")
	equal(t, "rule", e.Rule, "bird.payload")
	var api *bird.APIError
	if !errors.As(res.Err, &api) || api.Status != 422 || api.Code != "InvalidPayload" || api.RequestID == "" || api.Message == "" {
		t.Errorf("got %+v", api)
	}
	equal(t, "nothing was half-applied", s.WriteCount(id, "name"), 0)
}

// TestAMissingWorkspaceIsNoMissingContact keeps a broken configuration from
// looking like records that are gone.
func TestAMissingWorkspaceIsNoMissingContact(t *testing.T) {
	s, a := connect(t, nil)
	s.Faults().Add(birdtest.Fault{Status: 404, Body: `{"code":"NotFound"}`})
	_, err := a.Changes(context.Background(), "")
	failure(t, err, sync.Fatal)
	_, err = a.Match(context.Background(), bird.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("a@example.com")}}})
	failure(t, err, sync.Fatal)
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901")}})
	failure(t, res.Err, sync.Fatal)
}

func TestCancelledCallsUseUpNoAttempt(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := a.Read(ctx, bird.Contact, []string{id})
	equal(t, "action", sync.ActionOf(err), sync.RetryAt)
}

// TestThrottledCallsWait runs in bubbles, where the seconds pass at once.
func TestThrottledCallsWait(t *testing.T) {
	for _, tt := range []struct {
		name       string
		count      int // of 429 answers
		retryAfter string
		calls      int
		passes     bool
	}{
		{"once", 1, "", 2, true},
		{"once, told when", 1, "3", 2, true},
		{"twice", 2, "1", 3, true},
		{"on and on", 0, "1", 4, false},
		{"on and on, not told when", 0, "", 4, false},
		{"too long", 0, "60", 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := birdtest.NewPipeServer(nil)
			defer s.Close()
			a := attach(t, s)
			id := create(t, s, map[string]any{"name": "Jane"})
			fault := birdtest.Fault{Status: 429, Count: tt.count, Header: http.Header{"Retry-After": {tt.retryAfter}}}
			remove := s.Faults().Add(fault)
			start := time.Now()
			_, err := a.Read(t.Context(), bird.Contact, []string{id})
			equal(t, tt.name, s.Log().Calls("/contacts"), tt.calls)
			seconds, _ := strconv.Atoi(tt.retryAfter)
			if waited := time.Since(start); waited < time.Duration(tt.calls-1)*time.Duration(seconds)*time.Second {
				t.Errorf("%s: waited %v", tt.name, waited)
			}
			if tt.passes {
				equal(t, tt.name, err, nil)
				return
			}
			e := failure(t, err, sync.RetryAt)
			if wait := time.Until(e.RetryAt); wait < 0 || wait > time.Minute || seconds > 0 && wait != time.Duration(seconds)*time.Second {
				t.Errorf("%s: asks to retry in %v", tt.name, wait)
			}
			remove()
			if _, err := a.Read(t.Context(), bird.Contact, []string{id}); err != nil || time.Now().Before(e.RetryAt) {
				t.Errorf("%s: the pause was not kept: %v", tt.name, err)
			}
		})
	}
}

// TestSharedQuota has two programs use the workspace at once, each of which
// believes that it is alone. No Read may fail for it.
func TestSharedQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		var ids []string
		for range 200 {
			ids = append(ids, create(t, s, map[string]any{"name": "Jane"}))
		}
		var g errgroup.Group
		for range 2 {
			a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client()})
			if err != nil {
				t.Fatal(err)
			}
			g.Go(func() error {
				_, err := a.Read(t.Context(), bird.Contact, ids)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if s.Log().Count(func(c birdtest.Call) bool { return c.Status == 429 }) == 0 {
			t.Error("the quota was never reached, so this proves nothing")
		}
	})
}

// TestTheLimiterKeepsTheQuota reads more than the quota of one second.
func TestTheLimiterKeepsTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client()})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for range 200 {
			ids = append(ids, create(t, s, map[string]any{"name": "Jane"}))
		}
		start := time.Now()
		if _, err := a.Read(t.Context(), bird.Contact, ids); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 4*time.Second || took > 7*time.Second {
			t.Errorf("200 reads took %v at 40 a second", took)
		}
		equal(t, "refusals", s.Log().Count(func(c birdtest.Call) bool { return c.Status == 429 }), 0)
	})
}

func TestSkewFollowsTheDateHeader(t *testing.T) {
	s, a := connect(t, nil)
	equal(t, "before any call", a.Skew(), time.Second)
	s.SetSkew(-time.Minute)
	id := create(t, s, map[string]any{"name": "Jane"})
	if _, err := a.Read(context.Background(), bird.Contact, []string{id}); err != nil {
		t.Fatal(err)
	}
	if got := a.Skew(); got < 59*time.Second || got > 75*time.Second {
		t.Errorf("skew %v for a clock one minute behind", got)
	}
}
