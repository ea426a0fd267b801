//go:build unix

package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

// ground is what a deployment stands on, and all that can befall it.
type ground struct {
	fleet    *fleet
	town     *town
	postgres *pgtest.Server
	redis    *redistest.Server
	wires    []*toxiproxy.Proxy // between the processes and the servers
	small    string             // a folder on a disk that fills up, "" for none
	restarts int
	befell   map[string]int
}

// newGround starts the servers that the deployment needs.
func newGround(t *testing.T, d deployment) (*ground, settings) {
	t.Helper()
	g := &ground{befell: map[string]int{}}
	s := settings{Store: d.store, Queue: d.queue}
	if d.uses(inPostgres) {
		g.postgres = pgtest.Start(t)
		s.Postgres = strings.Replace(g.postgres.DSN, g.postgres.Addr, g.wire(t, g.postgres.Addr), 1)
	}
	if d.uses(inRedis) {
		g.redis = redistest.Start(t, "--appendfsync", "always", "--maxmemory-policy", "noeviction")
		s.Redis = g.wire(t, g.redis.Addr)
	}
	if d.uses(inSQLite) {
		g.small = smallDisk(t)
		s.File = filepath.Join(g.small, "crmsync.db")
	}
	return g, s
}

// wire puts a proxy before a server and returns its address.
func (g *ground) wire(t *testing.T, server string) string {
	t.Helper()
	proxy := toxiproxy.NewProxy(silent(toxiproxy.NewServer, toxiproxy.NewMetricsContainer(nil)), server, "127.0.0.1:0", server)
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	g.wires = append(g.wires, proxy)
	return proxy.Listen
}

// silent makes a server with the zero logger, which says nothing.
func silent[M, L any](newServer func(M, L) *toxiproxy.ApiServer, m M) *toxiproxy.ApiServer {
	var logger L
	return newServer(m, logger)
}

