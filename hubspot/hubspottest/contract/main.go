// Command contract runs HubSpot's own Node client (npm @hubspot/api-client) against the simulated account, to show that
// the simulator speaks what the vendor's client expects. It needs Node 20 and, the first time, npm. README.md lists what
// is covered.
//
//	go run ./hubspot/hubspottest/contract
//
// It exits 1 when a step fails, or when the client made fewer than 60 different calls.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

const fewestOperations = 60

func main() {
	dir := flag.String("dir", filepath.Join("hubspot", "hubspottest", "contract"), "folder of run.mjs")
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
	account := hubspottest.NewServer(&hubspottest.Options{SearchLag: -1, SearchPerSecond: -1, Burst: -1})
	defer account.Close()
	node := command(ctx, dir, "node", "run.mjs")
	node.Env = append(os.Environ(), "HUBSPOT_ACCOUNT="+describe(account))
	if err := node.Run(); err != nil {
		return err
	}
	operations := account.Log().ByOperation()
	fmt.Printf("PASS %d calls of %d operations\n", len(account.Log().Entries()), len(operations))
	if len(operations) < fewestOperations {
		return fmt.Errorf("the client made %d different calls, want %d", len(operations), fewestOperations)
	}
	return nil
}

// describe is what the steps need to know of the account, as JSON.
func describe(account *hubspottest.Server) string {
	text, _ := json.Marshal(map[string]any{
		"url": account.URL, "token": account.Token, "portalId": account.PortalID, "appId": account.AppID,
		"clientId": account.ClientID, "clientSecret": account.ClientSecret, "developerKey": account.DeveloperKey,
		"code": account.Install(),
	})
	return string(text)
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
