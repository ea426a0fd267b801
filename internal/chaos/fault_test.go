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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
)

// ground is what a deployment stands on, and all that can befall it.
type ground struct {
	deployment
	fleet    *fleet
	town     *town
	postgres *pgtest.Server
	redis    *redistest.Server
	wires    []wire // between the processes and all that they talk to
	small    string // a folder on a disk that fills up, "" for none
	restarts int
	befell   map[string]int
}

// newGround starts the servers that the deployment needs.
func newGround(t *testing.T, d deployment) (*ground, settings) {
	t.Helper()
	g := &ground{deployment: d, befell: map[string]int{}}
	s := settings{Store: d.store, Queue: d.queue}
	if d.uses(inPostgres) {
		g.postgres = pgtest.Start(t)
		s.Postgres = strings.Replace(g.postgres.DSN, g.postgres.Addr, g.wire(t, g.postgres.Addr).Listen, 1)
	}
	if d.uses(inRedis) {
		g.redis = redistest.Start(t, "--appendfsync", "always", "--maxmemory-policy", "noeviction")
		s.Redis = g.wire(t, g.redis.Addr).Listen
	}
	if d.uses(inSQLite) {
		g.small = smallDisk(t)
		s.File = filepath.Join(g.small, "crmsync.db")
	}
	return g, s
}

// far puts a vendor as far away as it is: between its deed and its answer
// there is time to die. It returns the vendor's address.
func (g *ground) far(t *testing.T, url string) string {
	t.Helper()
	w := g.wire(t, strings.TrimPrefix(url, "http://"))
	w.Store(int64(100 * time.Millisecond))
	return "http://" + w.Listen
}

// wire lays a wire to a server.
func (g *ground) wire(t *testing.T, server string) wire {
	t.Helper()
	w := newWire(t, server)
	g.wires = append(g.wires, w)
	return w
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
func hasDisk(g *ground) bool     { return mounted(g.small) }

// canForget lets a store forget once in a round. What has to give way after
// that is told by the audit, and forgetting once more would take it away.
func canForget(g *ground) bool {
	return hasRedis(g) && (g.store != inRedis || g.town.wentBack.IsZero())
}

var faults = []fault{
	{"a process is killed", 20, always, func(_ context.Context, g *ground) error { g.killOne(); return nil }},
	{"all processes are killed", 4, always, func(_ context.Context, g *ground) error { g.killAll(); return nil }},
	{"PostgreSQL is shut down at once", 1, hasPostgres, func(_ context.Context, g *ground) error { return g.restartPostgres(syscall.SIGQUIT) }},
	{"PostgreSQL is killed", 1, hasPostgres, func(_ context.Context, g *ground) error { return g.restartPostgres(syscall.SIGKILL) }},
	{"Redis is killed in the middle of a write", 1, hasRedis, func(_ context.Context, g *ground) error { return g.tearRedis() }},
	{"Redis loses the end of its log", 1, canForget, func(ctx context.Context, g *ground) error { return g.cutRedis(ctx) }},
	{"connections break", 3, always, func(ctx context.Context, g *ground) error { return g.cut(ctx) }},
	{"connections stall", 3, always, func(ctx context.Context, g *ground) error { return g.delay(ctx) }},
	{"the disk is full", 3, hasDisk, func(ctx context.Context, g *ground) error { return g.fill(ctx) }},
}

// rage lets faults befall the deployment until ctx ends: each that is possible
// once, and then as often as is likely.
func (g *ground) rage(ctx context.Context) error {
	var likely, next []*fault
	for i := range faults {
		if f := &faults[i]; f.can(g) {
			likely = append(likely, slices.Repeat([]*fault{f}, f.weight)...)
			if g.befell[f.name] == 0 {
				next = append(next, f)
			}
		}
	}
	for g.atWork(ctx) {
		if len(next) == 0 {
			next = slices.DeleteFunc(slices.Clone(likely), func(f *fault) bool { return !f.can(g) })
		}
		k := 0 // the first to befall it is a kill
		if len(g.befell) > 0 {
			k = rand.IntN(len(next))
		}
		f := next[k]
		next = slices.Delete(next, k, k+1)
		if !f.can(g) {
			continue
		}
		if err := f.do(ctx, g); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		g.befell[f.name]++
	}
	return nil
}

// atWork waits until the processes have written something, so that the next
// fault strikes them at work, or have had time to. It reports whether the
// context goes on.
func (g *ground) atWork(ctx context.Context) bool {
	const some = 5
	before, end := g.town.writes(), time.Now().Add(2*time.Second)
	for g.town.writes() < before+some && time.Now().Before(end) && pause(ctx, 10*time.Millisecond) {
	}
	return pause(ctx, between(0, 200*time.Millisecond))
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
// always: the last half second is gone although it was acknowledged. A fact
// of that time nobody tells again, which redisqueue says of itself. Of two
// edits the order may not be known any more if the store is in Redis, and the
// audit tells so. All else has to be found.
func (g *ground) cutRedis(ctx context.Context) error {
	from, log, safe := time.Now(), g.redis.Log(), g.redis.LogSize()
	pause(ctx, between(50*time.Millisecond, 500*time.Millisecond))
	g.redis.Kill()
	g.killAll() // nobody may remember what the store forgets
	g.restarts++
	if g.redis.Log() != log {
		safe = 0 // a new log was begun meanwhile
	}
	g.redis.CutLog(rand.Int64N(g.redis.LogSize() - safe + 1))
	g.town.gone = append(g.town.gone, span{from, time.Now()})
	if g.store == inRedis && g.town.wentBack.IsZero() {
		g.town.wentBack = from
	}
	g.redis.Restart()
	return nil
}

// cut breaks the connections to a server and refuses new ones for a while.
func (g *ground) cut(ctx context.Context) error {
	w := g.wires[rand.IntN(len(g.wires))]
	w.Stop()
	pause(ctx, between(50*time.Millisecond, time.Second))
	return w.Start()
}

// delay makes a server's answers late for a while.
func (g *ground) delay(ctx context.Context) error {
	w := g.wires[rand.IntN(len(g.wires))]
	defer w.Store(w.Swap(int64(between(100*time.Millisecond, 500*time.Millisecond))))
	pause(ctx, between(200*time.Millisecond, time.Second))
	return nil
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
