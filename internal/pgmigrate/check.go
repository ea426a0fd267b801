package pgmigrate

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// state is what was applied to a schema.
type state struct {
	version int // the newest, 0 for none
	// needs is the least version that code must know to work with what was
	// applied beyond the versions known here.
	needs int
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Check tells, in a sentence, what is in the way of working with the schema: a
// server that only reads, tables that are missing, too old or too new, or
// rights that the role lacks on the tables.
func (m *Migrations) Check(ctx context.Context, pool *pgxpool.Pool, schema string, tables ...string) error {
	return pgerror.Wrap(m.name+": check", m.check(ctx, pool, schema, tables))
}

func (m *Migrations) check(ctx context.Context, q querier, schema string, tables []string) error {
	if err := writable(ctx, q); err != nil {
		return err
	}
	s, err := m.read(ctx, q, schema)
	if err != nil {
		return err
	}
	if err := m.judge(s); err != nil {
		return err
	}
	return m.rights(ctx, q, schema, tables)
}

// judge compares what was applied with what is known.
func (m *Migrations) judge(s state) error {
	switch known := len(m.list); {
	case s.version == 0:
		return m.refuse("its tables are missing", "run Migrate with a role that may create tables")
	case s.version < known:
		return m.refuse(fmt.Sprintf("its tables have version %d, and this program needs %d", s.version, known),
			"run Migrate before the new program starts")
	case s.needs > known:
		return m.refuse(fmt.Sprintf("its tables have version %d, which needs a program that knows %d, and this one knows %d", s.version, s.needs, known),
			"start the newer release, or take the migration back with it")
	}
	return nil
}

// read tells what was applied.
func (m *Migrations) read(ctx context.Context, q querier, schema string) (state, error) {
	there, err := m.known(ctx, q, schema)
	if err != nil || !there {
		return state{}, err
	}
	var s state
	err = q.QueryRow(ctx, `SELECT coalesce(max(version), 0), coalesce(max(compatible_from) FILTER (WHERE version > $1), 0)
		FROM `+m.table(schema), len(m.list)).Scan(&s.version, &s.needs)
	return s, err
}

// known reports whether the version table is there. The catalogue answers to
// roles without any right too.
func (m *Migrations) known(ctx context.Context, q querier, schema string) (there bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relname = $2)`, schema, m.name+"_migration").Scan(&there)
	return there, err
}

// writable refuses a server that only reads: a replica, or one told so.
func writable(ctx context.Context, q querier) error {
	var readOnly bool
	err := q.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool").Scan(&readOnly)
	if err == nil && readOnly {
		err = &sync.Error{Op: "connect", Action: sync.Retry, Rule: "read-only", Err: fmt.Errorf("the server is read-only"),
			Hint: "connect to the primary, for instance with target_session_attrs=read-write"}
	}
	return err
}

// rights refuses a role that may not read and write the tables.
func (m *Migrations) rights(ctx context.Context, q querier, schema string, tables []string) error {
	var lacking []string
	var role string
	err := q.QueryRow(ctx, `SELECT current_user, coalesce(array_agg(r || ' on ' || t ORDER BY t, r)
			FILTER (WHERE NOT has_table_privilege(quote_ident($1) || '.' || quote_ident(t), r)), '{}')
		FROM unnest($2::text[]) t CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) r`, schema, tables).Scan(&role, &lacking)
	if err == nil && len(lacking) > 0 {
		err = &sync.Error{Op: m.name + ": check", Action: sync.Denied, Rule: "permission",
			Err:  fmt.Errorf("the role %s lacks: %s", role, strings.Join(lacking, ", ")),
			Hint: fmt.Sprintf("GRANT USAGE ON SCHEMA %[1]s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s", schema)}
	}
	return err
}

// table is the version table by its full name.
func (m *Migrations) table(schema string) string {
	return pgx.Identifier{schema, m.name + "_migration"}.Sanitize()
}
