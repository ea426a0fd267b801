package sqlitequeue_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/queuetest"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

func TestLog(t *testing.T) {
	queuetest.RunLog(t, func(t *testing.T) queue.Log {
		return openLog(t, openStore(t, file(t), &sqlitestore.Options{Relaxed: true}))
	}, &queuetest.Options{Backlog: 250_000})
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "crmsync.db") }

// openStore opens a file and closes it when the test ends.
func openStore(t testing.TB, path string, opts *sqlitestore.Options) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openLog(t testing.TB, s *sqlitestore.Store) *sqlitequeue.Log {
	t.Helper()
	l, err := sqlitequeue.OpenLog(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func openQueue(t testing.TB, s *sqlitestore.Store) *queue.Queue {
	t.Helper()
	q, err := sqlitequeue.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func message(id, key string) sync.Message {
	return sync.Message{ID: id, Key: key, EnqueuedAt: t0, Payload: []byte(id)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take returns the lanes and the IDs of their messages.
func take(t testing.TB, q sync.Queue, now time.Time) ([]sync.Lane, []string) {
	t.Helper()
	lanes, err := q.Take(t.Context(), now, 100, time.Minute)
	must(t, err)
	var ids []string
	for _, l := range lanes {
		for _, m := range l.Messages {
			ids = append(ids, m.ID)
		}
	}
	slices.Sort(ids)
	return lanes, ids
}

func TestOneQueuePerFile(t *testing.T) {
	s := openStore(t, file(t), nil)
	openLog(t, s)
	_, err := sqlitequeue.Open(t.Context(), s)
	var e *sync.Error
	if !errors.As(err, &e) || e.Rule != "sqlitequeue.once" {
		t.Errorf("the second queue: %v", err)
	}
}

// TestRestart opens the file again: after an end in good order, and after one
// in the middle of the work.
func TestRestart(t *testing.T) {
	path := file(t)
	s := openStore(t, path, nil)
	q := openQueue(t, s)
	must(t, q.Push(t.Context(), t0, message("a", "k"), message("b", "k"), message("c", "other")))
	lanes, _ := take(t, q, t0)
	failed := lanes[slices.IndexFunc(lanes, func(l sync.Lane) bool { return l.Key == "k" })]
	must(t, q.Retry(t.Context(), t0, failed, t0.Add(time.Hour), sync.Failure{Action: "retry", Error: "try again"}))
	must(t, s.Close()) // as if it had died: what it leased is not given back

	s = openStore(t, path, nil)
	q = openQueue(t, s)
	must(t, q.Push(t.Context(), t0, message("a", "k"), message("c", "other"))) // known since before
	lanes, ids := take(t, q, t0)
	if fmt.Sprint(ids) != "[c]" {
		t.Fatalf("at once came %v, want c: the other key sleeps", ids)
	}
	must(t, q.Done(t.Context(), t0, lanes[0]))
	lanes, ids = take(t, q, t0.Add(time.Hour))
	if len(lanes) != 1 || lanes[0].Messages[0].ID != "a" || len(lanes[0].History) == 0 || lanes[0].History[0].Error != "try again" {
		t.Errorf("later came %v as %+v, want a with its failure", ids, lanes)
	}
}

// TestDamagedMessages damages what is stored and looks at what lies beside it.
func TestDamagedMessages(t *testing.T) {
	s := openStore(t, file(t), nil)
	l := openLog(t, s)
	q, err := queue.New(l, nil)
	must(t, err)
	if queue.ShardOf("k", 8) == queue.ShardOf("z", 8) {
		t.Fatal("the keys share a shard, so that one is as good as the other")
	}
	must(t, q.Push(t.Context(), t0, message("good", "k"), message("held", "k"), message("nameless", "k"), message("moved", "k"), message("last", "k")))
	must(t, q.Push(t.Context(), t0, message("whole", "k"), message("cut off", "k")))
	shard := queue.ShardOf("k", 8)
	leases, err := l.Lease(t.Context(), t0.Add(-time.Hour), queue.LeaseParams{Owner: "before", For: time.Second})
	must(t, err)
	pages, err := l.Read(t.Context(), []queue.Span{{Shard: shard, Limit: 10}})
	must(t, err)
	fence := leases.Grants[slices.IndexFunc(leases.Grants, func(g queue.Grant) bool { return g.Shard == shard })].Fence
	must(t, l.Hold(t.Context(), fence, queue.Pos{Seq: pages[0].Entries[1].Seq}, queue.Held{Attempts: 1}))
	must(t, l.Release(t.Context(), queue.ReleaseParams{Owner: "before", Clean: []queue.Fence{fence}, Leave: true}))
	damage(t, s, "UPDATE held SET held = '{\"Attempts\":'")
	for old, bad := range map[string]string{"\x01k\x08nameless": "\x01k\x00nameless", "\x01k\x05moved": "\x01z\x05moved"} {
		damage(t, s, "UPDATE body SET body = CAST(replace(CAST(body AS TEXT), ?, ?) AS BLOB)", old, bad)
	}
	damage(t, s, "UPDATE body SET body = substr(body, 1, length(body) - 3) WHERE pos IN (SELECT pos FROM pack WHERE waiting = 2)")
	lanes, ids := take(t, q, t0)
	if fmt.Sprint(ids) != "[good last whole]" {
		t.Fatalf("there came %v", ids)
	}
	must(t, q.Done(t.Context(), t0, lanes[0]))
	dead, err := q.Dead(t.Context(), sync.DeadFilter{})
	must(t, err)
	var buried []string
	for _, d := range dead {
		buried = append(buried, d.Message.ID)
		if len(d.History) != 1 || !strings.Contains(d.History[0].Error, "damaged") || d.DiedAt != t0 {
			t.Errorf("letter %s: died at %v with history %v", d.Message.ID, d.DiedAt, d.History)
		}
	}
	if len(buried) != 4 || !strings.HasPrefix(buried[0], "damaged-") || !strings.HasPrefix(buried[1], "damaged-") || buried[2] != "held" || buried[3] != "moved" {
		t.Errorf("buried are %v", buried)
	}
	st, err := q.Stats(t.Context(), t0)
	must(t, err)
	if st.Dead != 4 || st.Waiting != 0 {
		t.Errorf("stats %+v", st)
	}
}

// damage changes what is stored behind the queue's back.
func damage(t *testing.T, s *sqlitestore.Store, query string, args ...any) {
	t.Helper()
	must(t, s.DB().Update(t.Context(), "test", func(tx *sqlitedb.Tx) error {
		n, err := tx.Exec(query, args...)
		if err == nil && n == 0 {
			t.Errorf("nothing was damaged by %s", query)
		}
		return err
	}))
}

// TestForgetsIDs lets more than a week go by.
func TestForgetsIDs(t *testing.T) {
	path := file(t)
	s := openStore(t, path, nil)
	l := openLog(t, s)
	for d := range 10 {
		now := t0.AddDate(0, 0, d)
		must(t, l.Append(t.Context(), now, []sync.Message{message(fmt.Sprint("day", d), "k")}))
		_, err := l.Lease(t.Context(), now, queue.LeaseParams{Owner: "a", For: time.Minute})
		must(t, err)
	}
	var rows int64
	must(t, s.DB().View(t.Context(), "test", func(c *sqlitedb.Conn) error {
		row, err := c.One(t.Context(), "SELECT count(*) FROM seen")
		rows = row.Int(0)
		return err
	}))
	if rows != 8 {
		t.Errorf("the file remembers %d days, want 8: seven and the present", rows)
	}
	must(t, s.Close())
	l = openLog(t, openStore(t, path, nil))
	now := t0.AddDate(0, 0, 9)
	must(t, l.Append(t.Context(), now, []sync.Message{message("day9", "k"), message("day3", "k"), message("day1", "k")}))
	pages, err := l.Read(t.Context(), []queue.Span{{Shard: queue.ShardOf("k", l.Shards()), Limit: 100}})
	must(t, err)
	if n := len(pages[0].Entries); n != 11 || pages[0].Entries[10].Message.ID != "day1" {
		t.Errorf("%d messages, want the ten and day1 again", n)
	}
}
