package pgqueue_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/sync"
)

var t0 = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func message(id, key string) sync.Message {
	return sync.Message{ID: id, Key: key, EnqueuedAt: t0, Payload: []byte(id)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// begin opens a transaction of a host.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) })
	return tx
}

// dispatcher returns a queue over the log that reads with every Take.
func dispatcher(t *testing.T, log queue.Log, owner string) *queue.Queue {
	t.Helper()
	q, err := queue.New(log, &queue.Options{Owner: owner})
	must(t, err)
	return q
}

// take takes and finishes all there is at the time and returns the IDs.
func take(t *testing.T, q sync.Queue, now time.Time) []string {
	t.Helper()
	var ids []string
	for {
		lanes, err := q.Take(t.Context(), now, 10, time.Minute)
		must(t, err)
		if len(lanes) == 0 {
			return ids
		}
		for _, l := range lanes {
			for _, m := range l.Messages {
				ids = append(ids, m.ID)
			}
			must(t, q.Done(t.Context(), now, l))
		}
	}
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got messages %v, want %v", got, want)
	}
}

// Two transactions commit in the other order than they drew their numbers,
// and much goes on in between.
func TestLateCommit(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	q := dispatcher(t, log, "a")
	first, second := begin(t, pool), begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), first, t0, message("early", "k")))
	must(t, log.EnqueueTx(t.Context(), second, t0, message("late", "k")))
	want(t, take(t, q, t0))
	must(t, second.Commit(t.Context()))
	want(t, take(t, q, t0), "late")
	for i := range 100 {
		id := fmt.Sprint(i)
		must(t, q.Push(t.Context(), t0, message(id, "other")))
		want(t, take(t, q, t0), id)
	}
	must(t, first.Commit(t.Context()))
	want(t, take(t, q, t0), "early")
	want(t, take(t, q, t0))
}

// While a transaction that pushed messages stays open, the keys that others
// push keep their order.
func TestOrderDuringALongPush(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	q := dispatcher(t, log, "a")
	long := begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), long, t0, message("long", "k")))
	for i := range 50 {
		first, second, between := fmt.Sprint(i, "a"), fmt.Sprint(i, "c"), fmt.Sprint(i, "b")
		tx := begin(t, pool)
		must(t, log.EnqueueTx(t.Context(), tx, t0, message(first, "k")))
		must(t, log.Append(t.Context(), t0, []sync.Message{message(between, "k")}))
		want(t, take(t, q, t0), between)
		must(t, tx.Commit(t.Context()))
		must(t, log.Append(t.Context(), t0, []sync.Message{message(second, "k")}))
		want(t, take(t, q, t0), first, second)
	}
	must(t, long.Commit(t.Context()))
	want(t, take(t, q, t0), "long")
}

// The late one may also be the transaction that began later, above all that
// ended: the xmax of a snapshot says nothing of it.
func TestLateCommitOfTheYounger(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	q := dispatcher(t, log, "a")
	older, younger := begin(t, pool), begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), older, t0, message("1", "k")))
	must(t, log.EnqueueTx(t.Context(), younger, t0, message("2", "k")))
	must(t, log.EnqueueTx(t.Context(), older, t0, message("3", "k")))
	must(t, older.Commit(t.Context()))
	want(t, take(t, q, t0), "1", "3")
	want(t, take(t, q, t0))
	must(t, younger.Commit(t.Context()))
	want(t, take(t, q, t0), "2")
}

// span is all of a key's stream.
func span(key string) queue.Span {
	return queue.Span{Shard: queue.ShardOf(key, 64), Priority: sync.Live, Limit: 1000}
}

func read(t *testing.T, log *pgqueue.Log, key string) queue.Page {
	t.Helper()
	pages, err := log.Read(t.Context(), []queue.Span{span(key)})
	must(t, err)
	return pages[0]
}

// settles reports whether the last entry of the key is final within some
// reads. Settled must never fall.
func settles(t *testing.T, log *pgqueue.Log, key string) bool {
	t.Helper()
	before := uint64(0)
	for range 50 {
		page := read(t, log, key)
		if page.Settled < before {
			t.Fatalf("settled fell from %d to %d", before, page.Settled)
		}
		if before = page.Settled; before >= page.Next {
			return true
		}
	}
	return false
}

