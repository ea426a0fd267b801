package dashboard

import (
	"context"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// overviewPage answers whether all is well.
type overviewPage struct {
	Verdict  string // "good", "busy" or "bad"
	Sentence string
	Stats    sync.QueueStats
	Oldest   time.Duration
	P50, P99 time.Duration
	Measured bool
	Flows    []flowLine
	Issues   []issue
	Holds    int
	Modes    []sync.Mode
	Alerts   int
	Charts   []chart
	Empty    bool
}

// A flowLine is a flow in the overview.
type flowLine struct {
	Flow  *sync.Flow
	Known bool // whether it was verified in this process
	sync.Agreement
	Ratio float64
	At    time.Time
}

func (d *Dashboard) overview(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), time.Now()
	var p overviewPage
	var err error
	if p.Stats, err = d.opts.Config.Queue.Stats(ctx, now); err != nil {
		return err
	}
	if !p.Stats.OldestAt.IsZero() {
		p.Oldest = max(now.Sub(p.Stats.OldestAt), 0)
	}
	letters, err := d.letters(ctx)
	if err != nil {
		return err
	}
	p.Issues = issuesOf(letters)
	if p.Holds, err = d.countHolds(ctx); err != nil {
		return err
	}
	p.Modes = d.opts.Engine.Modes()
	p.P50, p.Measured = d.opts.Feed.lag(0.5)
	p.P99, _ = d.opts.Feed.lag(0.99)
	p.Flows = d.flowLines()
	hour := d.opts.Feed.lastHour(now)
	p.Charts = []chart{
		chartOf("Changes taken in", "per minute", hour, func(m *minute) int { return m.enqueued }),
		chartOf("Changes synced", "per minute", hour, func(m *minute) int { return m.synced }),
		chartOf("Slowest change", "ms", hour, func(m *minute) int { return int(m.slowest.Milliseconds()) }),
		chartOf("Retries and dead letters", "per minute", hour, func(m *minute) int { return m.retried + m.buried }),
	}
	p.Empty = len(d.opts.Feed.latest(1, func(*sync.Event) bool { return true })) == 0
	if d.opts.Alerts != nil {
		p.Alerts = len(d.opts.Alerts(now))
	}
	p.judge()
	return d.show(w, r, "overview", "Overview", p)
}

// judge says in one sentence how it stands.
func (p *overviewPage) judge() {
	switch {
	case p.Stats.Dead > 0 || p.Holds > 0:
		p.Verdict, p.Sentence = "bad", "Something waits for a person."
	case p.Alerts > 0:
		p.Verdict, p.Sentence = "bad", "An alert holds."
	case len(p.Modes) > 0:
		p.Verdict, p.Sentence = "bad", "Some things wait until something else is well again; nothing is lost."
	case p.Stats.Sleeping > 0:
		p.Verdict, p.Sentence = "busy", "Some records wait for a retry."
	case p.Stats.Waiting+p.Stats.Leased > 0:
		p.Verdict, p.Sentence = "busy", "Work is under way."
	default:
		p.Verdict, p.Sentence = "good", "All is well: nothing waits."
	}
}

// flowLines lists the flows with their last verification.
func (d *Dashboard) flowLines() []flowLine {
	var out []flowLine
	for _, f := range d.opts.Config.Flows {
		line := flowLine{Flow: f}
		if v, ok := d.opts.Feed.agreement(f.Name); ok {
			line.Known, line.Agreement, line.Ratio, line.At = true, v.Agreement, v.Ratio(), v.at
		}
		out = append(out, line)
	}
	return out
}

// countHolds counts the ambiguous matches, 100 of each flow at the most.
func (d *Dashboard) countHolds(ctx context.Context) (n int, err error) {
	for _, f := range d.opts.Config.Flows {
		holds, err := d.opts.Engine.Holds(ctx, f.Name, "", 100)
		if err != nil {
			return n, err
		}
		n += len(holds)
	}
	return n, nil
}
