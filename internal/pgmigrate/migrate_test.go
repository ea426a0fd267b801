package pgmigrate_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/internal/pgmigrate"
	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }

const schema = "Odd \"name"

// steps are the files of three migrations; the second suits code that knows
// the first.
var steps = [][2]string{
	{"CREATE TABLE one (id int); INSERT INTO one VALUES (1);", "DROP TABLE one;"},
	{"-- compatible_from: 1\nALTER TABLE one ADD COLUMN more text;", "ALTER TABLE one DROP COLUMN more;"},
	{"ALTER TABLE one RENAME TO two;", "ALTER TABLE two RENAME TO one;"},
}

// files holds the first n migrations.
func files(n int) fs.FS {
	out := fstest.MapFS{}
	for i, s := range steps[:n] {
		prefix := []string{"0001_first", "0002_second", "0003_third"}[i]
		out[prefix+".up.sql"] = &fstest.MapFile{Data: []byte(s[0])}
		out[prefix+".down.sql"] = &fstest.MapFile{Data: []byte(s[1])}
	}
	return out
}

func load(t *testing.T, name string, n int) *pgmigrate.Migrations {
	t.Helper()
	m, err := pgmigrate.Load(name, files(n))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error says everything in words.
func refused(t *testing.T, err error, action sync.Action, words ...string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action {
		t.Fatalf("got %v, want action %v", err, action)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not tell of %q", err, w)
		}
	}
}

func TestUpAndDown(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Open(t)
	m := load(t, "store", 3)
	refused(t, m.Check(ctx, pool, schema), sync.Fatal, "missing", "run Migrate")
	ok(t, m.Up(ctx, pool, schema))
	ok(t, m.Up(ctx, pool, schema))
	ok(t, m.Check(ctx, pool, schema, "two"))
	var more *string
	ok(t, pool.QueryRow(ctx, `SELECT more FROM "Odd ""name".two WHERE id = 1`).Scan(&more))
	ok(t, m.Down(ctx, pool, schema, 1))
	refused(t, m.Check(ctx, pool, schema), sync.Fatal, "version 1", "needs 3", "run Migrate")
	ok(t, pool.QueryRow(ctx, `SELECT NULL::text FROM "Odd ""name".one WHERE id = 1`).Scan(&more))
	ok(t, m.Up(ctx, pool, schema))
	ok(t, m.Down(ctx, pool, schema, 0))
	refused(t, m.Check(ctx, pool, schema), sync.Fatal, "missing")
}

// Old and new releases meet over one schema.
func TestVersionsSideBySide(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Open(t)
	first, second, third := load(t, "store", 1), load(t, "store", 2), load(t, "store", 3)
	ok(t, first.Up(ctx, pool, schema))
	ok(t, second.Up(ctx, pool, schema))
	ok(t, first.Check(ctx, pool, schema, "one"))
	ok(t, first.Up(ctx, pool, schema))
	ok(t, third.Up(ctx, pool, schema))
	for _, old := range []*pgmigrate.Migrations{first, second} {
		refused(t, old.Check(ctx, pool, schema), sync.Fatal, "version 3", "newer release")
		refused(t, old.Up(ctx, pool, schema), sync.Fatal, "version 3", "newer release")
		refused(t, old.Down(ctx, pool, schema, 0), sync.Fatal, "version 3", "not known")
	}
}

func TestNamesAreApart(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Open(t)
	ok(t, load(t, "store", 1).Up(ctx, pool, schema))
	refused(t, load(t, "queue", 1).Check(ctx, pool, schema), sync.Fatal, "missing")
}

func TestEverybodyMigratesAtOnce(t *testing.T) {
	pool, m := pgtest.Open(t), load(t, "store", 3)
	group, ctx := errgroup.WithContext(t.Context())
	for range 8 {
		group.Go(func() error { return m.Up(ctx, pool, schema) })
	}
	ok(t, group.Wait())
	var n int
	ok(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM "Odd ""name".two`).Scan(&n))
	if n != 1 {
		t.Errorf("a migration was applied %d times", n)
	}
}

// A migration that fails leaves nothing of itself.
func TestAFailureIsTakenBack(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Open(t)
	bad, err := pgmigrate.Load("store", fstest.MapFS{
		"0001_bad.up.sql":   {Data: []byte("CREATE TABLE one (); SELECT 1/0;")},
		"0001_bad.down.sql": {Data: []byte("DROP TABLE one;")},
	})
	ok(t, err)
	refused(t, bad.Up(ctx, pool, schema), sync.Invalid, "0001_bad.up.sql", "22012")
	ok(t, load(t, "store", 1).Up(ctx, pool, schema))
}

func TestReadOnlyServer(t *testing.T) {
	ctx, dsn := t.Context(), pgtest.Database(t)
	m := load(t, "store", 1)
	ok(t, m.Up(ctx, pgtest.Connect(t, dsn), schema))
	replica := pgtest.Connect(t, dsn, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	})
	for what, err := range map[string]error{"Check": m.Check(ctx, replica, schema), "Up": m.Up(ctx, replica, schema), "Down": m.Down(ctx, replica, schema, 0)} {
		t.Run(what, func(t *testing.T) { refused(t, err, sync.Retry, "read-only", "primary") })
	}
}

// A role without rights learns what to ask for.
func TestPermissions(t *testing.T) {
	ctx, pool := t.Context(), pgtest.Open(t)
	m := load(t, "store", 1)
	ok(t, m.Up(ctx, pool, schema))
	run := func(do func(poor *pgxpool.Pool) error, grants ...string) error {
		role := pgtest.Role(t, pool)
		for _, g := range grants {
			_, err := pool.Exec(ctx, g+" TO "+role)
			ok(t, err)
		}
		return do(pgtest.Connect(t, pool.Config().ConnString(), func(c *pgxpool.Config) {
			c.ConnConfig.RuntimeParams["role"] = role
		}))
	}
	check := func(poor *pgxpool.Pool) error { return m.Check(ctx, poor, schema, "one") }
	const usage, reading = `GRANT USAGE ON SCHEMA "Odd ""name"`, `GRANT SELECT ON ALL TABLES IN SCHEMA "Odd ""name"`
	refused(t, run(check), sync.Denied, "grant")
	refused(t, run(check, usage, reading), sync.Denied, "INSERT on one", "GRANT")
	ok(t, run(check, usage, `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "Odd ""name"`))
	refused(t, run(func(poor *pgxpool.Pool) error { return m.Up(ctx, poor, "elsewhere") }), sync.Denied, "grant")
}

func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	pool := pgtest.Open(t)
	cancel()
	if err := load(t, "store", 1).Up(ctx, pool, schema); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for what, f := range map[string]fstest.MapFS{
		"nothing":             {},
		"a strange name":      {"first.sql": {}},
		"no way back":         {"0001_a.up.sql": {Data: []byte("SELECT 1")}},
		"a gap":               {"0002_a.up.sql": {Data: []byte("SELECT 1")}, "0002_a.down.sql": {Data: []byte("SELECT 1")}},
		"two of one number":   {"0001_a.up.sql": {Data: []byte("SELECT 1")}, "0001_b.down.sql": {Data: []byte("SELECT 1")}},
		"a future as its own": {"0001_a.up.sql": {Data: []byte("-- compatible_from: 2\n")}, "0001_a.down.sql": {Data: []byte("SELECT 1")}},
	} {
		if _, err := pgmigrate.Load("store", f); err == nil {
			t.Errorf("Load took %s", what)
		}
	}
}
