package websig_test

import (
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

func TestOldKeysEnd(t *testing.T) {
	end := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		until, now time.Time
		want       []string
	}{
		{time.Time{}, end, []string{"new", "old", "older"}},
		{end, end.Add(-1), []string{"new", "old", "older"}},
		{end, end, []string{"new"}},
		{end, end.Add(time.Hour), []string{"new"}},
	} {
		if got := (websig.Keys{Secrets: []string{"new", "old", "older"}, OldUntil: tt.until}).At(tt.now); !slices.Equal(got, tt.want) {
			t.Errorf("at %v of %v: %q", tt.now, tt.until, got)
		}
	}
	if got := (websig.Keys{OldUntil: end}).At(end); len(got) > 0 {
		t.Errorf("of none: %q", got)
	}
}

func TestUsableKeys(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {"a", ""}, {"a\n"}, {" a"}} {
		if (websig.Keys{Secrets: secrets}).Usable() {
			t.Errorf("%q would prove something", secrets)
		}
	}
	if !(websig.Keys{Secrets: []string{"a", "b c"}}).Usable() {
		t.Error("two good secrets are refused")
	}
}
