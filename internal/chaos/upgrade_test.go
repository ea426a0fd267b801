//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	stdsync "sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// additions are what the next release adds to the tables, so that this one can
// go on with them.
var additions = map[string]string{
	"store/pgstore": "ALTER TABLE store_link ADD COLUMN added text NOT NULL DEFAULT ''",
	"queue/pgqueue": "ALTER TABLE queue_message ADD COLUMN added text NOT NULL DEFAULT ''",
}

// A nextRelease is this program with one more migration in each package.
type nextRelease struct {
	dir      string
	mu       stdsync.Mutex
	program  string         // "" until it is built
	versions map[string]int // of the tables it brings, by package
}

// build builds the program, with the race detector if this one has it, unless
// that has been done.
func (n *nextRelease) build(t *testing.T) string {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.program != "" {
		return n.program
	}
	replace := map[string]string{}
	n.versions = map[string]int{}
	for pkg, up := range additions {
		migrations, err := filepath.Abs(filepath.Join("..", "..", pkg, "migrations"))
		if err != nil {
			t.Fatal(err)
		}
		known, err := filepath.Glob(filepath.Join(migrations, "*.up.sql"))
		if err != nil || len(known) == 0 {
			t.Fatalf("%s has %d migrations, error %v", pkg, len(known), err)
		}
		n.versions[pkg] = len(known) + 1
		for way, sql := range map[string]string{"up": fmt.Sprintf("-- compatible_from: %d\n%s;\n", len(known), up), "down": "SELECT 1;\n"} {
			file := filepath.Join(n.dir, filepath.Base(pkg)+"."+way+".sql")
			if err := os.WriteFile(file, []byte(sql), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(migrations, fmt.Sprintf("%04d_added.%s.sql", len(known)+1, way))] = file
		}
	}
	overlay, program := filepath.Join(n.dir, "overlay.json"), filepath.Join(n.dir, "next")
	text, _ := json.Marshal(map[string]any{"Replace": replace}) // plain texts
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", program, "-race="+raced(), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the next release does not build: %v\n%s", err, out)
	}
	n.program = program
	return program
}

// raced tells how this program was built: what it is made of is then compiled
// already.
func raced() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" {
				return s.Value
			}
		}
	}
	return "false"
}

// upgrade replaces one process after the other while faults rage: for a while
// both releases work side by side.
func (g *ground) upgrade(ctx context.Context, program string, whole time.Duration) error {
	phase := whole / time.Duration(len(g.fleet.members)+1)
	for _, m := range g.fleet.members {
		if err := g.rageFor(ctx, phase); err != nil {
			return err
		}
		g.fleet.replace(m, program)
		g.befell["a process is replaced by one of the next release"]++
	}
	return g.rage(ctx)
}

func (g *ground) rageFor(ctx context.Context, d time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	return g.rage(ctx)
}

// installed looks whether the tables are those of the release.
func (n *nextRelease) installed(t *testing.T, g *ground) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), g.postgres.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	for table, pkg := range map[string]string{"store_migration": "store/pgstore", "queue_migration": "queue/pgqueue"} {
		var version int
		if err := db.QueryRow(t.Context(), "SELECT max(version) FROM crmsync."+table).Scan(&version); err != nil || version != n.versions[pkg] {
			t.Errorf("the tables of %s have version %d, want %d: %v", pkg, version, n.versions[pkg], err)
		}
	}
}
