package pgerror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }

func server(code string) error {
	return fmt.Errorf("outer: %w", &pgconn.PgError{Severity: "ERROR", Code: code, Message: `about "ana@example.com"`})
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		err  error
		want sync.Action
		hint string
	}{
		{server("40001"), sync.Retry, ""},
		{server("40P01"), sync.Retry, ""},
		{server("08006"), sync.Retry, ""},
		{server("57P01"), sync.Retry, ""},
		{server("25006"), sync.Retry, "primary"},
		{server("42501"), sync.Denied, "grant"},
		{server("28P01"), sync.Denied, "password"},
		{server("28000"), sync.Denied, "pg_hba"},
		{server("3D000"), sync.Retry, "database"},
		{server("XX000"), sync.Retry, "log"},
		{server("42P01"), sync.Retry, "Migrate"},
		{server("53100"), sync.Retry, "disk"},
		{server("22021"), sync.Invalid, "column"},
		{server("54000"), sync.Invalid, "too long"},
		{server("42601"), sync.Fatal, ""},
		{server(""), sync.Fatal, ""},
		{io.ErrUnexpectedEOF, sync.Retry, ""},
		{context.DeadlineExceeded, sync.Retry, ""},
		{context.Canceled, sync.RetryAt, ""},
		{sync.ErrStale, sync.Conflict, ""},
		{sync.ErrNotFound, sync.NotFound, ""},
	} {
		got := Wrap("pgstore: commit", c.err)
		if a := sync.ActionOf(got); a != c.want || !strings.Contains(got.Error(), c.hint) {
			t.Errorf("%v became %v (%v), want %v and a hint of %q", c.err, got, a, c.want, c.hint)
		}
		if root := c.err; !errors.Is(got, root) && errors.Unwrap(root) != nil && !errors.Is(got, errors.Unwrap(root)) {
			t.Errorf("%v lost its cause", got)
		}
	}
	if err := Wrap("pgstore: commit", nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

// A server that lets nobody in refuses every message alike: all are tried again.
func TestRefusedLogin(t *testing.T) {
	for hint, change := range map[string]func(*pgconn.Config){
		"password": func(c *pgconn.Config) { c.User, c.Password = "crmsync_nobody", "an old one" },
		"database": func(c *pgconn.Config) { c.Database = "crmsync_nowhere" },
	} {
		pool := pgtest.Open(t, func(c *pgxpool.Config) { change(&c.ConnConfig.Config) })
		err := Wrap("pgstore: commit", pool.Ping(t.Context()))
		if a := sync.ActionOf(err); a != sync.Denied && a != sync.Retry || !strings.Contains(err.Error(), hint) || strings.Contains(err.Error(), "an old one") {
			t.Errorf("got %v (%v), want a hint of %q", err, a, hint)
		}
	}
}

// A message about a value may quote it.
func TestWrapQuotesNoValue(t *testing.T) {
	if got := Wrap("pgstore: commit", server("22P02")).Error(); strings.Contains(got, "ana") {
		t.Errorf("the error tells a value: %s", got)
	}
}

func TestIs(t *testing.T) {
	err := Wrap("pgstore: commit", server("23505"))
	if !Is(err, "40001", "23505") || Is(err, "40001") || Is(io.EOF, "23505") {
		t.Error("an error is not known by its SQLSTATE")
	}
}
