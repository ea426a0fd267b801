package dashboard_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync/dashboard"
)

func TestOverview(t *testing.T) {
	w := newWorld(t)
	contains(t, w.get("/"), "Nothing has happened yet", "All is well", "not measured")
	w.pair()
	w.die()
	if _, err := w.engine.Verify(t.Context(), flowName); err != nil {
		t.Fatal(err)
	}
	page := w.get("/")
	contains(t, page, "Something waits for a person", "text.allowed in name", "100.00 %", "median lag", "<svg")
	lacks(t, page, "Nothing has happened yet")
}

func TestRecords(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	contains(t, w.get("/records"), "All pairs of people", ">l1</a>", "created")
	for _, q := range []string{"l1", ref.String(), "ada.byron@example.com", "https://crm.example.com/contacts/l1"} {
		contains(t, w.post("/records", url.Values{"q": {q}}), "Found", "left-crm:contact:l1 ↔ right-crm:contact:r1")
	}
	contains(t, w.post("/records", url.Values{"q": {"nobody@example.com"}}), "Nothing is linked that matches")
}

func TestRecord(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	w.right.set("r1", "name", "Ada King of Lovelace")
	w.sync(w.right.ref("r1"))
	page := w.get(recordURL(ref))
	contains(t, page, "The value of right-crm went to left-crm: only that side had changed.", "History of name (2)", "agrees",
		"Nothing: both sides agree", "call-l1", "created")
	w.left.set("l1", "name", "Ada of Lovelace again")
	page = w.get(recordURL(ref))
	contains(t, page, "differs", "write name to right")
	lacks(t, page, "It waits among the dead letters")
	w.left.set("l1", "name", "refused")
	w.sync(ref)
	contains(t, w.get(recordURL(ref)), "It waits among the dead letters", "breaks a rule", "text.allowed: ", "See and replay")
}

func TestRecordThatWasNeverLinked(t *testing.T) {
	w := newWorld(t)
	w.die()
	contains(t, w.get("/dead"), recordHref(w.left.ref("l2")))
	page := w.get(recordURL(w.left.ref("l2")))
	contains(t, page, "never linked", "It waits among the dead letters", "breaks a rule", "there is none (yet)", "Nothing was ever decided")
	lacks(t, page, "Erase this person")
	contains(t, w.post("/record/reveal", url.Values{"flow": {flowName}, "ref": {w.left.ref("l2").String()}}), "Mask the values")
	w.noted("ada: reveal: the values of left-crm:contact:l2")
}

func TestRecordWhileASystemIsDown(t *testing.T) {
	w := newWorld(t)
	ref := w.pair()
	w.right.down = true
	contains(t, w.get(recordURL(ref)), "by rule server.down", "unknown", "History of name (1)", "The value of left-crm went to right-crm")
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	contains(t, w.get("/events"), "Nothing has happened since")
	w.pair()
	w.die()
	page := w.get("/events")
	contains(t, page, "name: write by create", "told by webhook", "buried")
	filtered := w.get("/events?type=buried&q=ALLOWED")
	contains(t, filtered, "text.allowed", "clear", "<option selected>buried</option>")
	lacks(t, filtered, "told by webhook")
	contains(t, w.get("/events?q=nowhere"), "Nothing matches")
}

func TestMappings(t *testing.T) {
	w := newWorld(t)
	contains(t, w.get("/mappings"), "<code>left_id</code>", "→ to right-crm", "right-crm owns it", "the last write, or left-crm if nobody can tell", "Recognised by email")
	tried := w.post("/mappings/try", url.Values{"flow": {flowName}, "from": {"left"}, "record": {`{"name": "refused", "email": "a@example.com"}`}})
	contains(t, tried, "Tried: people", "text.allowed", "<code>email</code> a@example.com")
	res, body := w.ask(request("POST", "/mappings/try", url.Values{"flow": {flowName}, "record": {"no JSON"}}))
	if res.StatusCode != 400 {
		t.Errorf("status %d for what is no JSON, want 400", res.StatusCode)
	}
	contains(t, body, "JSON object")
}

