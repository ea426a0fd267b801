package birdtest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func TestPoint02Paging(t *testing.T) {
	s := newServer(t, &birdtest.Options{GETPerSecond: -1})
	var ids []string
	for i := range 25 {
		id, err := s.Create(object{"name": fmt.Sprint("Person ", i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	for _, tt := range []struct {
		query string
		pages []int
		ids   []string
	}{
		{"", []int{10, 10, 5}, newest},
		{"limit=25", []int{25}, newest},
		{"limit=12&reverse=true", []int{12, 12, 1}, ids},
		{"limit=1", slices.Repeat([]int{1}, 25), newest},
	} {
		var pages []int
		var got []string
		for token := ""; ; {
			status, body := call(t, s, "GET", "/contacts?"+tt.query+"&pageToken="+url.QueryEscape(token), nil)
			want(t, "status", status, 200)
			results := body["results"].([]any)
			pages = append(pages, len(results))
			for _, c := range results {
				got = append(got, c.(object)["id"].(string))
			}
			next, more := body["nextPageToken"].(string)
			if !more {
				break
			}
			token = next
			data, err := base64.StdEncoding.DecodeString(token)
			if err != nil || !json.Valid(data) {
				t.Fatalf("token %q", token)
			}
		}
		want(t, tt.query, pages, tt.pages)
		want(t, tt.query, got, tt.ids)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "pageToken=x", "pageToken=e30="} {
		status, _ := call(t, s, "GET", "/contacts?"+query, nil)
		want(t, query, status, 422)
	}
}

// TestPoint11RateLimits runs in a bubble, where time stands still between calls.
func TestPoint11RateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(&birdtest.Options{})
		defer s.Close()
		get := func() int { status, _ := call(t, s, "GET", "/contacts", nil); return status }
		post := func() int {
			status, _ := call(t, s, "POST", "/contacts/search", object{"identifier": ident("k", "v")})
			return status
		}
		for range 50 {
			want(t, "GET", get(), 200)
		}
		for range 500 {
			want(t, "POST", post(), 200)
		}
		want(t, "over the limits", []int{get(), post()}, []int{429, 429})
		time.Sleep(time.Second)
		want(t, "a second later", []int{get(), post()}, []int{200, 200})
	})
}

func TestOutageLogAndClock(t *testing.T) {
	s := newServer(t, nil)
	s.Down(true)
	status, _ := call(t, s, "GET", "/contacts", nil)
	want(t, "down", status, 503)
	s.Down(false)
	s.SetSkew(time.Hour)
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Contact(id)
	if ahead := time.Until(c.CreatedAt); ahead < 59*time.Minute || ahead > 61*time.Minute {
		t.Errorf("created %v ahead", ahead)
	}
	want(t, "calls", []int{s.Log().Calls("/contacts"), s.Log().Calls("/none")}, []int{1, 0})
}

// TestTheSeedDecides makes two workspaces alike.
func TestTheSeedDecides(t *testing.T) {
	id := func(seed uint64) string {
		s := newServer(t, &birdtest.Options{Seed: seed})
		id, err := s.Create(object{"name": "Jane"})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	want(t, "same seed", id(7), id(7))
	if id(7) == id(8) {
		t.Error("two seeds give one id")
	}
}

func TestAdminRefusals(t *testing.T) {
	s := newServer(t, nil)
	id, err := s.Create(object{"email": "jane@example.com", "msisdn": "+573000000001"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Create(object{"name": "Bob"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(object{"email": "jane@example.com"}); err == nil {
		t.Error("a taken e-mail was given again")
	}
	if s.Edit(other, object{"msisdn": "+573000000001"}) == nil || s.Edit("none", nil) == nil || s.Delete("none") == nil {
		t.Error("an impossible edit succeeds")
	}
	if err := s.Edit(id, object{"email": nil, "msisdn": "+573000000002", "name": "Jane"}); err != nil {
		t.Fatal(err)
	}
	c, _ := s.Contact(id)
	want(t, "edited", []any{c.Field("email"), c.Field("msisdn"), c.Field("name"), c.Field("id"), len(c.Identifiers)},
		[]any{nil, "+573000000002", "Jane", id, 1})
	want(t, "edits are not API writes", s.WriteCount(id, "msisdn"), 0)
}
