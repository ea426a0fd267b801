package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// A report is what a run found.
type report struct {
	Pass        bool     `json:"pass"`
	Missed      []string `json:"missed,omitempty"` // objectives
	Seconds     float64  `json:"seconds"`
	Engines     int      `json:"engines"`
	Edits       int      `json:"edits"`       // made by the live load
	Shown       int      `json:"edits_shown"` // on the other side, while measuring
	Superseded  int      `json:"superseded"`  // by a later edit of the same field before they showed
	Lag         lags     `json:"lag_ms"`      // from edit to visible, or superseded, or the end
	FromBird    lags     `json:"lag_from_bird_ms"`
	FromHubSpot lags     `json:"lag_from_hubspot_ms"`
	Records     int      `json:"records"`            // backfilled while measuring
	PerSec      float64  `json:"records_per_second"` // backfilled, and edits shown
	// Quota is the share of HubSpot's quota of calls in 10 s that went into
	// reads and writes of records that succeeded. Searches have their own.
	Quota    float64 `json:"hubspot_quota_in_record_calls"`
	Calls    float64 `json:"hubspot_calls_per_record"` // of any kind and outcome
	Refused  float64 `json:"hubspot_429"`              // share of calls
	Bird429  float64 `json:"bird_429"`
	Failures float64 `json:"failures"` // share of changes that ended as dead letters
	Lost     int     `json:"lost"`     // live edits that do not show at rest
	Compared int     `json:"compared"` // fields, at rest
	// Agreement is the share of equal fields at rest, compared in the
	// simulators, past the sync.
	Agreement float64 `json:"agreement"`
	MemoryMB  []int   `json:"memory_mb,omitempty"` // peak of each engine process
	Naive     *report `json:"naive,omitempty"`
}

type lags struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

func (l lags) String() string {
	return fmt.Sprintf("p50 %.0f ms, p95 %.0f ms, p99 %.0f ms", l.P50, l.P95, l.P99)
}

// judge names the objectives that were missed.
func (r *report) judge() {
	for _, o := range []struct {
		holds bool
		what  string
	}{
		{r.Lag.P99 < 1000, fmt.Sprintf("p99 %.0f ms, want < 1000", r.Lag.P99)},
		{r.Quota >= 0.9, fmt.Sprintf("%.3f of HubSpot's quota went into records, want >= 0.9", r.Quota)},
		{r.Refused < 0.005, fmt.Sprintf("%.4f of calls refused, want < 0.005", r.Refused)},
		{r.Failures < 0.001, fmt.Sprintf("%.4f of changes failed, want < 0.001", r.Failures)},
		{r.Agreement == 1, fmt.Sprintf("agreement %.5f, want 1", r.Agreement)},
		{r.Lost == 0, fmt.Sprintf("%d edits lost", r.Lost)},
	} {
		if !o.holds {
			r.Missed = append(r.Missed, o.what)
		}
	}
	r.Pass = len(r.Missed) == 0
}

// measured fills in what the live load and the vendors' logs tell of a span.
func (r *report) measured(v *vendors, l *live, burst int, from, upto time.Time) {
	r.Seconds = upto.Sub(from).Seconds()
	r.Edits, r.Superseded = l.made, l.superseded
	r.FromBird, r.FromHubSpot = l.lags(fromBird), l.lags(fromHubSpot)
	r.Lag = l.lags(fromBird, fromHubSpot)
	calls := within(v.hubspot.Log().Entries(), from, upto)
	r.Quota = float64(calls.records) / (float64(burst) * r.Seconds / 10)
	r.Refused = share(calls.refused, calls.all)
	r.PerSec = float64(r.Records+r.Shown) / r.Seconds
	r.Calls = float64(calls.all) / float64(max(1, r.Records+r.Shown))
	calls = within(v.bird.Log().Entries(), from, upto)
	r.Bird429 = share(calls.refused, calls.all)
}

func share(n, of int) float64 { return float64(n) / float64(max(1, of)) }

// calls are counted by what became of them: refused with 429, or successful
// reads and writes of HubSpot's records.
type calls struct{ all, refused, records int }

// within counts the calls of a span.
func within(log []simhttp.Call, from, upto time.Time) (n calls) {
	for i := range log {
		c := &log[i]
		if c.At.Before(from) || !c.At.Before(upto) {
			continue
		}
		n.all++
		switch {
		case c.Status == http.StatusTooManyRequests:
			n.refused++
		case c.Status > 0 && c.Status < http.StatusBadRequest && ofRecords(c.Path):
			n.records++
		}
	}
	return n
}

// ofRecords reports whether a call reads or writes HubSpot's records. A search
// of them has a quota of its own.
func ofRecords(path string) bool {
	return strings.HasPrefix(path, "/crm/") && strings.Contains(path, "/objects/") && !strings.HasSuffix(path, "/search")
}

// print writes the report for people.
func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(what string, of func(r *report) string) {
		fmt.Fprintf(t, "%s\t%s", what, of(r))
		if r.Naive != nil {
			fmt.Fprintf(t, "\t%s", of(r.Naive))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintf(t, "\tcrmsync\t")
	if r.Naive != nil {
		fmt.Fprint(t, "naive")
	}
	fmt.Fprintln(t)
	row("live edits", func(r *report) string {
		return fmt.Sprintf("%d in %.0f s, %d shown in that time, %d superseded", r.Edits, r.Seconds, r.Shown, r.Superseded)
	})
	row("edit to visible", func(r *report) string { return r.Lag.String() })
	row("made in Bird", func(r *report) string { return r.FromBird.String() })
	row("made in HubSpot", func(r *report) string { return r.FromHubSpot.String() })
	row("records a second", func(r *report) string { return fmt.Sprintf("%.0f", r.PerSec) })
	row("HubSpot's quota that went into records", func(r *report) string { return fmt.Sprintf("%.1f %%", 100*r.Quota) })
	row("HubSpot calls a record", func(r *report) string { return fmt.Sprintf("%.3f", r.Calls) })
	row("refused with 429", func(r *report) string {
		return fmt.Sprintf("HubSpot %.2f %%, Bird %.2f %%", 100*r.Refused, 100*r.Bird429)
	})
	row("failed", func(r *report) string { return fmt.Sprintf("%.3f %%", 100*r.Failures) })
	row("edits lost", func(r *report) string { return fmt.Sprint(r.Lost) })
	row("agreement at rest", func(r *report) string { return fmt.Sprintf("%.3f %% of %d fields", 100*r.Agreement, r.Compared) })
	row("memory, peak", func(r *report) string { return fmt.Sprintf("%v MB", r.MemoryMB) })
	_ = t.Flush() // to a terminal
	for _, m := range r.Missed {
		fmt.Fprintln(out, "missed:", m)
	}
	if r.Pass {
		fmt.Fprintln(out, "PASS")
	}
}
