package birdtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func TestPoint14ReadyMadeFaults(t *testing.T) {
	s := newServer(t, nil)
	id := person(t, s)
	for _, tt := range []struct {
		name   string
		fault  birdtest.Fault
		status int
		code   any
	}{
		{"server error", birdtest.ServerError(502), 502, "InternalServerError"},
		{"throttled", birdtest.Throttled(1500 * time.Millisecond), 429, "TooManyRequests"},
		{"no role", birdtest.WithoutRole(), 401, "Unauthorized"},
	} {
		tt.fault.Count = 1
		s.Faults().Add(tt.fault)
		status, body := call(t, s, "GET", "/contacts/"+id, nil)
		want(t, tt.name, []any{status, body["code"]}, []any{tt.status, tt.code})
		status, _ = call(t, s, "GET", "/contacts/"+id, nil)
		want(t, tt.name+" is over", status, 200)
	}
	s.Faults().Add(birdtest.Throttled(1500 * time.Millisecond))
	_, header := head(t, s, "/contacts")
	want(t, "pause", header.Get("Retry-After"), "2")
	s.Faults().Clear()
	s.Faults().Add(birdtest.Throttled(0))
	_, header = head(t, s, "/contacts")
	want(t, "no pause", header.Values("Retry-After"), []string(nil))
}

func TestPoint14TruncatedAndLostAnswers(t *testing.T) {
	s := newServer(t, nil)
	id := person(t, s)
	patch := func() (*http.Response, error) {
		body := `{"attributes":{"city":"Cali"}}`
		req, err := http.NewRequest("PATCH", s.URL+"/workspaces/"+s.WorkspaceID+"/contacts/"+id, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "AccessKey "+s.AccessKey)
		return s.Client().Do(req)
	}
	fault := birdtest.TruncatedJSON()
	fault.Count = 1
	s.Faults().Add(fault)
	res, err := patch()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	want(t, "truncated", []any{err == nil, res.StatusCode, json.Valid(data)}, []any{true, 200, false})
	c, _ := s.Contact(id)
	want(t, "no effect", c.Field("city"), nil)
	s.Faults().Add(birdtest.CutAfter())
	if res, err := patch(); err == nil {
		res.Body.Close()
		t.Error("an answer arrived")
	}
	c, _ = s.Contact(id)
	want(t, "effect", c.Field("city"), any("Cali"))
}

func TestPoint14SlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		s.Faults().Add(birdtest.Slow(40 * time.Second))
		began := time.Now()
		status, _ := call(t, s, "GET", "/contacts", nil)
		want(t, "slow", []any{status, time.Since(began)}, []any{200, 40 * time.Second})
	})
}
