package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In another directory than the daemon's a relative path names another file.
// Whoever asks there is told so, and not that all is well in a new one.
func TestACommandElsewhereMakesNoDatabase(t *testing.T) {
	r := newRig(t, "", "CRMSYNC_SQLITE_PATH=crmsync.db")
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	for _, args := range [][]string{{"dlq", "list"}, {"dlq", "replay", "--all"}, {"verify"}, {"plan", "contacts", "--from", "bird"}, {"backfill", "contacts", "--from", "bird"},
		{"explain", "ana@example.com"}, {"history"}, {"apply"}, {"erase", "ana@example.com", "--yes"}, {"undo", "contacts", "--since", "1h"}} {
		if out := r.must(exitConfig, args...); !strings.Contains(out, "there is no crmsync.db here") || !strings.Contains(out, "the daemon's directory") {
			t.Errorf("%v: %s", args, out)
		}
	}
	var got examined
	r.object(exitFound, &got, "doctor")
	if !got.finds(stateNote, "store", "there is no crmsync.db here") {
		t.Errorf("doctor: %+v", got.Findings)
	}
	if made, err := os.ReadDir(elsewhere); err != nil || len(made) > 0 {
		t.Errorf("there are files now: %v, %v", made, err)
	}
	r.must(exitDone, "migrate")
	r.must(exitDone, "dlq", "list")
	if err := os.Remove("crmsync.db"); err != nil {
		t.Fatal(err)
	}
	r.must(exitDone, "setup", "--yes") // which also keeps what it learned
	r.must(exitDone, "dlq", "list")
}

// A daemon that cannot be asked is not a daemon that does not run.
func TestADaemonThatCannotBeAsked(t *testing.T) {
	file := write(t, "file", "")
	r := newRig(t, "control: "+filepath.Join(file, "s")+"\n")
	if out := r.must(exitFailed, "dlq", "list"); !strings.Contains(out, "cannot be asked") || !strings.Contains(out, "not a directory") {
		t.Errorf("without a word about the socket: %s", out)
	}
}
