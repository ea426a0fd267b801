package main

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/internal/simhttp"
	"github.com/urbanhub/crmsync/sync"
)

// After the whole story of the preset, between both simulators, a second sync
// makes no write: a look at every contact, conversation and deal from either
// side, sweeps and a verification only read, and no record is as it was not.
func TestSecondSyncOfThePresetMakesNoWrite(t *testing.T) {
	s, err := begin(t.Context(), 20, 5, io.Discard)
	defer s.close()
	if err == nil {
		err = s.play(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	before := s.everything()
	s.bird.Log().Reset()
	s.hubspot.Log().Reset()
	var looks []sync.Item
	look := func(system sync.System, kind sync.Kind, id string) {
		looks = append(looks, sync.Change{ID: "second:" + string(kind) + id + string(system), Reason: sync.ReasonManual, Ref: sync.Ref{System: system, Kind: kind, ID: id}})
	}
	for _, id := range s.ids {
		look(bird.System, bird.Contact, id)
	}
	for _, l := range s.leads {
		look(bird.System, bird.ConversationKind, l.talk)
	}
	for id := range s.hubspot.Contacts() {
		look(hubspot.System, hubspot.Contact, id)
	}
	for id := range s.hubspot.Objects("deals") {
		look(hubspot.System, hubspot.Deal, id)
	}
	if err := s.engine.Enqueue(t.Context(), looks...); err != nil {
		t.Fatal(err)
	}
	for _, system := range []sync.System{bird.System, hubspot.System} {
		if _, err := s.engine.Sweep(t.Context(), system); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, s.everything(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("a second sync changed something (-before +after):\n%s", diff)
	}
	if n := s.bird.Log().Count(writes) + s.hubspot.Log().Count(writes); n > 0 {
		t.Errorf("a second sync made %d writes", n)
	}
	if n := s.bird.Log().Calls("") + s.hubspot.Log().Calls(""); n < 10 {
		t.Errorf("%d calls are no second look at %d records", n, len(looks))
	}
}

// writes reports whether a call may change records; searches and batches of
// reads are asked for by POST as well.
func writes(c simhttp.Call) bool {
	reads := strings.HasSuffix(c.Path, "/search") || strings.HasSuffix(c.Path, "/read") || strings.Contains(c.Path, "/oauth/")
	return c.Method != http.MethodGet && !reads
}

// everything is what HubSpot holds, and what there is of Bird's contacts and
// conversations.
func (s *story) everything() map[string]any {
	all := map[string]any{"contacts": s.hubspot.Contacts()}
	for _, kind := range []string{"deals", "notes", "tasks", "meetings"} {
		all[kind] = s.hubspot.Objects(kind)
	}
	for _, id := range s.ids {
		c, _ := s.bird.Contact(id)
		all["bird "+id] = c
	}
	for _, l := range s.leads {
		c, _ := s.bird.Conversation(l.talk)
		all["talk "+l.talk] = c
	}
	return all
}
