package pgstore

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/sync"
)

func pair(id string) sync.Link {
	return sync.Link{
		ID: id, Flow: "contacts", State: sync.Active,
		Left:  sync.Ref{System: "crm", Kind: "contact", ID: id},
		Right: sync.Ref{System: "chat", Kind: "contact", ID: id},
	}
}

func exec(t *testing.T, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// refused checks that an error says everything in words.
func refused(t *testing.T, what string, err error, action sync.Action, words ...string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action {
		t.Fatalf("%s: got %v, want action %v", what, err, action)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not tell of %q", what, err, w)
		}
	}
}

// calls are one call of every method.
func calls(ctx context.Context, s *Store) map[string]error {
	link := pair("a")
	errs := map[string]error{}
	_, errs["Begin"] = s.Begin(ctx, noon, link, sync.Intent{ID: "i"})
	_, errs["Commit"] = s.Commit(ctx, noon, sync.Commit{Link: link, Base: &sync.Base{}})
	errs["Append"] = s.Append(ctx, sync.Entry{Note: "n"})
	errs["SetCursor"] = s.SetCursor(ctx, "c", "", "x")
	_, _, errs["Take"] = s.Take(ctx, noon, "q", 1, time.Second, 1)
	_, errs["Link"] = s.Link(ctx, link.Flow, link.Left)
	_, errs["Links"] = s.Links(ctx, link.Flow, "", 1)
	_, errs["Open"] = s.Open(ctx, noon, 1)
	_, errs["Base"] = s.Base(ctx, "a")
	_, errs["Entries"] = s.Entries(ctx, sync.AuditFilter{})
	_, errs["Cursor"] = s.Cursor(ctx, "c")
	return errs
}

var writing = []string{"Begin", "Commit", "Append", "SetCursor", "Take"}

func TestTablesAreMissing(t *testing.T) {
	s := New(pgtest.Open(t), nil)
	refused(t, "Check", s.Check(t.Context()), sync.Fatal, "missing", "Migrate")
	for what, err := range calls(t.Context(), s) {
		refused(t, what, err, sync.Retry, "missing", "Migrate")
	}
}

func TestTablesOfAnotherRelease(t *testing.T) {
	s := newStore(t)
	const newer = "INSERT INTO crmsync.store_migration (version, name, compatible_from) VALUES ($1, 'next', $2)"
	exec(t, s.pool, newer, 98, 1)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("tables that suit this release are refused: %v", err)
	}
	exec(t, s.pool, newer, 99, 99)
	refused(t, "Check", s.Check(t.Context()), sync.Fatal, "version 99", "newer release")
	refused(t, "Migrate", Migrate(t.Context(), s.pool, ""), sync.Fatal, "version 99", "newer release")
}

