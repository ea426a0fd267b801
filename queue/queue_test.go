package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for field, o := range map[string]queue.Options{
		"Share":                   {Share: queue.Share{60, 50}},
		"Window, PerKey, Crashes": {Window: -1},
		"Lease, Renew, Pause":     {Pause: -1},
		"Renew":                   {Lease: time.Second, Renew: time.Minute},
	} {
		_, err := queue.New(memqueue.NewLog(nil), &o)
		var e *sync.Error
		if !errors.As(err, &e) || e.Field != field || e.Action != sync.Fatal || e.Hint == "" {
			t.Errorf("%+v: got error %v, want one of field %s", o, err, field)
		}
	}
}

// reads counts the reads of a log.
type reads struct {
	*memqueue.Log
	n int
}

func (r *reads) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	r.n++
	return r.Log.Read(ctx, spans)
}

func TestPause(t *testing.T) {
	t.Parallel()
	ctx, now := context.Background(), time.Unix(1e9, 0)
	log := &reads{Log: memqueue.NewLog(nil)}
	q, err := queue.New(log, &queue.Options{Pause: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	take := func(what string, after time.Duration, lanes, reads int) {
		t.Helper()
		got, err := q.Take(ctx, now.Add(after), 5, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != lanes || log.n != reads {
			t.Errorf("%s: %d lanes and %d reads, want %d and %d", what, len(got), log.n, lanes, reads)
		}
	}
	take("at first", 0, 0, 1)
	take("nothing new", time.Second, 0, 1)
	if err := log.Append(ctx, now, []sync.Message{{ID: "1", Key: "k"}}); err != nil { // as another process would
		t.Fatal(err)
	}
	take("woken by the log", time.Second, 1, 2)
	take("nothing new", time.Second, 0, 2)
	take("after the pause", 3*time.Second, 0, 3)
	take("with time gone back", 0, 0, 4)
}

func TestShardOfIsStable(t *testing.T) {
	t.Parallel()
	// Messages stored by earlier versions depend on these.
	for key, want := range map[string]int{"": 18, "k": 43, "crm/contact/512": 63} {
		if got := queue.ShardOf(key, 64); got != want {
			t.Errorf("the shard of %q is %d, want %d", key, got, want)
		}
	}
	counts := make([]int, 64)
	for i := range 64_000 {
		counts[queue.ShardOf(fmt.Sprint("contact/", i), 64)]++
	}
	for shard, n := range counts {
		if n < 800 || n > 1200 {
			t.Errorf("shard %d has %d of 64,000 keys", shard, n)
		}
	}
}

// A message that waits for long keeps its first failure, those that count, and
// the last free ones.
func TestLongWaitsDoNotGrowAMessage(t *testing.T) {
	t.Parallel()
	ctx, now := context.Background(), time.Unix(1e9, 0)
	q := memqueue.New(nil)
	if err := q.Push(ctx, now, sync.Message{ID: "1", Key: "a"}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		now = now.Add(time.Second)
		lanes, err := q.Take(ctx, now, 1, time.Minute)
		if err != nil || len(lanes) != 1 {
			t.Fatal(lanes, err)
		}
		cause := sync.Failure{Action: "retry-at", Error: fmt.Sprint(i), Free: i%40 > 0}
		if err := q.Retry(ctx, now, lanes[0], now, cause); err != nil {
			t.Fatal(err)
		}
	}
	lanes, err := q.Take(ctx, now, 1, time.Minute)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	var kept []string
	for _, f := range lanes[0].History {
		kept = append(kept, f.Error)
	}
	want := "[0 1 40 80 91 92 93 94 95 96 97 98 99]"
	if got := fmt.Sprint(kept); got != want || lanes[0].Attempts != 3 {
		t.Errorf("kept %s and %d attempts, want %s and 3", got, lanes[0].Attempts, want)
	}
}
