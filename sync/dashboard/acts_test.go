package dashboard_test

import (
	"bytes"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// notes returns what people did, as the audit tells it.
func (w *world) notes() (out []string) {
	w.t.Helper()
	entries, err := w.engine.Entries(w.t.Context(), sync.AuditFilter{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range entries {
		if entries[i].Kind == sync.EntryNoted {
			out = append(out, entries[i].Note)
		}
	}
	return out
}

// noted checks the last note.
func (w *world) noted(want string) {
	w.t.Helper()
	if got := w.notes(); len(got) == 0 || got[len(got)-1] != want {
		w.t.Errorf("the audit notes %q, want %q at the end", got, want)
	}
}

func TestReplayOne(t *testing.T) {
	w := newWorld(t)
	contains(t, w.get("/dead"), "No dead letters")
	id := w.die()
	contains(t, w.get("/dead"), "text.allowed in name", "left-crm:contact:l2", "write something else", "Replay left-crm:contact:l2")
	page := w.post("/dead/replay", url.Values{"id": {id}})
	contains(t, page, "Replayed: back at work", "No dead letters", "waits")
	w.noted("ada: replay: the dead letter " + id)

	w.sync() // the cause is still there
	contains(t, w.get("/dead"), "failed again", "Replay left-crm:contact:l2")
	w.left.set("l2", "name", "Grace Hopper")
	w.post("/dead/replay", url.Values{"id": {id}})
	w.sync()
	page = w.get("/dead")
	contains(t, page, "No dead letters", `<span class="state done">done</span>`)
	contains(t, w.post("/dead/replay", url.Values{"id": {id}}), "Nothing to do")
}

func TestReplayFact(t *testing.T) {
	w := newWorld(t)
	fact := sync.Fact{ID: "f1", Type: "unheard of", Subject: sync.Ref{System: "elsewhere", Kind: "thing", ID: "1"}}
	if err := w.engine.Enqueue(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	w.sync()
	page := w.get("/dead")
	contains(t, page, "fact.known", "elsewhere:thing:1", "unheard of")
	lacks(t, page, "/record?") // no flow has such records
	contains(t, w.post("/dead/replay", url.Values{"id": {"f1"}}), "back at work</span>")
	w.sync()
	contains(t, w.get("/dead"), "failed again")
}

func TestReplayIssue(t *testing.T) {
	w := newWorld(t)
	first := w.die()
	issue := w.get("/dead")
	issue, _, _ = strings.Cut(issue[strings.Index(issue, `id="issue-`)+len(`id="issue-`):], `"`)
	until := time.Now().UTC().Format(time.RFC3339Nano)
	w.left.set("l3", "name", "refused")
	w.sync(w.left.ref("l3"))
	contains(t, w.get("/dead?issue="+issue), "left-crm:contact:l3", "Replay 2")
	w.post("/dead/replay", url.Values{"issue": {issue}, "until": {until}})
	if left := w.letters(); len(left) != 1 || left[0].Message.ID == first {
		t.Errorf("%d letters are left, want only the one that came after the page was made", len(left))
	}
}

func TestDiscard(t *testing.T) {
	w := newWorld(t)
	id := w.die()
	for _, form := range []url.Values{{"id": {id}}, {"why": {"a test"}}, {"why": {"a test"}, "issue": {"x"}, "until": {"yesterday"}}} {
		if res, _ := w.ask(request("POST", "/dead/discard", form)); res.StatusCode != 400 {
			t.Errorf("%v gives status %d, want 400", form, res.StatusCode)
		}
	}
	if len(w.letters()) != 1 {
		t.Fatal("the letter was discarded by an incomplete form")
	}
	contains(t, w.post("/dead/discard", url.Values{"id": {id}, "why": {"a test contact"}}), "Discarded for good", "No dead letters")
	w.noted("ada: discard: the dead letter " + id + ": a test contact")
}

func TestReveal(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	masked := w.get(recordURL(ref))
	lacks(t, masked, "Ada Byron Lovelace", "ada.byron@example.com")
	contains(t, masked, "A••••••ce", "r1") // ids are no personal data
	shown := w.post("/record/reveal", url.Values{"flow": {flowName}, "ref": {ref.String()}})
	contains(t, shown, "Ada Byron Lovelace", "ada.byron@example.com", "Mask the values")
	w.noted("ada: reveal: the values of left-crm:contact:l1")
	if report, err := w.engine.VerifyAudit(t.Context()); err != nil || len(report.Faults) != 0 {
		t.Errorf("the audit has faults after a note: %v, %v", report.Faults, err)
	}
}

func TestSyncNow(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	w.left.set("l1", "name", "Ada of the new name")
	contains(t, w.post("/record/sync", url.Values{"flow": {flowName}, "ref": {ref.String()}}), "Queued")
	w.sync()
	if got := w.right.get("r1", "name"); got != "Ada of the new name" {
		t.Errorf("the right has %q after sync now", got)
	}
	w.noted("ada: sync: left-crm:contact:l1")
}

func TestUndo(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	w.right.set("r1", "name", "A regretted name")
	w.sync(w.right.ref("r1"))
	form := url.Values{"flow": {flowName}, "ref": {ref.String()}, "field": {"name"}}
	for _, m := range regexp.MustCompile(`name="field" value="(\w+)"><input type="hidden" name="since" value="([^"]+)"`).FindAllStringSubmatch(w.get("/record?flow="+flowName+"&ref="+ref.String()), -1) {
		if m[1] == "name" {
			form.Set("since", html.UnescapeString(m[2]))
		}
	}
	if !form.Has("since") {
		t.Fatal("the page of the record does not offer to undo the last write")
	}
	page := w.post("/undo", form)
	contains(t, page, "Take it back", "A••••••me")
	lacks(t, page, "regretted")
	if got := w.left.get("l1", "name"); got != "A regretted name" {
		t.Fatalf("asking changed the left to %q", got)
	}
	form.Set("sure", "yes")
	contains(t, w.post("/undo", form), "Taken back")
	if got := w.left.get("l1", "name"); got != "Ada Byron Lovelace" {
		t.Errorf("the left has %q after the undo", got)
	}
}

func TestUndoRun(t *testing.T) {
	w := newWorld(t)
	w.pair()
	w.left.set("l1", "name", "Ada of the backfill")
	res, _ := w.ask(request("POST", "/runs/backfill", url.Values{"from": {"left:people"}, "name": {"load"}}))
	contains(t, w.over(res.Header.Get("Location")), "1 records looked at", "Undo …")
	form := url.Values{"flow": {flowName}, "run": {"load"}}
	contains(t, w.post("/undo", form), "what the run <b>load</b> wrote", "right-crm:contact:r1")
	form.Set("sure", "yes")
	contains(t, w.post("/undo", form), "Taken back")
	if got := w.right.get("r1", "name"); got != "Ada Byron Lovelace" {
		t.Errorf("the right has %q after the undo", got)
	}
	w.noted("ada: undo: the run load")
}

func TestErase(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	form := url.Values{"flow": {flowName}, "ref": {ref.String()}, "sure": {"yes"}, "why": {"she asked"}}
	if res, _ := w.ask(request("POST", "/record/erase", form)); res.StatusCode != 400 || w.left.get("l1", "name") == "" {
		t.Fatalf("status %d without the id repeated", res.StatusCode)
	}
	form.Set("sure", "l1")
	contains(t, w.post("/record/erase", form), "Erased for good", "erased, by", "the record is gone")
	if w.left.get("l1", "name") != "" || w.right.get("r1", "name") != "" {
		t.Error("a record is left")
	}
	w.noted("ada: erase: left-crm:contact:l1: she asked")
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	w.pair()
	res, body := w.ask(request("POST", "/audit/export", nil))
	if res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("status %d, %v", res.StatusCode, res.Header)
	}
	entries, err := w.engine.Entries(t.Context(), sync.AuditFilter{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != len(entries) {
		t.Fatalf("%d lines for %d entries", len(lines), len(entries))
	}
	for i, line := range lines {
		var n sync.Entry
		if err := json.Unmarshal([]byte(line), &n); err != nil || n.Seq != entries[i].Seq || !bytes.Equal(n.Hash, entries[i].Hash) {
			t.Errorf("line %d is %s, %v", i, line, err)
		}
	}
	lacks(t, body, "Ada", "sealed")
	w.noted("ada: export: the audit")
}

// TestUnknown has a person say what became of an activity.
func TestUnknown(t *testing.T) {
	for made, want := range map[string]int{"yes": 0, "no": 1} {
		t.Run(made, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testUnknown(t, made, want) })
		})
	}
}

func testUnknown(t *testing.T, made string, notes int) {
	w := newWorld(t)
	ref := w.pair()
	w.right.lose(true)
	if err := w.engine.Enqueue(t.Context(), sync.Fact{ID: "f1", Type: "said", Subject: ref, OccurredAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		w.sync()
		time.Sleep(time.Minute) // the write may take effect until its lease ends
	}
	w.right.lose(false)
	contains(t, w.get("/conflicts"), "Activities that may have been made", "note-of-said", "left-crm:contact:l1")
	form := url.Values{"activity": {"note-of-said"}, "fact": {"f1"}}
	for _, incomplete := range []string{"", "yes"} {
		form.Set("made", incomplete)
		if res, _ := w.ask(request("POST", "/conflicts/unknown", form)); res.StatusCode != 400 {
			t.Errorf("status %d for an incomplete answer", res.StatusCode)
		}
	}
	form.Set("made", made)
	form.Set("id", "n1")
	lacks(t, w.post("/conflicts/unknown", form), "may have been made")
	w.sync()
	if got := w.right.count("note"); got != notes || len(w.letters()) != 0 {
		t.Errorf("there are %d notes and %d letters, want %d and none", got, len(w.letters()), notes)
	}
}

func TestRuns(t *testing.T) {
	w := newWorld(t)
	w.left.set("l1", "name", "Ada")
	w.left.set("l2", "name", "refused")
	for _, start := range []struct {
		path string
		form url.Values
		want []string
	}{
		{"/runs/forecast", url.Values{"from": {"left:people"}}, []string{"<b>1</b> created", "<b>1</b> failed", "text.allowed: 1", "Apply to 1 record"}},
		{"/runs/1/apply", nil, []string{"1 records enqueued, 0 have moved"}},
		{"/runs/backfill", url.Values{"from": {"left:people"}, "name": {"first"}}, []string{"1 of 2 records, 1.0 % are allowed", "stopped"}},
		{"/runs/verify", url.Values{"flow": {flowName}}, []string{"Agreement: 100.00 %", "in 1 pairs"}},
		{"/runs/verify", url.Values{"flow": {flowName}, "sample": {"5"}}, []string{"in 1 pairs"}},
		{"/runs/inventory", url.Values{"system": {"right-crm"}}, []string{"0 records that no link knows, 0 linked ones that are gone"}},
		{"/runs/audit", nil, []string{"The audit is whole"}},
		{"/runs/sweep", url.Values{"system": {"left-crm"}}, []string{"0 changes were reported"}},
		{"/runs/sweep", url.Values{"system": {"elsewhere"}}, []string{"name one of the systems"}},
		{"/runs/forecast", url.Values{"from": {"left:people"}, "ids": {"l9"}}, []string{"record.exists: 1"}},
	} {
		res, body := w.ask(request("POST", start.path, start.form))
		if res.StatusCode != 303 {
			t.Fatalf("POST %s: status %d: %s", start.path, res.StatusCode, body)
		}
		contains(t, w.over(res.Header.Get("Location")), start.want...)
	}
	contains(t, w.get("/runs"), "dry run", "backfill", "verify audit", "ada")
	for _, path := range []string{"/runs/99", "/runs/x"} {
		if res, _ := w.ask(request("GET", path, nil)); res.StatusCode != 404 {
			t.Errorf("GET %s: status %d, want 404", path, res.StatusCode)
		}
	}
}

// over returns the page of a run once it is over.
func (w *world) over(target string) string {
	w.t.Helper()
	for {
		page := w.get(target)
		if !strings.Contains(page, `class="state running"`) {
			return page
		}
		time.Sleep(time.Millisecond)
	}
}
