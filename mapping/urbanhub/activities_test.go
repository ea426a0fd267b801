package urbanhub_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

var update = flag.Bool("update", false, "write the golden files anew")

// nasty is what a stranger may write.
const nasty = "Hola <script>alert(1)</script> & \"quotes\" {{.Data}}\r\n<img src=x onerror=alert(2)>\n👩‍👩‍👧 cr\u0000\u001bédito"

// talk makes a fact about the contact b1.
func talk(kind string, data map[string]any) sync.Fact {
	data["conversation_id"] = "c1"
	return sync.Fact{ID: "bird:" + kind + ":1", Type: kind, Subject: sync.Ref{System: urbanhub.Bird, Kind: urbanhub.Contact, ID: "b1"},
		OccurredAt: time.Date(2026, 1, 20, 13, 4, 5, 678e6, time.UTC), Data: data}
}

var told = map[string]sync.Fact{
	"conversation.started": talk("conversation.started", map[string]any{"conversation_status": "active", "platform": "whatsapp", "name": "Ana <Pérez>"}),
	"message.received": talk("message.received", map[string]any{"platform": "whatsapp", "text": nasty, "direction": "inbound",
		"message_id": "m1", "sender_type": "contact"}),
	"qualification.completed": talk("qualification.completed", map[string]any{"score": 85.0, "budget": "2500000", "move_in": "March", "property_interest": "north"}),
	"tour.scheduled": talk("tour.scheduled", map[string]any{"starts_at": "2026-01-25T15:00:00Z", "ends_at": "2026-01-25T15:30:00Z",
		"property": "Josefa \"402\" & more"}),
	"escalation.triggered": talk("escalation.triggered", map[string]any{"reason": "asks for <b>a person</b>", "team": "leasing"}),
	"lease.signed":         talk("lease.signed", map[string]any{"property_interest": "north", "ai_agent_type": "leasing"}),
}

// rendered are the fields of every activity of a fact, by the activity's name.
func rendered(t *testing.T, o urbanhub.Options, f sync.Fact) map[string]sync.Fields {
	t.Helper()
	out := map[string]sync.Fields{}
	for _, a := range compiled(t, o).Activities {
		if a.Fact != f.Type || a.When != nil && !a.When(f) {
			continue
		}
		got, err := a.Render(f)
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		out[a.Name] = got
	}
	return out
}

func TestRenderedActivities(t *testing.T) {
	bogota := urbanhub.Options{Zone: "America/Bogota", Owner: "41629779"}
	for name, f := range told {
		golden(t, name, rendered(t, bogota, f))
	}
	logged := bogota
	logged.Communications = true
	golden(t, "message.received-as-communication", rendered(t, logged, told["message.received"]))
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got map[string]sync.Fields) {
	t.Helper()
	var b strings.Builder
	for _, activity := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&b, "%s\n", activity)
		for _, field := range slices.Sorted(maps.Keys(got[activity])) {
			fmt.Fprintf(&b, "  %s: %s\n", field, strings.ReplaceAll(got[activity][field].String(), "\n", "\n    "))
		}
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestNoMessageAddsMarkup(t *testing.T) {
	for _, communications := range []bool{false, true} {
		for name, got := range rendered(t, urbanhub.Options{Communications: communications}, told["message.received"]) {
			body := got["hs_note_body"].String() + got["hs_communication_body"].String()
			if !strings.Contains(body, "&lt;script&gt;") || strings.Contains(body, "<script") || strings.Contains(body, "<img") ||
				strings.ContainsAny(body, "\x00\x1b\r") || !strings.Contains(body, "{{.Data}}") || !strings.Contains(body, "👩‍👩‍👧 crédito") {
				t.Errorf("%s: %s", name, body)
			}
		}
	}
}

func TestLongMessagesAreCutVisibly(t *testing.T) {
	for name, text := range map[string]string{
		"letters": strings.Repeat("a", 100_000), "markup": strings.Repeat("<", 100_000), "families": strings.Repeat("👩‍👩‍👧", 100_000/8),
		"lines": strings.Repeat("\n", 100_000), "accents": strings.Repeat("e\u0301", 50_000),
	} {
		f := talk("message.received", map[string]any{"text": text, "platform": "sms"})
		body := rendered(t, urbanhub.Options{}, f)["urbanhub-message.received"]["hs_note_body"].String()
		n := len(utf16.Encode([]rune(body)))
		if n > 65_536 || n < 65_000 || strings.Count(body, " … [cut]") != 1 || !strings.HasSuffix(body, "</p>") {
			t.Errorf("%s: %d characters, end %q", name, n, body[len(body)-40:])
		}
		cut, _, _ := strings.Cut(body, " … [cut]")
		if name == "families" && !strings.HasSuffix(cut, "👩‍👩‍👧") || name == "accents" && !strings.HasSuffix(cut, "e\u0301") {
			t.Errorf("%s: a character is cut: %q", name, cut[len(cut)-20:])
		}
	}
}

