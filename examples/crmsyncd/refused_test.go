package main

import (
	"strings"
	"testing"
)

// What names something that there is not is refused, with what there is, and
// noted by nobody.
func TestRefusedArguments(t *testing.T) {
	r := newRig(t, "")
	r.must(exitDone, "migrate")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"replay of no letter":          {[]string{"dlq", "replay", "1"}, "no dead letter 1;"},
		"discard of no letters":        {[]string{"dlq", "discard", "1", "2", "--why", "x", "--yes"}, "no dead letter 1, 2;"},
		"undo of no field":             {[]string{"undo", "contacts", "--field", "nothing", "--yes"}, "phone"},
		"undo of another flow's":       {[]string{"undo", "contacts", "--record", "bird:conversation:1", "--yes"}, "urbanhub-contacts"},
		"undo of no time":              {[]string{"undo", "contacts", "--since", "1h", "--until", "2h", "--yes"}, "--until"},
		"undo of no person":            {[]string{"undo", "contacts", "--record", "nobody@example.com", "--yes"}, "exactly one contact"},
		"a forecast of another flow's": {[]string{"plan", "contacts", "bird:conversation:1"}, "urbanhub-contacts"},
		"a forecast of nobody":         {[]string{"plan", "contacts", "nobody@example.com"}, "exactly one contact"},
		"no field to explain":          {[]string{"explain", "hubspot:contact:1", "--field", "nothing", "--reveal"}, "phone"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			if out := r.must(exitUsage, c.args...); !strings.Contains(out, c.says) {
				t.Errorf("it does not say %q:\n%s", c.says, out)
			}
		})
	}
	r.t = t
	if r.noted("crmsyncd: ana: ") {
		t.Error("the audit tells of what was refused")
	}
	if out := r.must(exitDone, "undo", "contacts"); strings.Contains(out, "Do it by") {
		t.Errorf("nothing is to be done:\n%s", out)
	}
}
