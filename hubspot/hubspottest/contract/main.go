// Command contract runs HubSpot's own Node client (npm @hubspot/api-client) against the simulated account, to show that
// the simulator speaks what the vendor's client expects. It needs Node 20 and, the first time, npm.
//
//	go run ./hubspot/hubspottest/contract
//
// It exits 1 when a step fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

func main() {
	dir := flag.String("dir", filepath.Join("hubspot", "hubspottest", "contract"), "folder of contract.mjs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "contract:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	if err := install(ctx, dir); err != nil {
		return err
	}
	account := hubspottest.NewServer(&hubspottest.Options{SearchLag: -1, SearchPerSecond: -1})
	defer account.Close()
	node := command(ctx, dir, "node", "contract.mjs")
	node.Env = append(os.Environ(), "HUBSPOT_URL="+account.URL, "HUBSPOT_TOKEN="+account.Token)
	return node.Run()
}

// install fetches the client unless it is there.
func install(ctx context.Context, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "@hubspot", "api-client")); err == nil {
		return nil
	}
	return command(ctx, dir, "npm", "ci", "--ignore-scripts").Run()
}

func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Stdout, c.Stderr = dir, os.Stdout, os.Stderr
	return c
}
