package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// Everything is only taken back by who says so.
func TestUndoWantsALimit(t *testing.T) {
	r := newRig(t, "")
	r.must(exitDone, "migrate")
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"nothing limits it":              {[]string{"--yes"}, exitUsage},
		"only told":                      {nil, exitDone},
		"everything":                     {[]string{"--yes", "--everything"}, exitDone},
		"everything, and not everything": {[]string{"--yes", "--everything", "--since", "1h"}, exitUsage},
		"a record":                       {[]string{"--yes", "--record", "hubspot:contact:512"}, exitDone},
		"a field":                        {[]string{"--yes", "--field", "phone"}, exitDone},
		"a run":                          {[]string{"--yes", "--run", "may"}, exitDone},
		"since":                          {[]string{"--yes", "--since", "2h"}, exitDone},
		"until":                          {[]string{"--yes", "--until", "2026-05-01T12:00:00Z"}, exitDone},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.must(c.want, append([]string{"undo", "contacts"}, c.args...)...)
		})
	}
	r.t = t
	r.must(exitDone, "undo", "contacts", "--reveal", "--field", "email")
	for _, note := range []string{"undo: everything", "undo: field phone", "undo: run may", "undo: since 20", "undo: until 2026-05-01T12:00:00Z", "undo: a record", "reveal: an undo: field email"} {
		if !r.noted("crmsyncd: ana: " + note) {
			t.Errorf("the audit has no %q", note)
		}
	}
	if r.noted("crmsyncd: ana: undo: field email") {
		t.Error("the audit says that something was undone, which was only shown")
	}
}

// An undo that breaks off tells what it came to before.
func TestUndoTellsWhatItDidBeforeItFailed(t *testing.T) {
	r := newRig(t, "engine: {sweep_interval: 1h}\n")
	r.must(exitDone, "setup", "--yes")
	stop := r.serve()
	var ids []string
	for _, email := range []string{"ana@example.com", "leo@example.com"} {
		id, err := r.bird.Create(map[string]any{"name": "Somebody New", "email": email})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		r.eventually("the contact is in HubSpot", func() bool { return r.mate(email) != "" })
		r.hubspot.Edit(r.mate(email), map[string]string{"property_preferences": "balcony"})
		r.eventually("the edit is in Bird", func() bool {
			contact, _ := r.bird.Contact(id)
			return contact.Field("attributes.propertyInterest") == "balcony"
		})
	}
	stop()
	r.bird.Faults().Add(birdtest.Fault{Path: ids[1], Status: http.StatusForbidden})
	code, out, err := r.run("undo", "contacts", "--field", "property_preferences")
	if code != exitFailed || !strings.Contains(out, ids[0]) || strings.Contains(out, ids[1]) || !strings.Contains(err, "bird:contact") {
		t.Errorf("exit %d\n%s\n%s", code, out, err)
	}
	var told struct {
		Undone   []undoing
		Complete bool
	}
	_, out, _ = r.run("undo", "contacts", "--field", "property_preferences", "--json")
	if err := json.Unmarshal([]byte(out), &told); err != nil || len(told.Undone) != 1 || told.Complete {
		t.Errorf("as JSON: %+v, %v", told, err)
	}
}
