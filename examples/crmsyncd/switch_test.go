package main

import (
	"strings"
	"testing"
)

// What is suspended is told by every command that somebody looks at, until it
// is resumed.
func TestSuspended(t *testing.T) {
	r := newRig(t, "")
	r.must(exitDone, "setup", "--yes")
	for name, args := range map[string][]string{
		"no such flow":   {"suspend", "leases", "--why", "x"},
		"no reason":      {"suspend", "contacts"},
		"a blank reason": {"suspend", "contacts", "--why", " "},
		"no such field":  {"suspend", "contacts", "--field", "nothing", "--why", "x"},
		"no such side":   {"suspend", "contacts", "--to", "left", "--why", "x"},
		"not suspended":  {"resume", "contacts"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.must(exitUsage, args...)
		})
	}
	r.t = t
	if r.noted("crmsyncd: ana: suspend") || r.noted("crmsyncd: ana: resume") {
		t.Error("the audit tells of what was refused")
	}
	if out := r.must(exitDone, "verify"); !strings.Contains(out, "skipped") || !strings.Contains(out, "-") || strings.Contains(out, "100.00") {
		t.Errorf("a verification that compared nothing:\n%s", out)
	}
	r.must(exitDone, "suspend", "contacts", "--field", "phone", "--to", "hubspot", "--why", "a mapping to mend")
	const way = "resume urbanhub-contacts --field phone --to hubspot"
	if out := r.must(exitFound, "doctor"); !strings.Contains(out, "warn") || !strings.Contains(out, "a mapping to mend") || !strings.Contains(out, way) {
		t.Errorf("doctor:\n%s", out)
	}
	if out := r.must(exitFound, "verify"); !strings.Contains(out, "a mapping to mend") || !strings.Contains(out, "suspended") {
		t.Errorf("verify:\n%s", out)
	}
	var v verified
	r.object(exitFound, &v, "verify", "contacts")
	if len(v.Suspended) != 1 || v.Suspended[0].Field != "phone" {
		t.Errorf("verify --json: %+v", v)
	}
	r.must(exitDone, "verify", "deals")
	if out := r.must(exitUsage, "resume", "contacts"); !strings.Contains(out, way) {
		t.Errorf("what is to be resumed:\n%s", out)
	}
	r.must(exitDone, strings.Fields(way)...)
	r.must(exitDone, "verify")
	for _, note := range []string{"suspend: flow urbanhub-contacts, field phone, to ", "resume: flow urbanhub-contacts, field phone, to "} {
		if !r.noted("crmsyncd: ana: " + note) {
			t.Errorf("the audit has no %q", note)
		}
	}
}

// A verification wants a share of the pairs that there can be.
func TestVerifyWantsAShare(t *testing.T) {
	r := newRig(t, "")
	r.must(exitDone, "migrate")
	for _, args := range [][]string{{"--percent", "101"}, {"--percent=-1"}, {"--most=-1"}} {
		r.must(exitUsage, append([]string{"verify"}, args...)...)
	}
}
