package simtest

import (
	"flag"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMinimiseKeepsWhatFails(t *testing.T) {
	var list []int
	for i := range 50 {
		list = append(list, i)
	}
	got := minimise(list, func(l []int) bool { return slices.Contains(l, 3) && slices.Contains(l, 41) })
	if !slices.Equal(got, []int{3, 41}) {
		t.Errorf("got %v", got)
	}
	if got := minimise(list, func([]int) bool { return true }); len(got) != 0 {
		t.Errorf("what fails always needs nothing, got %v", got)
	}
}

// A failure becomes small, tells its story, and its flags replay it.
func TestShrunkFailureIsReplayedByItsFlags(t *testing.T) {
	cfg := Config{Wrap: wrongTie()}
	var failed Result
	for seed := uint64(1); !failed.Failed(); seed++ {
		failed = Simulate(t, seed, cfg)
	}
	small, replay := Shrink(t, failed, cfg)
	if len(replay.Keep) >= len(failed.Script) || len(small.Faults) > len(failed.Faults) || len(small.Violations[0].History) == 0 {
		t.Errorf("%d actions and %d faults of %d and %d are left", len(replay.Keep), len(small.Faults), len(failed.Script), len(failed.Faults))
	}
	again := Config{Wrap: wrongTie()}
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	again.Flags(fs)
	if err := fs.Parse(strings.Fields(replay.flags(failed.Seed))); err != nil {
		t.Fatal(err)
	}
	if got := Simulate(t, again.Seed, again); got.Hash != small.Hash {
		t.Errorf("the flags %q replay another run", replay.flags(failed.Seed))
	}
}

func TestFaultsAsFlags(t *testing.T) {
	for text, want := range map[string]Config{
		"all":                  {},
		"none":                 {Faults: []FaultKind{}},
		"lose,crash-after":     {Faults: []FaultKind{Lose, CrashAfter}},
		"p1:store.base:2:fail": {Only: []Fault{{"p1", "store.base", 2, Fail}}},
	} {
		var got Config
		if err := got.parseFaults(text); err != nil || !cmp.Equal(got.Faults, want.Faults) || !cmp.Equal(got.Only, want.Only) {
			t.Errorf("%q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"sabotage", "p1:store.base:2", "p1:store.base:x:fail", "p1:store.base:2:sabotage"} {
		var c Config
		fs := flag.NewFlagSet("test", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		c.Flags(fs)
		if fs.Parse([]string{"-faults", text}) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
