package pgqueue_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A delete that is under way when its shard changes hands is over before the
// new owner reads: what was done is not delivered again.
func TestDeleteWhileTheShardMoves(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	must(t, log.Append(t.Context(), t0, []sync.Message{message("1", "k")}))
	leases, err := log.Lease(t.Context(), t0, queue.LeaseParams{Owner: "a", For: time.Minute})
	must(t, err)
	fence := leases.Grants[queue.ShardOf("k", 64)].Fence
	page := read(t, log, "k")
	entry := []queue.Pos{{Priority: sync.Live, Seq: page.Entries[0].Seq}}

	blocker := begin(t, pool) // holds up the delete after its fence was checked
	if _, err := blocker.Exec(t.Context(), "SELECT FROM crmsync.queue_message FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	deleted, moved := make(chan error, 1), make(chan error, 1)
	go func() { deleted <- log.Delete(t.Context(), fence, entry) }()
	waiting(t, pool)
	go func() {
		_, err := log.Lease(t.Context(), t0.Add(time.Hour), queue.LeaseParams{Owner: "b", For: time.Minute})
		moved <- err
	}()
	select {
	case err := <-moved:
		t.Fatalf("the shard moved during the delete, error %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	must(t, blocker.Rollback(t.Context()))
	must(t, <-deleted)
	must(t, <-moved)
	if n := len(read(t, log, "k").Entries); n != 0 {
		t.Errorf("%d entries were left to the new owner", n)
	}
	if err := log.Delete(t.Context(), fence, entry); err == nil {
		t.Error("the old fence holds")
	}
}

// A read whose snapshot is older than a delete must not bring back what was
// done, with pushes, reads and deletes of two processes all at once.
func TestExactlyOnceWhileAllGoesWell(t *testing.T) {
	dsn := pgtest.Database(t)
	must(t, pgqueue.Migrate(t.Context(), pgtest.Connect(t, dsn), ""))
	const keys, each = 40, 50
	var mu stdsync.Mutex
	got := map[string][]string{}
	count := 0
	work := func(owner string) {
		q := dispatcher(t, pgqueue.NewLog(pgtest.Connect(t, dsn), nil), owner)
		for !t.Failed() {
			lanes, err := q.Take(t.Context(), time.Now(), 5, time.Minute)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			for _, l := range lanes {
				for _, m := range l.Messages {
					got[l.Key] = append(got[l.Key], m.ID)
					count++
				}
			}
			end := count >= keys*each && len(lanes) == 0
			mu.Unlock()
			if end {
				return
			}
			var all stdsync.WaitGroup
			for _, l := range lanes {
				all.Go(func() {
					if err := q.Done(t.Context(), time.Now(), l); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
		}
	}
	var all stdsync.WaitGroup
	for p := range 2 {
		all.Go(func() { work(fmt.Sprint("p", p)) })
	}
	log := pgqueue.NewLog(pgtest.Connect(t, dsn), nil)
	for i := range each {
		for k := range keys {
			if k%8 == 0 {
				msgs := []sync.Message{}
				for j := k; j < k+8; j++ {
					msgs = append(msgs, message(fmt.Sprintf("%d-%d", j, i), fmt.Sprint(j)))
				}
				must(t, log.Append(t.Context(), t0, msgs))
			}
		}
	}
	all.Wait()
	for k := range keys {
		ids := got[fmt.Sprint(k)]
		for i := range ids {
			if len(ids) != each || ids[i] != fmt.Sprintf("%d-%d", k, i) {
				t.Fatalf("key %d came as %v", k, ids)
			}
		}
	}
}

// Run tells other processes of new messages and ends with its context.
func TestRun(t *testing.T) {
	dsn := pgtest.Database(t)
	must(t, pgqueue.Migrate(t.Context(), pgtest.Connect(t, dsn), ""))
	ctx, cancel := context.WithCancel(t.Context())
	var all stdsync.WaitGroup
	queues := []*pgqueue.Queue{}
	for range 2 {
		q, err := pgqueue.New(pgtest.Connect(t, dsn), &pgqueue.Options{Queue: queue.Options{Pause: time.Hour}})
		must(t, err)
		queues = append(queues, q)
		all.Go(func() {
			if err := q.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	sender, hearer := queues[0], queues[1]
	var got []string
	for i := 0; len(got) == 0; i++ { // until both listen
		must(t, sender.Push(t.Context(), t0, message(fmt.Sprint(i), "k")))
		select {
		case <-hearer.Ready():
			got = take(t, hearer, t0)
		case <-time.After(20 * time.Millisecond):
		}
	}
	must(t, sender.Push(t.Context(), t0, message("heard", "k")))
	for !slices.Contains(got, "heard") {
		<-hearer.Ready()
		got = append(got, take(t, hearer, t0)...)
	}
	cut := pgtest.Connect(t, dsn) // only here: other tests listen on the same server
	if _, err := cut.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"); err != nil {
		t.Fatal(err)
	}
	for i := 0; !slices.ContainsFunc(got, func(id string) bool { return strings.HasPrefix(id, "after") }); i++ {
		must(t, sender.Push(t.Context(), t0, message(fmt.Sprint("after", i), "k")))
		select {
		case <-hearer.Ready():
			got = append(got, take(t, hearer, t0)...)
		case <-time.After(20 * time.Millisecond):
		}
	}
	cancel()
	all.Wait()
}

// Old weeks are emptied as a whole, by any number of processes, and nothing
// that still counts is.
func TestMaintain(t *testing.T) {
	pool := database(t)
	log := pgqueue.NewLog(pool, nil)
	const week = 7 * 24 * time.Hour
	rows := func() (n int) {
		t.Helper()
		must(t, pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM crmsync.queue_seen_0) + (SELECT count(*) FROM crmsync.queue_seen_1) + (SELECT count(*) FROM crmsync.queue_seen_2)").Scan(&n))
		return n
	}
	maintain := func(now time.Time) {
		var all stdsync.WaitGroup
		for range 4 {
			all.Go(func() {
				err := log.Maintain(t.Context(), now)
				for tries := 0; tries < 10 && pgerror.Is(err, "55P03"); tries++ { // another one has the lock while its commit waits for a slow disk
					err = log.Maintain(t.Context(), now)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	for i := range 4 {
		must(t, log.Append(t.Context(), t0.Add(time.Duration(i)*week), []sync.Message{message(fmt.Sprint(i), "k")}))
		maintain(t0.Add(time.Duration(i) * week))
		if n, most := rows(), 2; n > most || n < 1 {
			t.Fatalf("%d IDs in week %d, want %d at most", n, i, most)
		}
	}
	must(t, log.Append(t.Context(), t0.Add(3*week), []sync.Message{message("2", "k"), message("3", "k")}))
	if n := len(read(t, log, "k").Entries); n != 4 {
		t.Errorf("%d messages, want the 4 distinct ones", n)
	}
	maintain(t0.Add(5 * week).Add(-8 * 24 * time.Hour)) // a clock that is off empties nothing young
	must(t, log.Append(t.Context(), t0.Add(3*week), []sync.Message{message("3", "k")}))
	if n := len(read(t, log, "k").Entries); n != 4 {
		t.Errorf("%d messages after a clock was off, want 4", n)
	}
}
