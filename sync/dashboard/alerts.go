package dashboard

import (
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// An Alert is something that a person should know of, as the dashboard shows
// it. It holds no values of records.
type Alert struct {
	// Rule names it, Severity says how urgent it is.
	Rule, Severity string
	// Text says what is the matter.
	Text  string
	Since time.Time
	// Runbook is the address of what to do, "" if there is none.
	Runbook string
}

// alertsPart is what the template of the alerts sees.
type alertsPart struct {
	Page   *page
	Alerts []Alert
	Test   bool // whether a test can be sent
}

// Alerts returns the alerts that hold now.
func (p *page) Alerts() alertsPart {
	part := alertsPart{Page: p, Test: p.board.opts.TestAlerts != nil && p.Can(string(Test))}
	if p.board.opts.Alerts != nil {
		part.Alerts = p.board.opts.Alerts(p.Now)
	}
	return part
}

// testAlerts sends a test to those who are told of alerts.
func (d *Dashboard) testAlerts(w http.ResponseWriter, r *http.Request) error {
	if d.opts.TestAlerts == nil {
		return notFound("nobody is told of alerts by this process")
	}
	if err := d.act(r, Test, "the alerts", sync.Entry{}); err != nil {
		return err
	}
	if err := d.opts.TestAlerts(r.Context(), time.Now()); err != nil {
		return err
	}
	return d.done(w, r, "tested", "/health")
}
