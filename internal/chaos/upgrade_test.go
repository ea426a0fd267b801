//go:build unix

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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

// nextRelease builds this program with one more migration in each package, and
// returns it with the version of the tables it brings.
func nextRelease(t *testing.T) (program string, versions map[string]int) {
	t.Helper()
	dir, replace := t.TempDir(), map[string]string{}
	versions = map[string]int{}
	for pkg, up := range additions {
		migrations, err := filepath.Abs(filepath.Join("..", "..", pkg, "migrations"))
		if err != nil {
			t.Fatal(err)
		}
		known, err := filepath.Glob(filepath.Join(migrations, "*.up.sql"))
		if err != nil || len(known) == 0 {
			t.Fatalf("%s has %d migrations, error %v", pkg, len(known), err)
		}
		versions[pkg] = len(known) + 1
		for way, sql := range map[string]string{"up": fmt.Sprintf("-- compatible_from: %d\n%s;\n", len(known), up), "down": "SELECT 1;\n"} {
			file := filepath.Join(dir, filepath.Base(pkg)+"."+way+".sql")
			if err := os.WriteFile(file, []byte(sql), 0o600); err != nil {
				t.Fatal(err)
			}
			replace[filepath.Join(migrations, fmt.Sprintf("%04d_added.%s.sql", versions[pkg], way))] = file
		}
	}
	overlay, program := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "next")
	text, _ := json.Marshal(map[string]any{"Replace": replace}) // plain texts
	if err := os.WriteFile(overlay, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("the next release does not build: %v\n%s", err, out)
	}
	return program, versions
}

// Processes of this release and of the next, which brings migrations, work
// side by side while any of them is killed.
func TestRollingUpgrade(t *testing.T) {
	next, versions := nextRelease(t)
	g := begin(t, deployment{store: inPostgres, queue: inPostgres, processes: 2})
	const phase = 3 * time.Second
	g.underLoad(t, 3*phase, func(ctx context.Context) error {
		for _, m := range g.fleet.members {
			killing(ctx, g, phase)
			g.fleet.replace(m, next)
		}
		killing(ctx, g, phase)
		return nil
	})
	g.verdict(t)
	db, err := pgx.Connect(t.Context(), g.postgres.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	for table, pkg := range map[string]string{"store_migration": "store/pgstore", "queue_migration": "queue/pgqueue"} {
		var version int
		if err := db.QueryRow(t.Context(), "SELECT max(version) FROM crmsync."+table).Scan(&version); err != nil || version != versions[pkg] {
			t.Errorf("the tables of %s have version %d, want %d: %v", pkg, version, versions[pkg], err)
		}
	}
}

// killing kills now and then for a while.
func killing(ctx context.Context, g *ground, d time.Duration) {
	ctx, stop := context.WithTimeout(ctx, d)
	defer stop()
	for pause(ctx, between(300*time.Millisecond, time.Second)) {
		g.killOne()
	}
}
