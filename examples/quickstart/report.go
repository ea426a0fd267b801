package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
)

// A perSide is a figure for each vendor.
type perSide[T any] struct {
	Bird    T `json:"bird"`
	HubSpot T `json:"hubspot"`
}

// A report is the final table.
type report struct {
	Pass      bool    `json:"pass"`
	Contacts  int     `json:"contacts"`
	Changes   int     `json:"changes"` // contacts created or edited by people, on either side
	Agreement float64 `json:"agreement"`
	Compared  int     `json:"compared"` // fields compared, read afresh from both sides
	// Writes counts records written by the engine.
	Writes perSide[int] `json:"writes"`
	// Calls is the number of API calls for each of those changes; CallsTotal
	// all of them. The set-up, the conversations and the verification are left
	// out.
	Calls      perSide[float64] `json:"calls"`
	CallsTotal perSide[int]     `json:"calls_total"`
	// Latency is from the vendor's change to the write on the other side, in
	// milliseconds, over all webhooks that led to a write outside the outage.
	Latency latency `json:"latency_ms"`
	// Activities counts what HubSpot holds of each kind, and Deals its deals.
	Activities    activities `json:"activities"`
	Deals         int        `json:"deals"`
	Dead          int        `json:"dead"` // dead letters left at the end
	Conflicts     int        `json:"conflicts"`
	Echoes        int        `json:"echoes"`
	MostWrites    int        `json:"most_writes"` // of one field on one side after the last outside edit
	Disagreements []string   `json:"disagreements,omitempty"`
}

type activities struct {
	Note    int `json:"note"`
	Task    int `json:"task"`
	Meeting int `json:"meeting"`
}

type latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// count takes the calls that the contacts cost.
func (r *report) count(w *world) {
	r.CallsTotal = perSide[int]{w.bird.Log().Calls(""), w.hubspot.Log().Calls("")}
	n := float64(max(r.Changes, 1))
	r.Calls = perSide[float64]{float64(r.CallsTotal.Bird) / n, float64(r.CallsTotal.HubSpot) / n}
}

// measure fills in what the tally counted.
func (r *report) measure(t *tally) {
	t.mu.Lock()
	r.Writes = perSide[int]{t.writes[bird.System], t.writes[hubspot.System]}
	t.mu.Unlock()
	r.Echoes, r.Conflicts, _ = t.counts()
	r.Latency = latency{t.percentile(0.50), t.percentile(0.99)}
}

// print writes the table for a person.
func (r *report) print(out io.Writer) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintln(t)
	row("changes", "%d by people, on both sides", r.Changes)
	row("writes", "Bird %d, HubSpot %d; at most %d of one field after the last edit", r.Writes.Bird, r.Writes.HubSpot, r.MostWrites)
	row("calls per change", "Bird %.3f (%d), HubSpot %.3f (%d)", r.Calls.Bird, r.CallsTotal.Bird, r.Calls.HubSpot, r.CallsTotal.HubSpot)
	row("latency", "p50 %.0f ms, p99 %.0f ms from edit to written on the other side", r.Latency.P50, r.Latency.P99)
	row("conflicts", "%d, each decided by a named rule", r.Conflicts)
	row("echoes", "%d recognised, none written back", r.Echoes)
	row("conversations", "%d deals, %d notes, %d tasks, %d meetings: each exactly once", r.Deals, r.Activities.Note, r.Activities.Task, r.Activities.Meeting)
	row("dead letters", "%d", r.Dead)
	row("agreement", "%.2f %% of %d fields", 100*r.Agreement, r.Compared)
	_ = t.Flush() // to a terminal
	for _, d := range r.Disagreements {
		fmt.Fprintln(out, "  disagrees:", d)
	}
	if r.Pass {
		fmt.Fprintln(out, "\n  PASS: both sides tell the same story.")
	} else {
		fmt.Fprintln(out, "\n  FAIL")
	}
}
