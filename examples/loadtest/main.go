// Command loadtest puts two engine processes over PostgreSQL and Redis between
// a simulated Bird workspace and a simulated HubSpot account that enforce the
// vendors' real quotas, edits records on both sides at a fixed rate while a
// backfill uses up what is left of the quotas, and tells how long edits took to
// show on the other side, how much of HubSpot's quota went into records, and
// whether both sides agree in the end.
//
//	go run ./examples/loadtest -json
//
// It starts private servers unless CRMSYNC_TEST_POSTGRES and
// CRMSYNC_TEST_REDIS name some. Then it runs a naive integration, one read,
// one search and one write per event, against fresh simulators under the same
// load.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// flags are what a run is made of.
type flags struct {
	duration time.Duration
	rate     int // live edits a minute, half of them on each side
	records  int // to backfill
	engines  int
	burst    int // HubSpot's calls in 10 s
	naive    bool
	json     bool
}

func main() {
	if os.Getenv(engineEnv) != "" {
		if err := engineMain(); err != nil {
			fmt.Fprintln(os.Stderr, "engine:", err)
			os.Exit(1)
		}
		return
	}
	var f flags
	flag.DurationVar(&f.duration, "duration", time.Minute, "how long to measure")
	flag.IntVar(&f.rate, "rate", 1000, "live edits a minute, half of them on each side")
	flag.IntVar(&f.records, "records", 100_000, "HubSpot contacts to backfill")
	flag.IntVar(&f.engines, "engines", 2, "engine processes")
	flag.IntVar(&f.burst, "burst", 190, "HubSpot's quota of calls in 10 s: 190 for the private app of a Professional account, 110 for an OAuth app")
	flag.BoolVar(&f.naive, "naive", true, "run the naive integration, too")
	flag.BoolVar(&f.json, "json", false, "print the report as JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, f); err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, f flags) error {
	if os.Getenv(postgresEnv) == "" || os.Getenv(redisEnv) == "" {
		return withServers(ctx)
	}
	rep, err := measure(ctx, f)
	if err != nil {
		return err
	}
	if f.naive {
		if rep.Naive, err = measureNaive(ctx, f); err != nil {
			return err
		}
	}
	if f.json {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(rep); err != nil {
			return err
		}
	} else {
		rep.print(os.Stdout)
	}
	if !rep.Pass {
		return errors.New("an objective was missed")
	}
	return nil
}

// The variables that name the servers.
const (
	postgresEnv = "CRMSYNC_TEST_POSTGRES"
	redisEnv    = "CRMSYNC_TEST_REDIS"
)

// withServers runs this program again beside private servers.
func withServers(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"run", "github.com/urbanhub/crmsync/internal/servers", "--", self}, os.Args[1:]...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd.Run()
}
