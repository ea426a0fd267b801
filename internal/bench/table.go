package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// processor is the model's name, where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimLeft(line, "\t: ")
}

// A table is written in Markdown.
type table struct {
	title string
	head  []string
	rows  [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer) error {
	if len(t.rows) == 0 {
		return nil
	}
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", t.title)
	for _, row := range append([][]string{t.head, rule}, t.rows...) {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes the report as tables.
func (r *report) write(w io.Writer) error {
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		versions = append(versions, name+" "+r.Versions[name])
	}
	if _, err := fmt.Fprintf(w, "%s UTC, %s; %s; medians of %d rounds, %s in all.\n",
		r.Date, r.Machine, strings.Join(versions, ", "), r.Rounds, r.Took); err != nil {
		return err
	}
	for _, t := range []*table{r.targets(), r.queues(), r.latency(), r.held(), r.claim(), r.commits()} {
		if err := t.write(w); err != nil {
			return err
		}
	}
	return nil
}

func (r *report) targets() *table {
	t := &table{title: "Targets", head: []string{"promise", "measured", "met"}}
	for _, x := range r.Targets {
		t.add(x.Promise, x.Measured, yes(x.Met))
	}
	return t
}

func (r *report) queues() *table {
	t := &table{title: "Queues", head: []string{"load", "engine", "insert/s", "drain/s", "mixed/s", "× River", "× River unique", "× asynq",
		"× asynq unique", "CPU µs/msg",
		"bytes/waiting", "order", "exclusivity", "twice"}}
	for _, x := range r.Queues {
		t.add(x.Scenario, x.Engine, thousands(x.Insert), thousands(x.Drain), thousands(x.Mixed),
			x.ratio("river"), x.ratio("river unique"), x.ratio("asynq"), x.ratio("asynq unique"),
			fmt.Sprintf("%.1f", x.CPU), whole(x.Bytes), fmt.Sprint(x.Order), fmt.Sprint(x.Exclusive), fmt.Sprint(x.Doubled))
	}
	return t
}

func (r *queueRow) ratio(peer string) string {
	for _, x := range r.Ratios {
		if x.Peer == peer {
			return fmt.Sprintf("%.1f [%.1f–%.1f]", x.Median, x.Least, x.Most)
		}
	}
	return ""
}

func (r *report) latency() *table {
	t := &table{title: "From push to the beginning of the work", head: []string{"engine", "messages/s", "p50 ms", "p99 ms"}}
	for _, x := range r.Latency {
		t.add(x.Engine, fmt.Sprint(x.Rate), fmt.Sprintf("%.2f", x.P50), fmt.Sprintf("%.2f", x.P99))
	}
	return t
}

func (r *report) held() *table {
	t := &table{title: "A transaction held elsewhere", head: []string{"engine", "messages/s", "held s", "p99 ms before", "p50 ms held", "p99 ms held",
		"p99 ms at the end", "CPU µs/msg before", "CPU µs/msg held", "kept up"}}
	for _, x := range r.Held {
		t.add(x.Engine, fmt.Sprint(x.Rate), whole(x.Held), fmt.Sprintf("%.1f", x.Before), fmt.Sprintf("%.1f", x.P50), fmt.Sprintf("%.1f", x.P99),
			fmt.Sprintf("%.1f", x.Last), fmt.Sprintf("%.1f", x.CPU), fmt.Sprintf("%.1f", x.CPUHeld), yes(x.Kept))
	}
	return t
}

func (r *report) claim() *table {
	t := &table{title: "What a claim costs while many wait", head: []string{"engine", "waiting", "take µs/msg", "×", "CPU µs/msg", "×"}}
	for _, x := range r.Claim {
		t.add(x.Engine, fmt.Sprint(x.Waiting), fmt.Sprintf("%.1f", x.Take), fmt.Sprintf("%.2f", x.TakeRatio), fmt.Sprintf("%.1f", x.CPU), fmt.Sprintf("%.2f", x.CPURatio))
	}
	return t
}

func (r *report) commits() *table {
	t := &table{title: "Commits of the stores", head: []string{"store", "commits/s", "CPU µs/commit"}}
	for _, x := range r.Commits {
		t.add(x.Store, thousands(x.Rate), whole(x.CPU))
	}
	return t
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// thousands writes a rate, nothing for one that was not measured.
func thousands(rate float64) string {
	if rate == 0 {
		return ""
	}
	return fmt.Sprintf("%.1fk", rate/1000)
}

// whole writes a number without decimals, nothing for 0.
func whole(x float64) string {
	if x == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", x)
}
