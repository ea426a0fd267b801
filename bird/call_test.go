package bird_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

func TestCallsAndQuotasAreTold(t *testing.T) {
	var told []sync.Call
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		note := func(c sync.Call) { c.Duration = 0; told = append(told, c) } // one call after the other
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), OnCall: note})
		if err != nil {
			t.Fatal(err)
		}
		id := s.Fill(1)
		if _, err := a.Read(t.Context(), bird.Contact, id); err != nil {
			t.Fatal(err)
		}
		want := []sync.Quota{{System: bird.System, Name: "reads", Used: 1, Limit: 40}, {System: bird.System, Name: "writes", Limit: 450}}
		if diff := cmp.Diff(want, a.Quotas()); diff != "" {
			t.Error(diff)
		}
		s.Faults().Add(birdtest.Fault{Status: 503, Count: 1})
		if _, err := a.Read(t.Context(), bird.Contact, id); err == nil {
			t.Error("an answer 503 is no error")
		}
	})
	want := []sync.Call{{System: bird.System, Operation: "get contact", Status: 200}, {System: bird.System, Operation: "get contact", Status: 503}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}
