package bird_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// watched is a workspace that is watched, with what was told of it.
type watched struct {
	workspace
	told []bird.Finding
}

// hours lets time pass, and then some for the check.
func (w *watched) hours(n int) {
	time.Sleep(time.Duration(n)*time.Hour + time.Minute)
	synctest.Wait()
}

// wants compares what is degraded of contacts.
func (w *watched) wants(when string, want map[string]string) {
	w.Helper()
	got := w.a.Degraded(bird.Contact)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s: %s", when, diff)
	}
}

// rules are what was told since the last time, rules by names.
func (w *watched) rules() map[string]string {
	all := map[string]string{}
	for _, f := range w.told {
		all[f.Name] = f.Rule
	}
	w.told = nil
	return all
}

// inWatched runs a test against a workspace that was set up and is watched.
func inWatched(t *testing.T, need bird.Schema, test func(t *testing.T, w *watched)) {
	inWorkspace(t, func(t *testing.T, ws workspace) {
		if _, err := ws.setup(need, bird.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		ws.sim.Log().Reset()
		w := &watched{workspace: ws}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		need.Endpoint.SigningKey = "" // nothing is signed here
		go func() {
			ended <- ws.a.Watch(ctx, need, bird.WatchOptions{OnChange: func(f bird.Finding) { w.told = append(w.told, f) }})
		}()
		synctest.Wait()
		w.wants("at first", nil)
		test(t, w)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWatchMarksAndClears(t *testing.T) {
	need := urban(t)
	need.Channels = []string{birdtest.DefaultChannel}
	need.Attributes = append(need.Attributes, bird.AttributeDefinition{Key: "mood"}, bird.AttributeDefinition{Key: "budget"})
	inWatched(t, need, func(t *testing.T, w *watched) {
		w.sim.ArchiveAttribute("property_interest", true)
		w.sim.ArchiveAttribute("mood", true)
		w.sim.ArchiveAttribute("budget", true)
		w.sim.ArchiveAttribute("displayName", true)
		inbound := w.subscriptions("whatsapp.inbound")[0]["id"].(string)
		w.as("PATCH", "/webhook-subscriptions/"+inbound, map[string]any{"status": "inactive"})
		w.as("DELETE", "/webhook-subscriptions/"+w.subscriptions("conversation.deleted")[0]["id"].(string), nil)
		w.sim.SetConversational(birdtest.DefaultChannel, false)
		w.wants("before the check", nil)
		w.hours(1)
		bad := map[string]string{"property_interest": "attribute.active", "mood": "attribute.active", "attributes.budget": "attribute.active", "name": "attribute.active"}
		w.wants("after an hour", bad)
		if diff := cmp.Diff(map[string]string{"property_interest": "attribute.active", "mood": "attribute.active", "budget": "attribute.active",
			"displayName": "attribute.active", "whatsapp.inbound": "webhook.active", "conversation.deleted": "webhook.exists",
			birdtest.DefaultChannel: "channel.conversational"}, w.rules()); diff != "" {
			t.Error(diff)
		}
		if d := w.a.Degraded("deal"); d != nil {
			t.Errorf("of another kind: %v", d)
		}
		w.hours(3)
		equal(t, "told again", len(w.told), 0)

		w.sim.ArchiveAttribute("property_interest", false)
		w.sim.ArchiveAttribute("displayName", false)
		w.as("PATCH", "/webhook-subscriptions/"+inbound, map[string]any{"status": "active"})
		w.hours(1)
		w.wants("after the mending", map[string]string{"mood": "attribute.active", "attributes.budget": "attribute.active"})
		if diff := cmp.Diff(map[string]string{"property_interest": "", "displayName": "", "whatsapp.inbound": ""}, w.rules()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestWatchTellsOfAChangedDefinition changes what Bird answers, because its
// API cannot change a definition.
func TestWatchTellsOfAChangedDefinition(t *testing.T) {
	need := bird.Schema{Attributes: []bird.AttributeDefinition{{Key: "property_interest", PII: true}}}
	inWatched(t, need, func(t *testing.T, w *watched) {
		for _, tt := range []struct{ answer, rule string }{
			{`{"key":"property_interest","type":"number","cardinality":"one","pii":true}`, "attribute.type"},
			{`{"key":"property_interest","type":"string","cardinality":"many","pii":true}`, "attribute.cardinality"},
			{`{"key":"property_interest","type":"string","cardinality":"one","pii":true,"readOnly":true}`, "attribute.writable"},
			{`{"key":"other"}`, "attribute.exists"},
			{`{"key":"property_interest","type":"string","cardinality":"one"}`, ""}, // no personal data: it syncs all the same
		} {
			remove := w.sim.Faults().Add(birdtest.Fault{Status: 200, Body: `{"results":[` + tt.answer + `]}`})
			w.hours(1)
			want := map[string]string{"property_interest": tt.rule}
			if tt.rule == "" {
				want = nil
			}
			w.wants(tt.answer, want)
			remove()
		}
	})
}

func TestWatchOnlyReads(t *testing.T) {
	inWatched(t, urban(t), func(t *testing.T, w *watched) {
		w.hours(2)
		if n := w.sim.Log().Count(func(c birdtest.Call) bool { return c.Method != "GET" }); n != 0 || w.sim.Log().Calls("") == 0 {
			t.Errorf("%d of %d calls were writes", n, w.sim.Log().Calls(""))
		}
	})
}

func TestWatchLearnsNothingFromAFailedCheck(t *testing.T) {
	inWatched(t, urban(t), func(t *testing.T, w *watched) {
		w.sim.ArchiveAttribute("property_interest", true)
		w.hours(1)
		bad := map[string]string{"property_interest": "attribute.active"}
		w.wants("archived", bad)
		w.rules()
		w.sim.ArchiveAttribute("property_interest", false)
		w.sim.Down(true)
		w.hours(2)
		w.wants("while Bird is down", bad)
		equal(t, "told of an outage", len(w.told), 0)
		w.sim.Down(false)
		w.hours(1)
		w.wants("when Bird is back", nil)
		equal(t, "told", w.rules(), map[string]string{"property_interest": ""})
	})
}

func TestWatchRefusesAnInvalidSchema(t *testing.T) {
	inWorkspace(t, func(t *testing.T, w workspace) {
		need := oneWebhook("conversation.created")
		need.Endpoint.URL = "http://localhost:8080/bird"
		if err := w.a.Watch(t.Context(), need, bird.WatchOptions{}); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("watched nonsense: %v", err)
		}
	})
}
