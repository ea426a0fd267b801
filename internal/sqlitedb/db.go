package sqlitedb

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	stdsync "sync"
)

const opOpen = "sqlite: open"

// readers is how many reads can go on at once.
const readers = 4

// Options tune a [DB].
type Options struct {
	// Relaxed leaves it to the system when a commit reaches the disk.
	Relaxed bool
	// Check has the whole file examined before it is used.
	Check bool
}

// A DB is an open file. It is safe for concurrent use.
type DB struct {
	path     string
	lock     *Conn
	writer   *Conn
	readers  chan *Conn
	steps    chan *step
	closing  chan struct{} // closed by Close
	stopped  chan struct{} // closed by the writer
	shut     stdsync.Once
	shutErr  error
	claiming stdsync.Mutex
	claims   map[string]bool
}

// Open opens the file, makes it when there is none, and starts the goroutine
// that writes. The caller ends it by Close.
func Open(ctx context.Context, path string, opts Options) (*DB, error) {
	if path == "" {
		return nil, refuse(opOpen, "sqlite.path", "the file has no name", "name a file on a local disk")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, readers: make(chan *Conn, readers), steps: make(chan *step, maxGroup),
		closing: make(chan struct{}), stopped: make(chan struct{}), claims: map[string]bool{}}
	if err := db.open(ctx, opts); err != nil {
		return nil, fail(opOpen, errors.Join(err, db.disconnect()))
	}
	go db.write()
	return db, nil
}

// open locks the file, makes sure that it is ours and prepares it.
func (db *DB) open(ctx context.Context, opts Options) (err error) {
	if db.lock, err = lock(ctx, db.path); err != nil {
		return err
	}
	if err := private(db.path); err != nil {
		return denied(opOpen, err)
	}
	if db.writer, err = connect(ctx, db.path, "busy_timeout = 5000"); err != nil {
		return err
	}
	if _, err := schema(ctx, db.writer); err != nil { // before anything in it changes
		return err
	}
	if err := db.tune(ctx, opts.Relaxed); err != nil {
		return err
	}
	for range readers {
		c, err := connect(ctx, db.path, "busy_timeout = 5000", "cache_size = -8192", "temp_store = MEMORY")
		if err != nil {
			return err
		}
		db.readers <- c
	}
	if opts.Check {
		if err := db.Check(ctx); err != nil {
			return err
		}
	}
	return db.transact(migrate)
}

// tune prepares the connection that writes. The log is moved into the database
// every 16 MiB, and after a long backup cut to four times that. What is deleted
// is overwritten where it lies.
func (db *DB) tune(ctx context.Context, relaxed bool) error {
	mode, err := db.writer.One(ctx, "PRAGMA journal_mode = WAL")
	if err != nil {
		return err
	}
	if mode.Text(0) != "wal" {
		return refuse(opOpen, "sqlite.wal", "the file system cannot share memory between connections", "put the file on a local disk")
	}
	synchronous := "synchronous = FULL"
	if relaxed {
		synchronous = "synchronous = NORMAL"
	}
	return db.writer.pragmas(ctx, synchronous, "cache_size = -32768", "wal_autocheckpoint = 4096",
		"journal_size_limit = 67108864", "temp_store = MEMORY", "secure_delete = FAST")
}

// disconnect closes what is open, the lock last.
func (db *DB) disconnect() error {
	var errs []error
	for len(db.readers) > 0 {
		errs = append(errs, (<-db.readers).close())
	}
	for _, c := range []*Conn{db.writer, db.lock} {
		if c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}

// Close lets the steps that wait become durable, waits for reads under way,
// and closes the file. More calls return what the first did.
func (db *DB) Close() error {
	db.shut.Do(func() {
		close(db.closing)
		<-db.stopped
		idle := make([]*Conn, 0, readers)
		for range readers {
			idle = append(idle, <-db.readers)
		}
		for _, c := range idle {
			db.readers <- c
		}
		db.shutErr = fail("sqlite: close", db.disconnect())
	})
	return db.shutErr
}

// View runs reads, each of which sees what was durable when it began.
func (db *DB) View(ctx context.Context, op string, do func(*Conn) error) error {
	c, err := db.reader(ctx, op)
	if err != nil {
		return err
	}
	defer func() { db.readers <- c }()
	return fail(op, do(c))
}

// Snapshot runs reads that all see the same state.
func (db *DB) Snapshot(ctx context.Context, op string, do func(*Conn) error) error {
	return db.View(ctx, op, func(c *Conn) error {
		// With a context that ends meanwhile the driver tells of a failure, and the
		// transaction has begun.
		if _, err := c.Exec(context.WithoutCancel(ctx), "BEGIN"); err != nil {
			return err
		}
		err := do(c)
		if _, end := c.Exec(context.WithoutCancel(ctx), "ROLLBACK"); err == nil {
			err = end
		}
		return err
	})
}

// reader waits for a connection to read with.
func (db *DB) reader(ctx context.Context, op string) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-db.closing:
		return nil, closed(op)
	default:
	}
	select {
	case c := <-db.readers:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-db.closing:
		return nil, closed(op)
	}
}

// Claim reports whether nobody claimed the name before: for what must not be
// in memory twice.
func (db *DB) Claim(name string) bool {
	db.claiming.Lock()
	defer db.claiming.Unlock()
	if db.claims[name] {
		return false
	}
	db.claims[name] = true
	return true
}

// Check examines the whole file.
func (db *DB) Check(ctx context.Context) error {
	const op = "sqlite: check"
	var faults []string
	err := db.View(ctx, op, func(c *Conn) error {
		return c.Query(ctx, func(r Row) error {
			faults = append(faults, r.Text(0))
			return nil
		}, "PRAGMA integrity_check(10)")
	})
	if err != nil {
		return err
	}
	if len(faults) != 1 || faults[0] != "ok" {
		return refuse(op, "sqlite.corrupt", strings.Join(faults, "; "), corrupt.hint)
	}
	return nil
}
