//go:build unix

package chaos

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

var duration = flag.Duration("duration", 0, "how long to go on; 0 is one short round of each deployment")

func TestMain(m *testing.M) {
	if os.Getenv(engineEnv) != "" {
		if err := engineMain(); err != nil {
			fmt.Fprintln(os.Stderr, "engine:", err)
			os.Exit(1)
		}
		return
	}
	// Toxiproxy waits for ever to hand on what a killed process would have read.
	goleak.VerifyTestMain(redistest.Main(pgtest.Main(m)), goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"))
}

// A deployment is what engine processes share.
type deployment struct {
	store, queue string
	processes    int
	// keyless is an account in which notes are made once by intents and
	// reading back alone. These must not get lost with the end of a log.
	keyless bool
	// upgraded processes are replaced, one after the other, by those of the
	// next release.
	upgraded bool
}

var deployments = []deployment{
	{store: inPostgres, queue: inPostgres, processes: 2, upgraded: true}, // first, as the next release is built meanwhile
	{store: inPostgres, queue: inPostgres, processes: 2, keyless: true},
	{store: inPostgres, queue: inRedis, processes: 2, keyless: true},
	{store: inRedis, queue: inRedis, processes: 2},
	{store: inSQLite, queue: inSQLite, processes: 1, keyless: true},
}

func (d deployment) String() string {
	name := d.store + "+" + d.queue
	if d.upgraded {
		name += ", upgraded"
	}
	return name
}

func (d deployment) uses(in string) bool { return d.store == in || d.queue == in }

// Whatever befalls a deployment, no edit is lost, nothing is there twice, and
// both sides agree in the end.
func TestChaos(t *testing.T) {
	rage, end := 6*time.Second, time.Now().Add(*duration)
	if *duration > 0 {
		rage = 15 * time.Second
	}
	found, next := &reports{of: map[string]*report{}}, &nextRelease{dir: t.TempDir()}
	var n atomic.Int64
	var lanes stdsync.WaitGroup
	for range 3 { // most of the time is spent on waiting
		lanes.Go(func() {
			for k := int(n.Add(1) - 1); k < len(deployments) || time.Now().Before(end); k = int(n.Add(1) - 1) {
				d := deployments[k%len(deployments)]
				t.Run(d.String(), func(t *testing.T) { found.add(d.String(), round(t, d, rage, next)) })
			}
		})
	}
	lanes.Wait()
	fmt.Printf("chaos:\n%s", found)
}

// round lets faults rage, and judges what is left.
func round(t *testing.T, d deployment, rage time.Duration, next *nextRelease) report {
	t.Helper()
	g := begin(t, d)
	happens := g.rage
	if d.upgraded {
		program := next.build(t)
		happens = func(ctx context.Context) error { return g.upgrade(ctx, program, rage) }
	}
	g.underLoad(t, rage, happens)
	r := g.verdict(t)
	if d.upgraded {
		next.installed(t, g)
	}
	return r
}

// begin starts a town and a deployment for it.
func begin(t *testing.T, d deployment) *ground {
	t.Helper()
	v, err := newTown(t.Context(), d.keyless)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.close)
	g, s := newGround(t, d)
	g.town = v
	s.Bird, s.Workspace, s.AccessKey = g.far(t, v.bird.URL), v.bird.WorkspaceID, v.bird.AccessKey
	s.HubSpot, s.Token, s.Unique = g.far(t, v.hubspot.URL), v.hubspot.Token, v.unique
	if g.fleet, err = launch(t.Context(), s, d.processes, v.took); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.fleet.close)
	if !g.fleet.serving(t.Context()) {
		t.Fatalf("the processes do not serve:\n%s", g.fleet.said.lines(20))
	}
	v.tell(g.fleet.settings.Webhooks)
	return g
}

// underLoad lets people live for a while in which something happens.
func (g *ground) underLoad(t *testing.T, d time.Duration, happens func(context.Context) error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	var all errgroup.Group
	all.Go(func() error { return g.town.live(ctx, rand.New(rand.NewPCG(rand.Uint64(), 1)), 40) })
	if err := happens(ctx); err != nil {
		t.Error(err)
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d of %d notes were written meanwhile", len(g.town.hubspot.Objects("notes")), len(g.town.facts))
}

// verdict reports what is wrong at rest.
func (g *ground) verdict(t *testing.T) report {
	t.Helper()
	v, began := g.town, time.Now()
	found := v.rest(t.Context(), g.fleet)
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	last := 60 // lines of what the processes said
	tally, err := found.audit(ctx, g.fleet)
	if err != nil {
		found.add("the engine does not answer: %v", err)
		g.fleet.dump(t.Context())
		last = 10_000
	}
	r := report{rounds: 1, kills: int(g.fleet.kills.Load()), restarts: g.restarts, edits: v.edits, facts: len(v.facts),
		messages: v.messages(), lost: len(found.lost), doubled: len(found.doubled), forgotten: len(found.forgotten), compared: tally.Compared, equal: tally.Equal, befell: g.befell}
	t.Logf("%d kills, %d restarts of servers, at rest after %s", r.kills, r.restarts, time.Since(began).Round(100*time.Millisecond))
	for _, what := range found.forgotten {
		t.Logf("forgotten: %s", what)
	}
	for _, all := range [][]string{found.lost, found.doubled, found.other} {
		for _, what := range all[:min(len(all), 10)] {
			t.Error(what)
		}
	}
	if t.Failed() {
		for _, lost := range found.values[:min(len(found.values), 3)] {
			t.Logf("%s:\n%s", lost.missing, g.why(t.Context(), lost.of))
		}
		t.Logf("what the processes said last:\n%s", g.fleet.said.lines(last))
	}
	return r
}
