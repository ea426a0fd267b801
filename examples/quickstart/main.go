// Quickstart runs crmsync between a simulated Bird workspace and a simulated
// HubSpot account, all in this process: real HTTP on loopback, no account, no
// database, nothing leaves the machine. It plays a story, narrates it, and
// measures at the end that both sides agree.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -serve
//	go run ./examples/quickstart -json -contacts 500 -seed 7
//
// With -serve it goes on after the story and serves the dashboard on loopback.
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
	serve := flag.Bool("serve", false, "go on after the story and serve the dashboard")
	addr := flag.String("addr", "127.0.0.1:8686", "where -serve listens; a taken port is replaced by a free one")
	flag.Parse()
	if *contacts < 10 || *contacts > 5000 {
		fmt.Fprintln(os.Stderr, "quickstart: -contacts must be from 10 to 5000")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if !*serve {
		*addr = ""
	}
	if !run(ctx, *contacts, *seed, *asJSON, *addr) {
		stop()
		os.Exit(1)
	}
}

// run plays the story and prints the report; it reports whether all is well.
// With an address it serves the dashboard there until ctx ends.
func run(ctx context.Context, contacts int, seed uint64, asJSON bool, addr string) bool {
	var out, table io.Writer = os.Stdout, os.Stdout
	if asJSON {
		out = os.Stderr
	}
	s, err := begin(ctx, contacts, seed, out)
	defer s.close()
	if err == nil {
		playing, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(contacts)*200*time.Millisecond)
		err = s.play(playing)
		cancel()
	}
	rep := &s.rep
	if err != nil {
		rep.Disagreements = append(rep.Disagreements, err.Error())
	}
	rep.Pass = len(rep.Disagreements) == 0
	if asJSON {
		err = json.NewEncoder(table).Encode(rep)
	} else {
		rep.print(table)
	}
	if err == nil && addr != "" {
		err = s.serve(ctx, addr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
	}
	return rep.Pass && err == nil
}
