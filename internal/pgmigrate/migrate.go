package pgmigrate

import (
	"context"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// Up makes the schema if it is missing and applies what is not applied yet.
// It waits for another process that does the same. Tables of a newer version
// stay as they are, and are refused like [Migrations.Check] does.
func (m *Migrations) Up(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	for {
		done, err := m.step(ctx, pool, schema, m.up)
		if err != nil {
			return pgerror.Wrap(m.name+": migrate up", err)
		}
		if done {
			return nil
		}
	}
}

// Down takes the migrations above version to back, newest first; their tables
// and what is in them are gone. It takes back only what it knows.
func (m *Migrations) Down(ctx context.Context, pool *pgxpool.Pool, schema string, to int) error {
	for {
		done, err := m.step(ctx, pool, schema, func(ctx context.Context, t *task) (bool, error) { return m.down(ctx, t, to) })
		if err != nil {
			return pgerror.Wrap(m.name+": migrate down", err)
		}
		if done {
			return nil
		}
	}
}

// A task is a transaction that holds the lock of a package's migrations and
// looks into its schema alone.
type task struct {
	pgx.Tx
	state state
	table string // of versions
}

// step runs one step in a transaction under the lock.
func (m *Migrations) step(ctx context.Context, pool *pgxpool.Pool, schema string, do func(context.Context, *task) (bool, error)) (done bool, err error) {
	err = pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		if err := m.prepare(ctx, tx, schema); err != nil {
			return err
		}
		s, err := m.read(ctx, tx, schema)
		if err == nil {
			done, err = do(ctx, &task{tx, s, m.table(schema)})
		}
		return err
	})
	return done, err
}

// prepare takes the lock and makes the schema and the version table. A lock on
// a table is not awaited for long, because everybody else waits behind.
func (m *Migrations) prepare(ctx context.Context, tx pgx.Tx, schema string) error {
	if err := writable(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lock(schema, m.name)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '5s', true), set_config('search_path', quote_ident($1), true)", schema); err != nil {
		return err
	}
	var there bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", schema).Scan(&there); err != nil {
		return err
	}
	if !there { // asking for IF NOT EXISTS needs the right to create one
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{schema}.Sanitize()); err != nil {
			return err
		}
	}
	there, err := m.known(ctx, tx, schema)
	if err == nil && !there {
		_, err = tx.Exec(ctx, "CREATE TABLE "+m.table(schema)+` (
			version int PRIMARY KEY, name text NOT NULL, compatible_from int NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`)
	}
	return err
}

func (m *Migrations) up(ctx context.Context, t *task) (done bool, err error) {
	if t.state.version >= len(m.list) {
		return true, m.judge(t.state)
	}
	next := m.list[t.state.version]
	if err := script(ctx, t, next.up); err != nil {
		return false, pgerror.Wrap(fmt.Sprintf("%s: %04d_%s.up.sql", m.name, next.version, next.name), err)
	}
	_, err = t.Exec(ctx, "INSERT INTO "+t.table+" (version, name, compatible_from) VALUES ($1, $2, $3)",
		next.version, next.name, next.compatible)
	return false, err
}

func (m *Migrations) down(ctx context.Context, t *task, to int) (done bool, err error) {
	if t.state.version <= to {
		return true, nil
	}
	if t.state.version > len(m.list) {
		return false, m.refuse(fmt.Sprintf("version %d is not known here", t.state.version), "take it back with the release that brought it")
	}
	last := m.list[t.state.version-1]
	if err := script(ctx, t, last.down); err != nil {
		return false, pgerror.Wrap(fmt.Sprintf("%s: %04d_%s.down.sql", m.name, last.version, last.name), err)
	}
	_, err = t.Exec(ctx, "DELETE FROM "+t.table+" WHERE version = $1", last.version)
	return false, err
}

// script runs a file of several statements.
func script(ctx context.Context, t *task, sql string) error {
	_, err := t.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// lock is the advisory lock of a package's migrations in a schema.
func lock(schema, name string) int64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "crmsync migrate\x00%s\x00%s", schema, name)
	return int64(h.Sum64())
}

func (m *Migrations) refuse(what, hint string) error {
	return &sync.Error{Op: m.name + ": schema", Action: sync.Fatal, Rule: "schema.version", Hint: hint, Err: fmt.Errorf("%s", what)}
}