func TestMigrateDown(t *testing.T) {
	s := newStore(t)
	if err := MigrateDown(t.Context(), s.pool, "", 0); err != nil {
		t.Fatal(err)
	}
	refused(t, "Check", s.Check(t.Context()), sync.Fatal, "missing")
	if err := errors.Join(Migrate(t.Context(), s.pool, ""), s.Check(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyServer(t *testing.T) {
	home := newStore(t)
	s := New(pgtest.Connect(t, home.pool.Config().ConnString(), func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}), nil)
	refused(t, "Check", s.Check(t.Context()), sync.Retry, "read-only", "primary")
	errs := calls(t.Context(), s)
	for _, what := range writing {
		refused(t, what, errs[what], sync.Retry, "read-only", "primary")
	}
}

func TestRoleWithoutRights(t *testing.T) {
	home := newStore(t)
	role := pgtest.Role(t, home.pool)
	exec(t, home.pool, "GRANT USAGE ON SCHEMA crmsync TO "+role)
	exec(t, home.pool, "GRANT SELECT ON ALL TABLES IN SCHEMA crmsync TO "+role)
	s := New(pgtest.Connect(t, home.pool.Config().ConnString(), func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["role"] = role
	}), nil)
	refused(t, "Check", s.Check(t.Context()), sync.Denied, "INSERT on store_link", "GRANT")
	errs := calls(t.Context(), s)
	for _, what := range writing {
		refused(t, what, errs[what], sync.Denied, "grant")
	}
	exec(t, home.pool, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA crmsync TO "+role)
	errs = calls(t.Context(), s)
	errs["Commit"] = nil // its link is new no more
	for what, err := range errs {
		if err != nil {
			t.Errorf("%s with all rights: %v", what, err)
		}
	}
}

func TestServerIsGone(t *testing.T) {
	pool := pgtest.Open(t, func(c *pgxpool.Config) { c.ConnConfig.Host, c.ConnConfig.Port = "127.0.0.1", 1 })
	for what, err := range calls(t.Context(), New(pool, nil)) {
		refused(t, what, err, sync.Retry)
	}
}

func TestContextEnds(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range calls(ctx, s) {
		if !errors.Is(err, context.Canceled) || sync.ActionOf(err) != sync.RetryAt {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// A row that somebody spoiled is told of and stands in nobody's way.
func TestDamagedRows(t *testing.T) {
	var log bytes.Buffer
	s := newStore(t)
	s.log = slog.New(slog.NewTextHandler(&log, nil))
	ctx := t.Context()
	for _, id := range []string{"a", "b"} {
		in := sync.Intent{ID: "i", Expires: noon}
		if _, err := s.Begin(ctx, noon, pair(id), in, sync.Entry{Flow: "contacts", Link: id, Note: id}); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, s.pool, `UPDATE crmsync.store_link SET data = '[]' WHERE id = 'a'`)
	exec(t, s.pool, `UPDATE crmsync.store_audit SET data = '[]' WHERE link = 'a'`)
	exec(t, s.pool, `INSERT INTO crmsync.store_base VALUES ('a', '\xff')`)
	_, err := s.Link(ctx, "contacts", pair("a").Left)
	refused(t, "Link", err, sync.Fatal, "row.damaged", "crm:contact:a")
	_, err = s.Base(ctx, "a")
	refused(t, "Base", err, sync.Fatal, "row.damaged", "link a")
	links, err := s.Links(ctx, "contacts", "", 10)
	if len(links) != 1 || err != nil {
		t.Errorf("Links: %v, %v", links, err)
	}
	links, err = s.Open(ctx, noon, 10)
	if len(links) != 1 || err != nil {
		t.Errorf("Open: %v, %v", links, err)
	}
	entries, err := s.Entries(ctx, sync.AuditFilter{})
	if err != nil || len(entries) != 2 || entries[1].Note != "b" {
		t.Fatalf("Entries: %v, %v", entries, err)
	}
	if want := (sync.Entry{Seq: 1, Flow: "contacts", Link: "a", Note: "this entry is damaged"}); !cmp.Equal(entries[0], want) {
		t.Errorf("the damaged entry is %v", entries[0])
	}
	if n := strings.Count(log.String(), "cannot be read"); n != 3 {
		t.Errorf("the log tells of %d rows:\n%s", n, log.String())
	}
}

// What does not fit fails alone, whoever shares its transaction.
func TestUnfitAmongOthers(t *testing.T) {
	s := newStore(t)
	commit := func(id string) *change {
		l := pair(id)
		ch := &change{now: noon, link: &l}
		if err := ch.encode(nil, nil); err != nil {
			t.Fatal(err)
		}
		return ch
	}
	outs, err := run[*change, struct{}](s.write).apart(t.Context(), []*change{commit("a"), commit("b\x00"), commit("c"), commit("a")})
	if err != nil || len(outs) != 4 {
		t.Fatalf("got %v, %v", outs, err)
	}
	if outs[0].err != nil || outs[2].err != nil || !errors.Is(outs[3].err, sync.ErrStale) {
		t.Errorf("the others came to %v", outs)
	}
	_, err = s.Commit(t.Context(), noon, sync.Commit{Link: pair("b\x00")})
	refused(t, "Commit of an ID with a NUL", err, sync.Invalid)
	_, err = s.Commit(t.Context(), noon, sync.Commit{Link: pair("d"), Entries: []sync.Entry{{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}})
	refused(t, "Commit of a far future", err, sync.Invalid, "9999")
}

// Who takes the lock and stands still is put out.
func TestSomebodyStandsStill(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	conn, err := s.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := s.load(t.Context(), conn, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Append(ctx, sync.Entry{Note: "early"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v while another holds the lock", err)
	}
	if err := s.Append(t.Context(), sync.Entry{Note: "late"}); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(t.Context(), sync.AuditFilter{})
	if err != nil || len(entries) != 1 || entries[0].Note != "late" {
		t.Errorf("there are %v, %v", entries, err)
	}
}

// People may query every document, whatever is in a text.
func TestTextsWithNUL(t *testing.T) {
	s := newStore(t)
	want := sync.Entry{Seq: 1, At: noon, Note: "\x00 \ue000 \ue0000 \\u0000 \\\x00 \ue0001", Causes: []string{"\x00"}}
	given := want
	given.Seq = 0
	if err := s.Append(t.Context(), given); err != nil {
		t.Fatal(err)
	}
	got, err := s.Entries(t.Context(), sync.AuditFilter{})
	if d := cmp.Diff([]sync.Entry{want}, got); d != "" || err != nil {
		t.Errorf("%v, and the entry differs (-want +got):\n%s", err, d)
	}
	exec(t, s.pool, "SELECT data::jsonb->>'note' FROM crmsync.store_audit")
}
