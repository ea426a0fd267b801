package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestStory plays the whole story with few contacts.
func TestStory(t *testing.T) {
	var story, table bytes.Buffer
	rep, err := play(context.Background(), 10, 3, &story)
	if err != nil {
		t.Fatalf("%v\n%s", err, &story)
	}
	if len(rep.Disagreements) > 0 || rep.Agreement != 1 || rep.MostWrites > 1 || rep.Dead != 0 || rep.Conflicts == 0 || rep.Echoes == 0 ||
		rep.Deals != leads || rep.Activities != (activities{Note: 14, Task: 3, Meeting: 3}) {
		t.Errorf("the report is %+v\n%s", rep, &story)
	}
	for _, topic := range []string{"first sync", "new leads", "hubspot>bird", "echo", "conflict", "doubled", "dropped",
		"outage", "dead letter", "replayed", "rush", "whatsapp", "handover",
		"leasing", "sales", "late event", "lease", "explain", "verify"} {
		if !strings.Contains(story.String(), "s  "+topic) {
			t.Errorf("the story lacks the step %q:\n%s", topic, &story)
		}
	}
	rep.Pass = true
	rep.print(&table)
	if !strings.Contains(table.String(), "PASS") {
		t.Errorf("the table lacks PASS:\n%s", &table)
	}
}

// TestReportFails shows that a disagreement is not passed over.
func TestReportFails(t *testing.T) {
	var table bytes.Buffer
	rep := report{Disagreements: []string{"contact 1 differs"}}
	rep.print(&table)
	if !strings.Contains(table.String(), "FAIL") || !strings.Contains(table.String(), "contact 1 differs") {
		t.Errorf("the table is:\n%s", &table)
	}
}
