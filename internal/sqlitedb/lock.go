package sqlitedb

import (
	"context"
	"errors"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// lock keeps other processes from the database for as long as the connection
// that it returns is open. It locks a small file beside the database in
// SQLite's own way, so that it works wherever SQLite does and ends with the
// process however that ends.
func lock(ctx context.Context, path string) (*Conn, error) {
	if err := private(path + ".lock"); err != nil {
		return nil, denied(opOpen, err)
	}
	c, err := connect(ctx, path+".lock")
	if err != nil {
		return nil, err
	}
	if err = c.pragmas(ctx, "locking_mode = EXCLUSIVE", "journal_mode = OFF"); err == nil {
		_, err = c.Exec(ctx, "BEGIN EXCLUSIVE")
	}
	if err == nil {
		return c, nil
	}
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_BUSY {
		err = refuse(opOpen, "sqlite.locked", "another process has the database open",
			"stop that process, or give this one a file of its own; more than one process needs PostgreSQL or Redis")
	}
	return nil, errors.Join(err, c.close())
}
