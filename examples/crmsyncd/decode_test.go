package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A variable whose name is a slip sets nothing, and the daemon says so.
func TestVariablesThatNobodyReads(t *testing.T) {
	var log bytes.Buffer
	c, err := load(t, least+"store: memory\n", "CRMSYNC_HUBSPOT_TOKN="+canary, "CRMSYNC_BIRD_ZONE=UTC", "CRMSYNC_TEST_POSTGRES=x", "CRMSYNC_CONFIG=c.yaml", "HOME=/")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"CRMSYNC_HUBSPOT_TOKN"}, c.strangers); diff != "" {
		t.Error(diff)
	}
	d, err := newDeployment(t.Context(), c, c.logger(&log, slog.LevelDebug))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Count(text, "variable=CRMSYNC_HUBSPOT_TOKN") != 1 || strings.Contains(text, canary) {
		t.Errorf("the log says %q", text)
	}
}
