package pgstore

import (
	"cmp"
	"context"
	"embed"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgmigrate"
)

//go:embed migrations/*.sql
var files embed.FS

// tables are those that a store reads and writes.
var tables = []string{"store_link", "store_end", "store_base", "store_audit", "store_cursor", "store_quota"}

// Migrate makes the schema, or [Schema] if it is "", and its tables, or brings
// them to the version of this release. Processes may call it at the same time.
// The role needs the right to create; one that only works with the store needs
// USAGE on the schema and SELECT, INSERT, UPDATE and DELETE on its tables.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	return migrations().Up(ctx, pool, cmp.Or(schema, Schema))
}

// MigrateDown takes back the migrations above version to; 0 drops all tables
// with the links, the bases and the audit in them.
func MigrateDown(ctx context.Context, pool *pgxpool.Pool, schema string, to int) error {
	return migrations().Down(ctx, pool, cmp.Or(schema, Schema), to)
}

// Check tells in a sentence what would keep the store from working: a server
// that only reads, tables that are missing, too old or too new, rights that
// are lacking. Call it at the start.
func (s *Store) Check(ctx context.Context) error {
	return migrations().Check(ctx, s.pool, s.schema, tables...)
}

func migrations() *pgmigrate.Migrations {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	m, err := pgmigrate.Load("store", dir)
	if err != nil {
		panic("pgstore: " + err.Error()) // the files are embedded and tested
	}
	return m
}
