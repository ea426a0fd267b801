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
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"

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
	if err := aftermath(account); err != nil {
		return err
	}
	operations := account.Log().ByOperation()
	if len(operations) < fewestOperations {
		return fmt.Errorf("the client made %d different calls, want %d", len(operations), fewestOperations)
	}
	fmt.Printf("PASS %d calls of %d operations\n", len(account.Log().Entries()), len(operations))
	return nil
}

// blocked runs custom workflow actions whose receiver blocks, and returns the ids of the callbacks that the workflow waits for.
func blocked(account *hubspottest.Server, n int) []string {
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"outputFields":{"hs_execution_state":"BLOCK"}}`)
	}))
	defer receiver.Close()
	contact := account.Create(map[string]string{"firstname": "Ana"})
	var ids []string
	for range n {
		ids = append(ids, account.RunAction(hubspottest.ActionCall{URL: receiver.URL, ObjectID: contact}))
	}
	account.Idle()
	return ids
}

// aftermath looks at what answers without a body do not tell: each event was kept once, and each action ended well.
func aftermath(account *hubspottest.Server) error {
	var uuids []string
	for _, e := range account.CustomEvents() {
		uuids = append(uuids, e.UUID)
	}
	if want := []string{"one", "two", "three", "four"}; !slices.Equal(uuids, want) {
		return fmt.Errorf("the account kept the events %v, want %v", uuids, want)
	}
	for _, run := range account.ActionRuns() {
		if run.State != "SUCCESS" || run.Outputs["message_id"] != "m-1" {
			return fmt.Errorf("action %s ended as %q with %v", run.CallbackID, run.State, run.Outputs)
		}
	}
	return nil
}

// describe is what the steps need to know of the account, as JSON.
func describe(account *hubspottest.Server) string {
	text, _ := json.Marshal(map[string]any{
		"url": account.URL, "token": account.Token, "portalId": account.PortalID, "appId": account.AppID,
		"clientId": account.ClientID, "clientSecret": account.ClientSecret, "developerKey": account.DeveloperKey,
		"code": account.Install(), "callbacks": blocked(account, 4),
		"tightToken": tight(account).Token,
	})
	return string(text)
}

// tight adds an account with small quotas, whose clock stands still so that they never refill.
func tight(account *hubspottest.Server) *hubspottest.Account {
	now := time.Now()
	return account.AddAccount(&hubspottest.Options{Burst: 2, SearchPerSecond: 1, Clock: func() time.Time { return now }})
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
