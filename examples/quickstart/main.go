// Quickstart runs crmsync between a simulated Bird workspace and a simulated
// HubSpot account, all in this process: real HTTP on loopback, no account, no
// database, nothing leaves the machine. It plays a story, narrates it, and
// measures at the end that both sides agree.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -json -contacts 500 -seed 7
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	contacts := flag.Int("contacts", 60, "how many leads wait in Bird at the start (10 to 5000)")
	seed := flag.Uint64("seed", 1, "varies the people and the edits")
	asJSON := flag.Bool("json", false, "print only the final table, as one JSON object (the story goes to standard error)")
	flag.Parse()
	if *contacts < 10 || *contacts > 5000 {
		fmt.Fprintln(os.Stderr, "quickstart: -contacts must be from 10 to 5000")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if !run(ctx, *contacts, *seed, *asJSON) {
		stop()
		os.Exit(1)
	}
}

// run plays the story and prints the report; it reports whether all is well.
func run(ctx context.Context, contacts int, seed uint64, asJSON bool) bool {
	var story, table io.Writer = os.Stdout, os.Stdout
	if asJSON {
		story = os.Stderr
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(contacts)*200*time.Millisecond)
	defer cancel()
	rep, err := play(ctx, contacts, seed, story)
	if err != nil {
		rep.Disagreements = append(rep.Disagreements, err.Error())
	}
	rep.Pass = len(rep.Disagreements) == 0
	if asJSON {
		if err := json.NewEncoder(table).Encode(rep); err != nil {
			return false
		}
	} else {
		rep.print(table)
	}
	return rep.Pass
}
