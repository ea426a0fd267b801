package pgstore

import (
	"cmp"
	"errors"
	"hash/fnv"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/sync"
)

// Schema is the PostgreSQL schema that holds the tables unless
// [Options].Schema names another.
const Schema = "crmsync"

// Options tune a [Store]. The zero value is good.
type Options struct {
	// Schema is the PostgreSQL schema of the tables. Default: [Schema].
	Schema string
	// Logger is told of rows that cannot be read; nil is silent.
	Logger *slog.Logger
}

// A Store is a [sync.Store] and a [sync.Permits] in PostgreSQL. It is safe for
// concurrent use, also by many processes over one schema.
type Store struct {
	pool   *pgxpool.Pool
	schema string
	log    *slog.Logger
	sql    *strings.Replacer // puts the schema into statements
	lock   int64             // the advisory lock of who writes
	writes batcher[*change, struct{}]
	links  batcher[end, *stored]
	bases  batcher[string, []byte]
}

var (
	_ sync.Store   = (*Store)(nil)
	_ sync.Permits = (*Store)(nil)
)

// New returns a store over the pool, which stays the caller's to close. It
// starts nothing and does no I/O: call [Migrate] before, and [Store.Check]
// where another program migrates.
func New(pool *pgxpool.Pool, opts *Options) *Store {
	var o Options
	if opts != nil {
		o = *opts
	}
	s := &Store{pool: pool, schema: cmp.Or(o.Schema, Schema), log: o.Logger}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.sql = strings.NewReplacer("@", pgx.Identifier{s.schema}.Sanitize()+".store_")
	h := fnv.New64a()
	h.Write([]byte("crmsync store\x00" + s.schema))
	s.lock = int64(h.Sum64())
	s.writes = newBatcher(1, s.write)
	s.links = newBatcher(2, s.readLinks)
	s.bases = newBatcher(2, s.readBases)
	return s
}

// damaged is the error of a row that no longer holds what was stored.
func damaged(op string, ref sync.Ref, what string) error {
	return &sync.Error{Op: op, Action: sync.Fatal, Ref: ref, Rule: "row.damaged",
		Hint: "put back a backup, or delete the row to have it made anew", Err: errors.New(what + " cannot be read")}
}

// unfit is the error of what cannot be written as JSON.
func unfit(op string, err error) error {
	return &sync.Error{Op: op, Action: sync.Invalid, Rule: "row.json", Hint: "look for a time beyond the year 9999", Err: err}
}
