package sqlitedb

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/urbanhub/crmsync/sync"
)

// maxGroup is the most steps that become durable in one commit: it bounds how
// long the first of them waits.
const maxGroup = 512

// A Tx is the transaction in which a step runs.
type Tx struct {
	*Conn
	wrote bool
	undo  []func()
}

// Exec changes something. A step checks everything before its first Exec: an
// error after it takes back what other steps of the group did, and they run
// again.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	tx.wrote = true
	return tx.Conn.Exec(context.Background(), query, args...)
}

// Query is that of the connection. Nothing interrupts it.
func (tx *Tx) Query(each func(Row) error, query string, args ...any) error {
	return tx.Conn.Query(context.Background(), each, query, args...)
}

// One is that of the connection. Nothing interrupts it.
func (tx *Tx) One(query string, args ...any) (Row, error) {
	return tx.Conn.One(context.Background(), query, args...)
}

// Undo has a function called should the transaction not take effect, the last
// one first: it takes back what a step did to memory.
func (tx *Tx) Undo(f func()) { tx.undo = append(tx.undo, f) }

// A step waits to be written.
type step struct {
	do      func(*Tx) error
	claimed atomic.Bool // by the writer, or by a caller that gave up
	done    chan error
}

// Update runs a step in the writer's goroutine and returns when it is durable.
// Steps run one after the other, each of them sees what those before did, and
// many share one commit. A step may run more than once when another fails, and
// ctx ends only the wait for its turn. An error of the step that it returned
// before its first write leaves the others alone.
func (db *DB) Update(ctx context.Context, op string, do func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := &step{do: do, done: make(chan error, 1)}
	select {
	case db.steps <- s:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.closing:
		return closed(op)
	}
	select {
	case err := <-s.done:
		return fail(op, err)
	case <-ctx.Done():
		if s.claimed.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		return fail(op, <-s.done)
	case <-db.stopped:
	}
	select {
	case err := <-s.done: // written just before the end
		return fail(op, err)
	default:
		return closed(op)
	}
}

func closed(op string) error {
	return &sync.Error{Op: op, Action: sync.Retry, Rule: "sqlite.closed", Hint: "start the program again", Err: errors.New("the database was closed")}
}

// write is the writer's goroutine.
func (db *DB) write() {
	defer close(db.stopped)
	for {
		select {
		case s := <-db.steps:
			db.group(s)
		case <-db.closing:
			for s := db.waiting(); s != nil; s = db.waiting() {
				db.group(s)
			}
			return
		}
	}
}

// waiting returns the next step that waits, nil when there is none.
func (db *DB) waiting() *step {
	select {
	case s := <-db.steps:
		return s
	default:
		return nil
	}
}

// group commits a step together with those that come while it runs. When the
// commit fails, each is tried alone, so that one does not fail the others.
func (db *DB) group(first *step) {
	var group []*step
	var errs []error
	err := db.transact(func(tx *Tx) error {
		for s := first; s != nil; s = db.waiting() {
			if !s.claimed.CompareAndSwap(false, true) {
				continue
			}
			group = append(group, s)
			tx.wrote = false
			err := s.do(tx)
			errs = append(errs, err)
			if err != nil && tx.wrote {
				return err
			}
			if len(group) == maxGroup {
				break
			}
		}
		return nil
	})
	if len(group) == 0 && err != nil && first.claimed.CompareAndSwap(false, true) {
		first.done <- err // no transaction began, so nothing ran
	}
	for i, s := range group {
		switch {
		case err == nil:
			s.done <- errs[i]
		case len(group) == 1:
			s.done <- err
		default:
			s.done <- db.transact(s.do)
		}
	}
}

// transact runs a function in a transaction of its own.
func (db *DB) transact(do func(*Tx) error) error {
	ctx := context.Background()
	if err := db.begin(ctx); err != nil {
		return err
	}
	tx := &Tx{Conn: db.writer}
	err := do(tx)
	if err == nil {
		_, err = db.writer.Exec(ctx, "COMMIT")
	}
	if err == nil {
		return nil
	}
	// Fails when SQLite has rolled back by itself, which is as well.
	_, _ = db.writer.Exec(ctx, "ROLLBACK")
	for _, undo := range slices.Backward(tx.undo) {
		undo()
	}
	return err
}

// begin starts a transaction. One that stands because it could not be rolled
// back is ended first, or nothing would be written any more.
func (db *DB) begin(ctx context.Context) error {
	_, err := db.writer.Exec(ctx, "BEGIN IMMEDIATE")
	if err == nil {
		return nil
	}
	if _, none := db.writer.Exec(ctx, "ROLLBACK"); none == nil {
		_, err = db.writer.Exec(ctx, "BEGIN IMMEDIATE")
	}
	return err
}
