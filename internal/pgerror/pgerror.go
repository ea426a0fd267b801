// Package pgerror turns what PostgreSQL and its driver answer into the core's
// one error type: what to do about it, and a sentence for the person who must.
package pgerror

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/urbanhub/crmsync/sync"
)

// A judgement is what to do about an error of the server.
type judgement struct {
	action sync.Action
	hint   string
}

const (
	grant   = "grant the role of the connection what its documentation lists"
	migrate = "run Migrate with a role that may create tables"
)

// judgements are looked up by SQLSTATE, then by its class; see
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
var judgements = map[string]judgement{
	"08":    {action: sync.Retry}, // the connection
	"22":    {sync.Invalid, "a value does not fit into a column"},
	"25006": {sync.Retry, "the server is read-only: connect to the primary, for instance with target_session_attrs=read-write"},
	"25P03": {sync.Retry, "the transaction stood still: the process was stopped or cut off for a while"},
	"28":    {sync.Denied, "the server does not let us in: renew the user or password of the connection, or its entry in pg_hba.conf"},
	"3D000": {sync.Retry, "the database is missing: create it, or mend its name in the connection"},
	"3F000": {sync.Retry, "the schema is missing: " + migrate},
	"40001": {action: sync.Retry},
	"40P01": {action: sync.Retry},
	"42501": {sync.Denied, grant},
	"42P01": {sync.Retry, "a table is missing: " + migrate},
	"42703": {sync.Retry, "a column is missing: " + migrate},
	"53":    {sync.Retry, "the server is short of memory or connections"},
	"53100": {sync.Retry, "the server's disk is full"},
	"53300": {sync.Retry, "the server has too many connections: lower MaxConns of the pools or raise max_connections"},
	"54":    {sync.Invalid, "a value is too long"},
	"55P03": {sync.Retry, "somebody holds a lock for long: look into pg_locks"},
	"57":    {action: sync.Retry}, // shut down, cancelled
	"58":    {sync.Retry, "the server's disk or system fails: look into its log"},
	"XX":    {sync.Retry, "the server or a proxy before it has an inner fault: look into its log"},
}

// Wrap returns err as a [*sync.Error] of the operation. Nil, [sync.ErrStale],
// [sync.ErrNotFound] and errors of the core stay as they are, and the end of a
// context stays one. A fault that is not the server's own is the
// connection's, and passing.
func Wrap(op string, err error) error {
	var known *sync.Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, sync.ErrStale), errors.Is(err, sync.ErrNotFound):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", op, err)
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return &sync.Error{Op: op, Action: sync.Retry, Err: err}
	}
	j, ok := judgements[pg.Code]
	if !ok && len(pg.Code) == 5 {
		j = judgements[pg.Code[:2]]
	}
	return &sync.Error{Op: op, Action: j.action, Rule: "sqlstate " + pg.Code, Hint: j.hint, Err: discreet{pg}}
}

// Is reports whether the server answered with one of the SQLSTATEs.
func Is(err error, codes ...string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && slices.Contains(codes, pg.Code)
}

// discreet is an error of the server without the values that its message may
// quote.
type discreet struct{ *pgconn.PgError }

func (d discreet) Error() string {
	if strings.HasPrefix(d.Code, "22") {
		return d.Severity + " about a value"
	}
	return d.Message
}

func (d discreet) Unwrap() error { return d.PgError }
