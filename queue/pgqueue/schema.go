package pgqueue

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

// tables are those that a queue reads and writes.
var tables = []string{"queue_message", "queue_shard", "queue_member", "queue_seen_0", "queue_seen_1", "queue_seen_2", "queue_dead"}

// Migrate makes the schema, or [Schema] if it is "", and its tables, or brings
// them to the version of this release. Processes may call it at the same time.
// The role needs the right to create; one that only works on the queue needs
// USAGE on the schema, SELECT, INSERT, UPDATE and DELETE on its tables, and
// TRUNCATE on queue_seen_0, 1 and 2 if it calls [Log.Maintain].
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string) error {
	return migrations().Up(ctx, pool, cmp.Or(schema, Schema))
}

// MigrateDown takes back the migrations above version to; 0 drops all tables
// with whatever waits in them.
func MigrateDown(ctx context.Context, pool *pgxpool.Pool, schema string, to int) error {
	return migrations().Down(ctx, pool, cmp.Or(schema, Schema), to)
}

// Check tells in a sentence what would keep the queue from working: a server
// that only reads, tables that are missing, too old or too new, rights that
// are lacking. Call it at the start; [Log.Run] does.
func (l *Log) Check(ctx context.Context) error {
	return migrations().Check(ctx, l.pool, l.opts.Schema, tables...)
}

func migrations() *pgmigrate.Migrations {
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the directory is embedded
	}
	m, err := pgmigrate.Load("queue", dir)
	if err != nil {
		panic("pgqueue: " + err.Error()) // the files are embedded and tested
	}
	return m
}