// smallDisk mounts a disk of a few megabytes, where that is permitted.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", dir).CombinedOutput()
	if err != nil {
		fmt.Printf("chaos: no tmpfs can be mounted here, so the disk is never full: %v %s\n", err, out)
		return dir
	}
	t.Cleanup(func() {
		if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// A fault is something that goes wrong.
type fault struct {
	name   string
	weight int
	can    func(*ground) bool
	do     func(context.Context, *ground) error
}

func always(*ground) bool        { return true }
func hasPostgres(g *ground) bool { return g.postgres != nil }
func hasRedis(g *ground) bool    { return g.redis != nil }
func hasWire(g *ground) bool     { return len(g.wires) > 0 }
func hasDisk(g *ground) bool     { return mounted(g.small) }

var faults = []fault{
	{"a process is killed", 20, always, func(_ context.Context, g *ground) error { g.killOne(); return nil }},
	{"all processes are killed", 4, always, func(_ context.Context, g *ground) error { g.killAll(); return nil }},
	{"PostgreSQL is shut down at once", 1, hasPostgres, func(_ context.Context, g *ground) error { return g.restartPostgres(syscall.SIGQUIT) }},
	{"PostgreSQL is killed", 1, hasPostgres, func(_ context.Context, g *ground) error { return g.restartPostgres(syscall.SIGKILL) }},
	{"Redis is killed in the middle of a write", 1, hasRedis, func(_ context.Context, g *ground) error { return g.tearRedis() }},
	{"Redis loses the end of its log", 1, hasRedis, func(ctx context.Context, g *ground) error { return g.cutRedis(ctx) }},
	{"connections break", 2, hasWire, func(ctx context.Context, g *ground) error { return g.cut(ctx) }},
	{"connections stall", 2, hasWire, func(ctx context.Context, g *ground) error { return g.delay(ctx) }},
	{"the disk is full", 3, hasDisk, func(ctx context.Context, g *ground) error { return g.fill(ctx) }},
}

// rage lets faults befall the deployment until ctx ends.
func (g *ground) rage(ctx context.Context) error {
	var possible []*fault
	for i := range faults {
		for range faults[i].weight {
			if faults[i].can(g) {
				possible = append(possible, &faults[i])
			}
		}
	}
	for pause(ctx, between(100*time.Millisecond, 500*time.Millisecond)) {
		f := possible[rand.IntN(len(possible))]
		if err := f.do(ctx, g); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		g.befell[f.name]++
	}
	return nil
}

// pause waits, and reports whether the context goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func between(from, to time.Duration) time.Duration {
	return from + time.Duration(rand.Int64N(int64(to-from)))
}

func (g *ground) killOne() { g.fleet.kill(g.fleet.members[rand.IntN(len(g.fleet.members))]) }

func (g *ground) killAll() {
	for _, m := range g.fleet.members {
		g.fleet.kill(m)
	}
}

func (g *ground) restartPostgres(signal syscall.Signal) error {
	g.postgres.Stop(signal)
	g.restarts++
	return g.postgres.Restart()
}

// tearRedis leaves the last write in its log half done, as a crash does.
// Nothing that was acknowledged is lost, because of appendfsync always.
func (g *ground) tearRedis() error {
	g.redis.Kill()
	g.restarts++
	log, err := os.OpenFile(g.redis.Log(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.WriteString(log, "*3\r\n$3\r\nSET\r\n$40\r\nhalf a k")
	if err = errors.Join(err, log.Close()); err == nil {
		g.redis.Restart()
	}
	return err
}

// cutRedis is the machine of everything losing power without appendfsync
// always: the last half second is gone although it was acknowledged. Nobody
// tells a fact of that time again, which redisqueue says of itself; all
// else has to be found.
func (g *ground) cutRedis(ctx context.Context) error {
	safe, err := os.Stat(g.redis.Log())
	if err != nil {
		return err
	}
	from := time.Now().Add(-late)
	pause(ctx, between(50*time.Millisecond, 500*time.Millisecond))
	g.killAll()
	g.redis.Kill()
	g.restarts++
	g.town.gone = append(g.town.gone, span{from, time.Now()})
	now, err := os.Stat(g.redis.Log())
	if err != nil {
		return err
	}
	g.redis.CutLog(rand.Int64N(now.Size() - safe.Size() + 1))
	g.redis.Restart()
	return nil
}

// late is how long a fact may be under way to the queue.
const late = 3 * time.Second

// cut breaks the connections to a server and refuses new ones for a while.
func (g *ground) cut(ctx context.Context) error {
	wire := g.wires[rand.IntN(len(g.wires))]
	wire.Stop()
	pause(ctx, between(50*time.Millisecond, time.Second))
	return wire.Start()
}

// delay makes a server's answers late for a while.
func (g *ground) delay(ctx context.Context) error {
	wire := g.wires[rand.IntN(len(g.wires))]
	toxic := fmt.Sprintf(`{"type": "latency", "attributes": {"latency": %d, "jitter": 50}}`, between(50, 400))
	added, err := wire.Toxics.AddToxicJson(strings.NewReader(toxic))
	if err != nil {
		return err
	}
	pause(ctx, between(200*time.Millisecond, time.Second))
	return wire.Toxics.RemoveToxic(context.WithoutCancel(ctx), added.Name)
}

// fill fills the disk for a while.
func (g *ground) fill(ctx context.Context) error {
	ballast := filepath.Join(g.small, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		return err
	}
	for block := make([]byte, 1<<16); err == nil; {
		_, err = file.Write(block)
	}
	_ = file.Close() // it is full
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	pause(ctx, between(200*time.Millisecond, 2*time.Second))
	return os.Remove(ballast)
}

// mounted reports whether a folder is on another disk than its parent.
func mounted(dir string) bool {
	var own, above syscall.Stat_t
	return dir != "" && syscall.Stat(dir, &own) == nil && syscall.Stat(filepath.Dir(dir), &above) == nil && own.Dev != above.Dev
}
