// Package pgtest gives each test an empty PostgreSQL database of its own on
// the server that the variable CRMSYNC_TEST_POSTGRES names. make test starts
// one; without it the tests that need one are skipped, and nowhere else is a
// skip allowed.
package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Variable names the environment variable with the server's DSN, as a URL or
// in keywords. Its user makes databases and roles.
const Variable = "CRMSYNC_TEST_POSTGRES"

// patience is how long the server may take for one thing: a machine whose disk
// is busy takes its time to make or drop a database.
const patience = 2 * time.Minute

// skipped counts the tests that were skipped for want of a server.
var skipped atomic.Int64

// Open returns a pool on a new, empty database, which goes with the test. The
// changes are made to the pool's configuration first.
func Open(tb testing.TB, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	return Connect(tb, Database(tb), change...)
}

// Connect returns a pool on a database of [Database], which closes with the
// test.
func Connect(tb testing.TB, dsn string, change ...func(*pgxpool.Config)) *pgxpool.Pool {
	tb.Helper()
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range change {
		c(config)
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(tb.Context()), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	return pool
}

// Database makes a new, empty database and returns its DSN. It is dropped
// with the test, whoever still uses it.
func Database(tb testing.TB) string {
	tb.Helper()
	server := os.Getenv(Variable)
	if server == "" {
		skipped.Add(1)
		tb.Skipf("needs PostgreSQL: set %s or run make test", Variable)
	}
	name := "crmsync_test_" + strings.ToLower(rand.Text()[:16])
	// Nobody is ever connected to template0, so nothing blocks its copy.
	execute(tb, server, "CREATE DATABASE "+name+" TEMPLATE template0")
	tb.Cleanup(func() { execute(tb, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	dsn, err := within(server, name)
	if err != nil {
		tb.Fatal(err)
	}
	return dsn
}

// execute runs one statement on a connection of its own.
func execute(tb testing.TB, dsn, sql string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		tb.Fatalf("the server of %s: %v", Variable, err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		tb.Fatal(err)
	}
}

// within returns the DSN of another database of a server.
func within(server, name string) (string, error) {
	if !strings.Contains(server, "://") {
		return server + " dbname=" + name, nil // the last one counts
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("%s is no DSN", Variable) // the cause may show a password
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Role makes a role without rights on the server of the pool, for connections
// that set it as their role, and drops it with the test.
func Role(tb testing.TB, pool *pgxpool.Pool) string {
	tb.Helper()
	role := "crmsync_test_" + strings.ToLower(rand.Text()[:16])
	dsn := pool.Config().ConnString()
	execute(tb, dsn, "CREATE ROLE "+role)
	tb.Cleanup(func() { execute(tb, dsn, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	return role
}
