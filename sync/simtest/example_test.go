package simtest_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/sync/simtest"
)

// A host's test of its own mapping.
func ExampleRun() {
	test := func(t *testing.T) {
		flows, activities := simtest.Demo() // here the host's own
		r := simtest.Run(t, simtest.Config{Flows: flows, Activities: activities, Seeds: 200})
		t.Log(r) // the faults that happened, by step
	}
	_ = test // go test calls it
}

// A failure is replayed with the flags that it printed.
func ExampleConfig_Flags() {
	var cfg simtest.Config
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	cfg.Flags(fs)
	if err := fs.Parse([]string{"-seed", "7", "-faults", "p1:store.commit:7:crash-after", "-keep", "0,3"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(cfg.Seed, cfg.Only, cfg.Keep)
	// Output: 7 [p1:store.commit:7:crash-after] [0 3]
}
