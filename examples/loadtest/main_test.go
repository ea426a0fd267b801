package main

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/pgtest"
)

// The test binary is its own engine process.
func TestMain(m *testing.M) {
	if os.Getenv(engineEnv) != "" {
		if err := engineMain(); err != nil {
			fmt.Fprintln(os.Stderr, "engine:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(pgtest.Main(m).Run())
}

// A short load loses nothing; how fast it is depends on the machine.
func TestAShortLoadLosesNothing(t *testing.T) {
	pgtest.Open(t) // or skips
	f := flags{duration: 3 * time.Second, rate: 600, records: 500, engines: 2, burst: 190}
	rep, err := measure(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Lost != 0 || rep.Agreement != 1 || rep.Failures != 0 || rep.Edits != 30 || rep.Compared < 5*poolSize {
		t.Errorf("%+v", rep)
	}
}