// A server that crashes may forget numbers that were drawn in vain and draw
// them again, for a message that is not there yet when a later one is.
func TestNumbersDrawnAgain(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	must(t, log.Append(t.Context(), t0, []sync.Message{message("1", "k")}))
	vain := begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), vain, t0, message("2", "k")))
	must(t, vain.Rollback(t.Context()))
	if !settles(t, log, "k") {
		t.Fatal("the first message does not settle")
	}
	if _, err := pool.Exec(t.Context(), "SELECT setval('crmsync.queue_message_seq_seq', 1)"); err != nil {
		t.Fatal(err)
	}
	early := begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), early, t0, message("early", "k")))
	must(t, log.Append(t.Context(), t0, []sync.Message{message("late", "k")}))
	if page := read(t, log, "k"); page.Settled > 1 {
		t.Errorf("up to %d is settled, but 2 is still to come", page.Settled)
	}
	must(t, early.Commit(t.Context()))
	if page := read(t, log, "k"); len(page.Entries) != 3 || page.Entries[1].Seq != 2 {
		t.Errorf("entries %v, want three with the second late", page.Entries)
	}
}

// A transaction that is open for long elsewhere keeps xmin back, and yet
// nothing unsettled; one that pushed messages does.
func TestLongTransaction(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	elsewhere := begin(t, pool)
	if _, err := elsewhere.Exec(t.Context(), "SELECT pg_current_xact_id()"); err != nil {
		t.Fatal(err)
	}
	must(t, log.Append(t.Context(), t0, []sync.Message{message("1", "k")}))
	if !settles(t, log, "k") {
		t.Error("a transaction that pushed nothing holds up what is settled")
	}
	pushing := begin(t, pool)
	must(t, log.EnqueueTx(t.Context(), pushing, t0, message("2", "k")))
	must(t, log.Append(t.Context(), t0, []sync.Message{message("3", "k")}))
	if settles(t, log, "k") {
		t.Error("all is settled, but a message is still to come")
	}
	must(t, pushing.Commit(t.Context()))
	if page := read(t, log, "k"); len(page.Entries) != 3 {
		t.Errorf("%d entries after the commit, want 3", len(page.Entries))
	}
	if !settles(t, log, "k") {
		t.Error("nothing is settled after the commit")
	}
}

// A message that was enqueued is there if the transaction commits, and its ID
// is free again if not.
func TestEnqueueTx(t *testing.T) {
	pool := database(t)
	q, err := pgqueue.New(pool, nil)
	must(t, err)
	for _, commit := range []bool{false, true} {
		tx := begin(t, pool)
		must(t, q.EnqueueTx(t.Context(), tx, t0, sync.Message{ID: "1", Key: "k"}))
		want(t, take(t, q, t0))
		if commit {
			must(t, tx.Commit(t.Context()))
			q.Wake()
			want(t, take(t, q, t0), "1")
		} else {
			must(t, tx.Rollback(t.Context()))
		}
	}
	must(t, q.Push(t.Context(), t0, message("1", "k")))
	want(t, take(t, q, t0))
}

// The settings for our plans stay with us: a host's transaction and its
// connections keep theirs.
func TestSettingsOfTheHost(t *testing.T) {
	pool := pgtest.Open(t, func(c *pgxpool.Config) { c.MaxConns = 1 })
	must(t, pgqueue.Migrate(t.Context(), pool, ""))
	q, err := pgqueue.New(pool, nil)
	must(t, err)
	must(t, q.Push(t.Context(), t0, message("1", "k")))
	want(t, take(t, q, t0), "1")
	tx := begin(t, pool)
	must(t, q.EnqueueTx(t.Context(), tx, t0, message("2", "k")))
	var changed []string
	must(t, tx.QueryRow(t.Context(), "SELECT coalesce(array_agg(name), '{}') FROM pg_settings WHERE source = 'session' AND name ~ '^(enable_|jit$|plan_)'").Scan(&changed))
	if len(changed) > 0 {
		t.Errorf("settings changed: %v", changed)
	}
}

// Two pushes of one ID meet even on either side of the moment when the memory
// turns to another part, and even if the first commits late.
func TestDedupeAtTheTurnOfTheWeek(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	week := 7 * 24 * time.Hour
	turn := time.Unix(t0.Unix()/int64(week.Seconds())*int64(week.Seconds()), 0) // weeks are counted from the epoch
	before, after := turn.Add(-time.Second), turn.Add(time.Second)
	for i, order := range [][2]time.Time{{before, after}, {after, before}} {
		id := fmt.Sprint(i)
		tx := begin(t, pool)
		must(t, log.EnqueueTx(t.Context(), tx, order[0], message(id, "k")))
		second := make(chan error, 1)
		go func() { second <- log.Append(t.Context(), order[1], []sync.Message{message(id, "k")}) }()
		waiting(t, pool)
		must(t, tx.Commit(t.Context()))
		must(t, <-second)
		if got := len(read(t, log, "k").Entries); got != i+1 {
			t.Errorf("%v: %d messages, want %d", order, got, i+1)
		}
	}
}

// waiting returns when a session of the database waits for a lock.
func waiting(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for n := 0; n == 0; {
		must(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
		time.Sleep(time.Millisecond)
	}
}
