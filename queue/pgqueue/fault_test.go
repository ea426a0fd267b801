package pgqueue_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/sync"
)

// refused checks that an error says what to do and quotes nothing.
func refused(t *testing.T, err error, action sync.Action, words string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action || !strings.Contains(err.Error(), words) {
		t.Errorf("got error %v, want %v and %q", err, action, words)
	}
}

func TestMessagesThatCannotBeStored(t *testing.T) {
	log := pgqueue.NewLog(database(t), &pgqueue.Options{MaxPayload: 10})
	for field, m := range map[string]sync.Message{
		"field Payload":  {ID: "1", Key: "k", Payload: make([]byte, 11)},
		"field ID":       {ID: "a\x00b", Key: "k"},
		"field Key":      {ID: "1", Key: "\xff"},
		"field Priority": {ID: "1", Key: "k", Priority: sync.Priorities},
	} {
		refused(t, log.Append(t.Context(), t0, []sync.Message{message("fine", "k"), m}), sync.Invalid, field)
	}
	long := sync.Message{ID: strings.Repeat("i", 1025), Key: "k"}
	refused(t, log.Append(t.Context(), t0, []sync.Message{long}), sync.Invalid, "1024")
	if n := len(read(t, log, "k").Entries); n != 0 {
		t.Errorf("%d messages of refused calls were stored", n)
	}
}

// Rows that no dispatcher can work with are put aside, others go on.
func TestCorruptRows(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	q := dispatcher(t, log, "a")
	must(t, q.Push(t.Context(), t0, message("1", "k"), message("2", "k"), message("3", "k"), message("4", "k"), message("5", "k")))
	for _, sql := range []string{
		`UPDATE crmsync.queue_message SET history = '"nonsense"' WHERE id = '1'`,
		`UPDATE crmsync.queue_message SET key = '' WHERE id = '3'`,
		`UPDATE crmsync.queue_message SET id = '' WHERE id = '4'`,
		`UPDATE crmsync.queue_message SET shard = (shard + 1) % 64 WHERE id = '5'`,
	} {
		if _, err := pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	want(t, take(t, q, t0), "2")
	dead, err := q.Dead(t.Context(), sync.DeadFilter{})
	must(t, err)
	if len(dead) != 4 || log.Corrupt() != 4 || len(dead[0].History) != 1 || !strings.Contains(dead[0].History[0].Error, "corrupt") {
		t.Errorf("%d counted, dead letters: %+v", log.Corrupt(), dead)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE crmsync.queue_dead SET history = '3'`); err != nil {
		t.Fatal(err)
	}
	if dead, err = q.Dead(t.Context(), sync.DeadFilter{}); err != nil || len(dead) != 4 || len(dead[0].History) != 1 {
		t.Errorf("with a corrupt history: %+v, %v", dead, err)
	}
}

// Texts and payloads that JSON in PostgreSQL does not take do not keep a
// message from being buried; those it takes are there for queries.
func TestDeadLettersForPeople(t *testing.T) {
	pool := database(t)
	q := dispatcher(t, pgqueue.NewLog(pool, nil), "a")
	for id, payload := range map[string]string{"json": `{"kind":"contact"}`, "nul": `"\u0000"`, "bytes": "\xff\x00", "surrogate": `"\ud800"`} {
		m := message(id, id)
		m.Payload = []byte(payload)
		must(t, q.Push(t.Context(), t0, m))
	}
	lanes, err := q.Take(t.Context(), t0, 10, time.Minute)
	must(t, err)
	for _, l := range lanes {
		must(t, q.Bury(t.Context(), t0, l, sync.Failure{Action: "fatal", Error: "a\x00b\xff"}))
	}
	var ids []string
	must(t, pool.QueryRow(t.Context(), `SELECT array_agg(id) FROM crmsync.queue_dead WHERE body @> '{"kind":"contact"}'`).Scan(&ids))
	want(t, ids, "json")
	dead, err := q.Dead(t.Context(), sync.DeadFilter{Key: "bytes"})
	must(t, err)
	if len(dead) != 1 || string(dead[0].Message.Payload) != "\xff\x00" || dead[0].History[0].Error != "a\ufffdb\ufffd" {
		t.Errorf("dead letters: %+v", dead)
	}
}

// What a start can meet is told in a sentence.
func TestCheck(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := pgtest.Connect(t, dsn)
	log := pgqueue.NewLog(pool, nil)
	refused(t, log.Check(ctx), sync.Fatal, "Migrate")
	refused(t, log.Run(ctx), sync.Fatal, "Migrate")
	refused(t, log.Append(ctx, t0, []sync.Message{message("1", "k")}), sync.Retry, "Migrate")
	must(t, pgqueue.Migrate(ctx, pool, ""))
	must(t, pgqueue.Migrate(ctx, pool, "other"))
	must(t, log.Check(ctx))

	replica := pgqueue.NewLog(pgtest.Connect(t, dsn, func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}), nil)
	refused(t, replica.Check(ctx), sync.Retry, "primary")
	refused(t, replica.Append(ctx, t0, []sync.Message{message("1", "k")}), sync.Retry, "primary")

	role := strings.ReplaceAll(pool.Config().ConnConfig.Database, "crmsync_test_", "crmsync_role_")
	if _, err := pool.Exec(ctx, "CREATE ROLE "+role+" LOGIN; GRANT USAGE ON SCHEMA crmsync TO "+role+"; GRANT SELECT ON ALL TABLES IN SCHEMA crmsync TO "+role); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := pool.Exec(context.WithoutCancel(ctx), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	guest := pgqueue.NewLog(pgtest.Connect(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["role"] = role }), nil)
	refused(t, guest.Check(ctx), sync.Denied, "GRANT")
	_, err := guest.Lease(ctx, t0, queue.LeaseParams{Owner: "a", For: time.Minute})
	refused(t, err, sync.Denied, "grant")
	if _, err := pool.Exec(ctx, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA crmsync TO "+role); err != nil {
		t.Fatal(err)
	}
	must(t, guest.Check(ctx))
	must(t, guest.Append(ctx, t0, []sync.Message{message("1", "k")}))
	want(t, take(t, dispatcher(t, guest, "guest"), t0), "1")

	if _, err := pool.Exec(ctx, "DELETE FROM crmsync.queue_shard WHERE shard = 7"); err != nil {
		t.Fatal(err)
	}
	_, err = log.Lease(ctx, t0, queue.LeaseParams{Owner: "a", For: time.Minute})
	refused(t, err, sync.Fatal, "queue_shard")
	must(t, pgqueue.MigrateDown(ctx, pool, "", 0))
	refused(t, log.Check(ctx), sync.Fatal, "Migrate")
	must(t, pgqueue.NewLog(pool, &pgqueue.Options{Schema: "other"}).Check(ctx))
}

// A server that is away is a passing fault, and nothing in the error is secret.
func TestServerAway(t *testing.T) {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("u", "not-a-password"), Host: "127.0.0.1:1", Path: "/none"}
	pool := pgtest.Connect(t, u.String())
	log := pgqueue.NewLog(pool, nil)
	_, err := log.Read(t.Context(), []queue.Span{span("k")})
	refused(t, err, sync.Retry, "pgqueue: read")
	if strings.Contains(err.Error(), "not-a-password") {
		t.Error("the error tells the password")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Append(ended, t0, []sync.Message{message("1", "k")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v of an ended context", err)
	}
}
