package pgtest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(Main(m)) }

// Each test has a database of its own, and it is gone afterwards.
func TestDatabasesAreApart(t *testing.T) {
	watcher, names := Open(t), map[string]bool{}
	for range 2 {
		t.Run("one", func(t *testing.T) {
			pool := Open(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
			if _, err := pool.Exec(t.Context(), "CREATE TABLE here ()"); err != nil {
				t.Fatal(err)
			}
			var name string
			if err := pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
				t.Fatal(err)
			}
			names[name] = true
		})
	}
	if len(names) != 2 {
		t.Fatalf("two tests had %d databases", len(names))
	}
	for name := range names {
		var left int
		if err := watcher.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", name).Scan(&left); err != nil || left != 0 {
			t.Errorf("database %s: %d left, error %v", name, left, err)
		}
	}
}

func TestWithin(t *testing.T) {
	for server, want := range map[string]string{
		"postgres://u:p@127.0.0.1:5432/postgres?sslmode=disable": "postgres://u:p@127.0.0.1:5432/x?sslmode=disable",
		"host=127.0.0.1 dbname=postgres":                         "host=127.0.0.1 dbname=postgres dbname=x",
	} {
		if got, err := within(server, "x"); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
		if _, err := pgxpool.ParseConfig(want); err != nil {
			t.Error(err)
		}
	}
}