// What a fact lacks is an error that names the field and nothing else.
func TestTourWithoutATimeIsRefused(t *testing.T) {
	for _, when := range []any{nil, "", "tomorrow at <ten>"} {
		f := talk("tour.scheduled", map[string]any{"starts_at": when})
		refused := 0
		for _, a := range compiled(t, urbanhub.Options{}).Activities {
			if a.Fact != f.Type || a.Kind != urbanhub.Meeting {
				continue
			}
			_, err := a.Render(f)
			var e *sync.Error
			if !errors.As(err, &e) || e.Action != sync.Invalid || e.Field != "hs_timestamp" || strings.Contains(err.Error(), "tomorrow") {
				t.Errorf("error %v", err)
			}
			refused++
		}
		if refused != 1 {
			t.Errorf("%d meetings", refused)
		}
	}
}

func TestStatesAreForFactsOfConversationsOnly(t *testing.T) {
	f := told["lease.signed"]
	f.Data = map[string]any{}
	if got := rendered(t, urbanhub.Options{}, f); len(got) != 0 {
		t.Errorf("without a conversation: %v", got)
	}
	f = talk("qualification.completed", map[string]any{"qualified": false})
	if got := rendered(t, urbanhub.Options{}, f)["urbanhub-state-qualification.completed"]["attributes.ai_stage"].String(); got != "unqualified" {
		t.Errorf("a lead that does not qualify becomes %q", got)
	}
}

func TestActivitiesOfAHost(t *testing.T) {
	o := urbanhub.Options{Bodies: map[string]string{"message.received": "<p>{{upper .Data.text}}</p>"}, CustomEvent: "pe33_ai_status",
		UniqueActivities: map[sync.Kind]bool{urbanhub.Note: true}}
	f := talk("message.received", map[string]any{"text": "hi <b>"})
	if got := rendered(t, o, f)["urbanhub-message.received"]["hs_note_body"].String(); !strings.HasSuffix(got, "<p>HI &lt;B&gt;</p>") {
		t.Errorf("body %q", got)
	}
	status := talk(urbanhub.AIStatusChanged, map[string]any{"from": "new", "to": "qualified"})
	got := rendered(t, o, status)
	if e := got["urbanhub-custom-event"]; e["eventName"].String() != "pe33_ai_status" || e["to_status"].String() != "qualified" {
		t.Errorf("event %v", e)
	}
	other := status
	other.ID = "another"
	again, moved := rendered(t, o, status), rendered(t, o, other)
	const workflow, property = "urbanhub-workflow", "bird_workflow_trigger"
	if v := got[workflow][property]; v.Blank() || again[workflow][property] != v || moved[workflow][property] == v {
		t.Errorf("the workflow's property is %v, then %v, for another fact %v", v, again[workflow][property], moved[workflow][property])
	}
	delete(status.Data, "from")
	if got := rendered(t, o, status); len(got) != 0 {
		t.Errorf("a first status starts %v", got)
	}
	for _, a := range compiled(t, o).Activities {
		if unique := a.Kind == urbanhub.Note || a.Kind == "event"; a.Unique != unique {
			t.Errorf("%s is unique: %v", a.Name, a.Unique)
		}
	}
	if _, err := urbanhub.Set(urbanhub.Options{Bodies: map[string]string{"tour.scheduled": "<p>{{.Nope}}</p>"}}).Compile(); err == nil ||
		!strings.Contains(err.Error(), "urbanhub-tour.scheduled.hs_meeting_body") {
		t.Errorf("error %v", err)
	}
}

// Facts come out of a queue as JSON.
func TestFactsSurviveTheQueue(t *testing.T) {
	for name, f := range told {
		data, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var back sync.Fact
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rendered(t, urbanhub.Options{}, f), rendered(t, urbanhub.Options{}, back), sameValue); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
