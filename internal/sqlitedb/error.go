package sqlitedb

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/urbanhub/crmsync/sync"
)

// A fault is what to do about one of SQLite's result codes, which
// https://www.sqlite.org/rescode.html explains.
type fault struct {
	action     sync.Action
	rule, hint string
}

var (
	permission = fault{sync.Denied, "sqlite.permission", "let this user create and write files in the folder, which must exist"}
	corrupt    = fault{sync.Fatal, "sqlite.corrupt",
		"stop, keep a copy of the file, and put back a backup; the .recover command of the sqlite3 program saves what can be read"}
)

var faults = map[int]fault{
	sqlite3.SQLITE_FULL:     {sync.Retry, "sqlite.full", "free space on the disk of the database; nothing of this step was stored"},
	sqlite3.SQLITE_IOERR:    {sync.Retry, "sqlite.io", "check the disk of the database; a network folder will not do"},
	sqlite3.SQLITE_BUSY:     {sync.Retry, "sqlite.busy", "end the other program that writes to the database"},
	sqlite3.SQLITE_LOCKED:   {sync.Retry, "sqlite.busy", "end the other program that writes to the database"},
	sqlite3.SQLITE_NOTADB:   {sync.Fatal, "sqlite.foreign", "name another file: this one is no SQLite database"},
	sqlite3.SQLITE_CORRUPT:  corrupt,
	sqlite3.SQLITE_TOOBIG:   {sync.Invalid, "sqlite.size", "a message or record of this size cannot be stored"},
	sqlite3.SQLITE_READONLY: permission,
	sqlite3.SQLITE_CANTOPEN: permission,
	sqlite3.SQLITE_PERM:     permission,
	sqlite3.SQLITE_AUTH:     permission,
}

// fail says what to do about an error of SQLite. What is no such error, a
// refusal of our own or the end of a context, stays as it is.
func fail(op string, err error) error {
	var e *sqlite.Error
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &e) {
		return err
	}
	const primary = 0xff // the rest tells where it happened
	f, ok := faults[e.Code()&primary]
	if !ok {
		f = fault{action: sync.Retry, rule: "sqlite.error"}
	}
	return &sync.Error{Op: op, Action: f.action, Rule: f.rule, Hint: f.hint, Err: err}
}

// refuse is an error about the file that no call of SQLite gave.
func refuse(op, rule, what, hint string) error {
	return &sync.Error{Op: op, Action: sync.Fatal, Rule: rule, Hint: hint, Err: errors.New(what)}
}

// denied is an error of the operating system about a file of ours.
func denied(op string, err error) error {
	if err == nil {
		return nil
	}
	return &sync.Error{Op: op, Action: permission.action, Rule: permission.rule, Hint: permission.hint, Err: err}
}
