package sqlitestore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// Options tune a [Store]. The zero value is the safe one.
type Options struct {
	// Relaxed leaves it to the system when a commit reaches the disk: three
	// times as many single writes a second, and the last of them may be lost,
	// without damage to the others, when the power fails. The death of the
	// process loses nothing.
	Relaxed bool
	// Check has the whole file examined before it is used, which takes about
	// a second for each 100 MB.
	Check bool
	// Logger is told of rows that cannot be read; nil is silent.
	Logger *slog.Logger
}

// A Store is an open file. It is safe for concurrent use.
type Store struct {
	db  *sqlitedb.DB
	log *slog.Logger
}

var _ sync.Store = (*Store)(nil)

// Open opens the file, makes it if there is none, brings its tables up to
// date, and starts the goroutine that writes. It fails when another process
// has the file open, and with what [Store.Check] finds if opts ask for it.
func Open(ctx context.Context, path string, opts *Options) (*Store, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	db, err := sqlitedb.Open(ctx, path, sqlitedb.Options{Relaxed: o.Relaxed, Check: o.Check})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, log: o.Logger}, nil
}

// Close waits for calls under way and closes the file, also for the queue in
// it. Calls that come later fail. It may be called more than once.
func (s *Store) Close() error { return s.db.Close() }

// Check examines the whole file, page by page and index by index, while work
// goes on. What it finds is an error with the rule "sqlite.corrupt".
func (s *Store) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Backup writes a copy of the file, as it is at one moment, to a path where
// there is none, while work goes on. The copy appears under its name when it
// is complete and on the disk.
func (s *Store) Backup(ctx context.Context, path string) error { return s.db.Backup(ctx, path) }

// DB is for package sqlitequeue, which keeps its tables in the same file.
func (s *Store) DB() *sqlitedb.DB { return s.db }

// micros is how times are compared and ordered in the file.
func micros(t time.Time) int64 { return t.UnixMicro() }

// damaged is the error of a row that no longer holds what was stored.
func damaged(op string, ref sync.Ref, what string) error {
	return &sync.Error{Op: op, Action: sync.Fatal, Ref: ref, Rule: "row.damaged",
		Hint: "put back a backup, or delete the row from the file to have it made anew", Err: errors.New(what + " cannot be read")}
}

// unfit is the error of what cannot be written as JSON.
func unfit(op string, err error) error {
	return &sync.Error{Op: op, Action: sync.Invalid, Rule: "row.json", Hint: "look for a time beyond the year 9999", Err: err}
}
