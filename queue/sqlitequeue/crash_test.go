package sqlitequeue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// victim names the file on which this process, being a child, works until it
// is killed, and round what its messages are called.
const (
	victim = "CRMSYNC_TEST_VICTIM"
	round  = "CRMSYNC_TEST_ROUND"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victim); path != "" {
		fmt.Println("error", suffer(context.Background(), path, os.Getenv(round)))
		return
	}
	goleak.VerifyTestMain(m)
}

// suffer pushes, works and commits for ever and prints what was acknowledged.
func suffer(ctx context.Context, path, round string) error {
	s, err := sqlitestore.Open(ctx, path, nil)
	if err != nil {
		return err
	}
	q, err := sqlitequeue.Open(ctx, s)
	if err != nil {
		return err
	}
	errs := make(chan error)
	var out stdsync.Mutex
	tell := func(what, id string) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(what, id)
	}
	for i := range 8 {
		go func() { errs <- push(ctx, q, fmt.Sprintf("%s-%d", round, i), tell) }()
	}
	for range 2 {
		go func() { errs <- workOff(ctx, s, q, tell) }()
	}
	return <-errs
}

func push(ctx context.Context, q sync.Queue, name string, tell func(what, id string)) error {
	for n := 0; ; n++ {
		id := fmt.Sprintf("%s-%d", name, n)
		if err := q.Push(ctx, time.Now(), message(id, fmt.Sprint("k", n%50))); err != nil {
			return err
		}
		tell("pushed", id)
	}
}

// workOff commits an entry for every third message before it is done.
func workOff(ctx context.Context, s sync.Store, q sync.Queue, tell func(what, id string)) error {
	for {
		lanes, err := q.Take(ctx, time.Now(), 3, time.Minute)
		if err != nil {
			return err
		}
		if len(lanes) == 0 {
			time.Sleep(time.Millisecond)
		}
		for _, l := range lanes {
			l.Messages = l.Messages[:1]
			id := l.Messages[0].ID
			link := sync.Link{ID: id, Flow: "work", Left: sync.Ref{System: "crm", Kind: "work", ID: id}, State: sync.Active}
			// After a kill between commit and done the link is there already.
			_, err := s.Commit(ctx, time.Now(), sync.Commit{Link: link, Entries: []sync.Entry{{Key: id, Note: id}}})
			if err != nil && sync.ActionOf(err) != sync.Conflict {
				return err
			}
			tell("committed", id)
			if err := q.Retry(ctx, time.Now(), l, time.Now(), sync.Failure{Free: true}); err != nil {
				return err
			}
			tell("held", id)
		}
	}
}

// TestKilled kills the process that works on the file, again and again, and
// looks for all that it had acknowledged.
func TestKilled(t *testing.T) {
	path := file(t)
	acknowledged := map[string][]string{}
	for i := range 3 {
		kill(t, path, i, acknowledged)
		survey(t, path, acknowledged)
	}
	if len(acknowledged["committed"]) == 0 || len(acknowledged["held"]) == 0 {
		t.Errorf("the workers did nothing: %d pushes", len(acknowledged["pushed"]))
	}
}

// kill starts a process and kills it after a number of acknowledgements.
func kill(t *testing.T, path string, n int, acknowledged map[string][]string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), victim+"="+path, fmt.Sprint(round, "=", n))
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	seen := 0
	for lines := bufio.NewScanner(stdout); lines.Scan(); seen++ {
		what, id, _ := strings.Cut(lines.Text(), " ")
		acknowledged[what] = append(acknowledged[what], id)
		if seen == 200+100*n {
			must(t, cmd.Process.Kill())
		}
	}
	_ = cmd.Wait() // killed
	if failed := acknowledged["error"]; len(failed) > 0 {
		t.Fatalf("the process stopped by itself: %s", failed)
	}
}

// survey compares the file with what was acknowledged.
func survey(t *testing.T, path string, acknowledged map[string][]string) {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, &sqlitestore.Options{Check: true})
	must(t, err)
	waiting := map[string]bool{}
	q := openQueue(t, s)
	now := time.Now().Add(time.Hour)
	for lanes, ids := take(t, q, now); len(lanes) > 0; lanes, ids = take(t, q, now) {
		for _, id := range ids {
			waiting[id] = true
		}
		for _, l := range lanes {
			must(t, q.Bury(t.Context(), now, l, sync.Failure{Error: "seen"}))
		}
	}
	dead := deadIDs(t, q)
	for _, id := range acknowledged["pushed"] {
		if !waiting[id] && !dead[id] {
			t.Errorf("message %s was pushed and is lost", id)
		}
	}
	for _, id := range acknowledged["committed"] {
		if _, err := s.Link(t.Context(), "work", sync.Ref{System: "crm", Kind: "work", ID: id}); err != nil {
			t.Errorf("link %s was committed: %v", id, err)
		}
	}
	must(t, q.Close(t.Context()))
	must(t, s.Close())
}

func deadIDs(t *testing.T, q sync.Queue) map[string]bool {
	t.Helper()
	dead, err := q.Dead(t.Context(), sync.DeadFilter{Limit: 1_000_000})
	must(t, err)
	ids := map[string]bool{}
	for _, d := range dead {
		if ids[d.Message.ID] {
			t.Errorf("message %s is there twice", d.Message.ID)
		}
		ids[d.Message.ID] = true
	}
	return ids
}
