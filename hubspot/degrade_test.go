package hubspot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDegradedFields(t *testing.T) {
	var d degraded
	if d.set(Deal, "amount", "") || d.of(Deal)["amount"] != "" {
		t.Error("a field that was well is well: no news")
	}
	for _, step := range []struct {
		rule string
		news bool
	}{{"property.exists", true}, {"property.type", false}, {"", true}, {"", false}, {"property.exists", true}} {
		if got := d.set(Deal, "amount", step.rule); got != step.news {
			t.Errorf("set to %q: news %v, want %v", step.rule, got, step.news)
		}
	}
	held := d.of(Deal)
	held["amount"] = "changed by the caller"
	if diff := cmp.Diff(map[string]string{"amount": "property.exists"}, d.of(Deal)); diff != "" {
		t.Error(diff)
	}
	if len(d.of(Contact)) != 0 {
		t.Error("contacts have no degraded fields")
	}
}
