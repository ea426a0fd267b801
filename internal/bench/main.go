package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"slices"
	"strings"
	"time"
)

// A bench is one run of the program.
type bench struct {
	*machine
	rounds int
	scale  float64
	// engines are the names of those that take part, all if empty.
	engines []string
	report  report
}

// sections are what can be measured, in the order in which it is.
var sections = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"queues", (*bench).queues},
	{"latency", (*bench).latency},
	{"held", (*bench).held},
	{"claim", (*bench).claim},
	{"commits", (*bench).commits},
}

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start() (err error) {
	b := &bench{}
	only := flag.String("only", "", "sections to measure, by commas: queues, latency, held, claim, commits (default all)")
	engines := flag.String("engines", "", "engines to measure, by commas (default all)")
	asJSON := flag.Bool("json", false, "print the report as JSON")
	profile := flag.String("cpuprofile", "", "write a CPU profile of this process to the file")
	flag.IntVar(&b.rounds, "rounds", 3, "how often everything is repeated, one engine after the other")
	flag.Float64Var(&b.scale, "scale", 1, "how much work there is, and how long the timed parts last")
	flag.Parse()
	b.engines = list(*engines)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if b.machine, err = openMachine(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.machine.close()) }()
	if *profile != "" {
		end, err := profiling(*profile)
		if err != nil {
			return err
		}
		defer end()
	}
	if err := b.measure(ctx, list(*only)); err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(&b.report)
	}
	return b.report.write(os.Stdout)
}

// measure fills the report.
func (b *bench) measure(ctx context.Context, only []string) error {
	begin := time.Now()
	if err := b.describe(ctx); err != nil {
		return err
	}
	for _, s := range sections {
		if len(only) > 0 && !slices.Contains(only, s.name) {
			continue
		}
		if err := s.measure(b, ctx); err != nil {
			return err
		}
	}
	b.report.Took = time.Since(begin).Round(time.Second).String()
	b.report.judge()
	return nil
}

// takesPart reports whether an engine is among those asked for.
func (b *bench) takesPart(name string) bool {
	return len(b.engines) == 0 || slices.Contains(b.engines, name)
}

// scaled is n times the scale.
func (b *bench) scaled(n int) int { return max(1, int(float64(n)*b.scale)) }

func (b *bench) lasting(d time.Duration) time.Duration { return time.Duration(float64(d) * b.scale) }

func list(flag string) []string {
	return strings.FieldsFunc(flag, func(r rune) bool { return r == ',' })
}

func profiling(path string) (end func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() { pprof.StopCPUProfile(); _ = f.Close() }, nil
}

// progress tells a person what goes on.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...)
}