func TestConflictsAndAudit(t *testing.T) {
	w := newWorld(t)
	contains(t, w.get("/audit"), "The audit is empty")
	w.pair()
	w.left.set("l1", "email", "left@example.com")
	w.right.set("r1", "email", "right@example.com")
	w.sync(w.left.ref("l1"))
	contains(t, w.get("/conflicts"), "Settled by rule", "both sides had changed, and this side owns the field", "None: no field waits")
	page := w.get("/audit")
	contains(t, page, "email: write by policy.owner, a conflict", "call-l1")
	lacks(t, page, "right@example.com", "left@example.com")
	contains(t, w.get("/audit?ref="+url.QueryEscape(w.left.ref("none").String())), "No entry matches")
}

func TestResolve(t *testing.T) {
	w := newWorld(t)
	w.right.set("r1", "email", "twin@example.com")
	w.right.set("r2", "email", "twin@example.com")
	w.left.set("l1", "email", "twin@example.com")
	w.sync(w.left.ref("l1"))
	contains(t, w.get("/"), "Something waits for a person")
	contains(t, w.get("/conflicts"), "matched by email", `value="right-crm:contact:r2"`)
	page := w.post("/conflicts/resolve", url.Values{"flow": {flowName}, "ref": {w.left.ref("l1").String()}, "with": {w.right.ref("r2").String()}, "why": {"I asked her"}})
	contains(t, page, "Resolved", "None: every record found its counterpart")
	w.sync()
	contains(t, w.get("/audit"), "ada: the same as right-crm:contact:r2, I asked her")
	if link, err := w.cfg.Store.Link(t.Context(), flowName, w.left.ref("l1")); err != nil || link.Right != w.right.ref("r2") {
		t.Errorf("the link is %v, %v", link, err)
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	w.pair()
	contains(t, w.get("/health"), "left-crm", "Nothing is suspended", "*memstore.Store", "Waiting, live")
	page := w.post("/health/suspend", url.Values{"flow": {flowName}, "field": {"name"}, "to": {"right"}, "why": {"a fair"}})
	contains(t, page, "Suspended in every process", "a fair")
	if s, err := w.engine.Suspended(t.Context()); err != nil || len(s) != 1 || s[0].Field != "name" {
		t.Fatalf("suspended %v, %v", s, err)
	}
	for _, path := range []string{"/", "/health"} {
		contains(t, w.get(path), "What is not as usual", "suspended: flow people, field name, to right", "a fair")
	}
	lacks(t, w.get("/"), "All is well")
	w.post("/health/resume", url.Values{"flow": {flowName}, "field": {"name"}, "to": {"right"}})
	w.board.Close() // waits for the run
	if s, err := w.engine.Suspended(t.Context()); err != nil || len(s) != 0 {
		t.Errorf("suspended %v, %v after resuming", s, err)
	}
}

func TestAlerts(t *testing.T) {
	var sent int
	w := newWorld(t, func(o *dashboard.Options) {
		o.Alerts = func(now time.Time) []dashboard.Alert {
			return []dashboard.Alert{{Rule: "CrmsyncLag", Severity: "critical", Text: "changes are late", Since: now.Add(-time.Hour), Runbook: "https://example.com/lag"}}
		}
		o.TestAlerts = func(context.Context, time.Time) error { sent++; return nil }
	})
	contains(t, w.get("/"), "An alert holds", "changes are late", `href="https://example.com/lag"`, "1 h ago")
	contains(t, w.post("/health/test", nil), "A test was sent", "CrmsyncLag")
	if sent != 1 {
		t.Errorf("%d tests were sent", sent)
	}
	w.noted("ada: test: the alerts")
	if res, _ := newWorld(t).ask(request("POST", "/health/test", nil)); res.StatusCode != 404 {
		t.Errorf("status %d where nobody is told", res.StatusCode)
	}
}
