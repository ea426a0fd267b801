package sqlitedb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// A Conn is one connection with its prepared statements. It belongs to one
// goroutine at a time. It speaks to the driver directly: package database/sql
// would cost as much again as SQLite does for a small statement.
type Conn struct {
	raw   driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

// connect opens a connection with the pragmas given.
func connect(ctx context.Context, path string, pragmas ...string) (*Conn, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if !strings.HasPrefix(name.Path, "/") { // a drive letter
		name.Path = "/" + name.Path
	}
	connector, err := sqlite.NewConnector(name.String())
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &Conn{raw: raw, stmts: map[string]driver.Stmt{}}
	if err := c.pragmas(ctx, pragmas...); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *Conn) pragmas(ctx context.Context, pragmas ...string) error {
	for _, p := range pragmas {
		if _, err := c.Exec(ctx, "PRAGMA "+p); err != nil {
			return err
		}
	}
	return nil
}

// close ends the connection. The first error is that of a statement that could
// not be finished.
func (c *Conn) close() error {
	for _, s := range c.stmts {
		if err := s.Close(); err != nil {
			return errors.Join(err, c.raw.Close())
		}
	}
	return c.raw.Close()
}

// stmt returns the statement, prepared once.
func (c *Conn) stmt(query string) (driver.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.raw.Prepare(query)
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

// bind names the arguments in their order: int64, string, []byte or nil.
func (c *Conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// Exec runs a statement and returns how many rows it changed. Arguments are
// int64, string, []byte or nil.
func (c *Conn) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.stmt(query)
	if err != nil {
		return 0, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(ctx, c.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// A Row is one row of an answer: int64, string, []byte or nil per column. It
// is valid until the function that was given it returns; strings and bytes
// stay valid.
type Row []driver.Value

// Int returns a column that holds a number, 0 for null.
func (r Row) Int(i int) int64 {
	n, _ := r[i].(int64)
	return n
}

// Text returns a column that holds a text, "" for null.
func (r Row) Text(i int) string {
	s, _ := r[i].(string)
	return s
}

// Bytes returns a column that holds bytes, nil for null.
func (r Row) Bytes(i int) []byte {
	b, _ := r[i].([]byte)
	return b
}

// Query gives every row of the answer to a function, until it fails.
func (c *Conn) Query(ctx context.Context, each func(Row) error, query string, args ...any) (err error) {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make(Row, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// One returns the only or the first row of an answer, nil if there is none.
func (c *Conn) One(ctx context.Context, query string, args ...any) (Row, error) {
	var found Row
	err := c.Query(ctx, func(r Row) error {
		if found == nil {
			found = append(found, r...)
		}
		return nil
	}, query, args...)
	return found, err
}
