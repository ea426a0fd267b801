package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A counting queue counts how often what lies in it is counted, which takes a
// while.
type counting struct {
	sync.Queue
	asked atomic.Int64
}

func (q *counting) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	q.asked.Add(1)
	time.Sleep(20 * time.Millisecond)
	return q.Queue.Stats(ctx, now)
}

// However many ask how the daemon is, the queue is not counted for each, but at
// most a few times a second.
func TestManyWhoAskCostTheQueueLittle(t *testing.T) {
	c := loaded(t, newRig(t, "store: memory\nadmin_listen: 127.0.0.1:1\n"))
	d := &deployment{cfg: c, log: slog.New(slog.DiscardHandler)}
	var err error
	if d.storage, err = openStorage(t.Context(), c, d.log); err != nil {
		t.Fatal(err)
	}
	d.onClose(d.storage.close)
	queue := &counting{Queue: d.storage.queue}
	d.storage.queue = queue
	if err := d.compose(t.Context()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	board, err := d.mountAdmin(mux)
	if err != nil {
		t.Fatal(err)
	}
	d.mountHealth(mux, nil)
	for path, busy := range map[string]int{"/readyz": http.StatusOK, "/metrics": http.StatusServiceUnavailable} {
		queue.asked.Store(0)
		began := time.Now()
		var asking stdsync.WaitGroup
		for range 200 {
			asking.Go(func() {
				if got := serve(mux, httptest.NewRequest(http.MethodGet, path, nil)); got != http.StatusOK && got != busy {
					t.Errorf("%s is answered %d", path, got)
				}
			})
		}
		asking.Wait()
		took := time.Since(began)
		if n := queue.asked.Load(); n == 0 || n > 5+int64(took.Seconds()) {
			t.Errorf("%s: counted %d times for 200 requests in %v", path, n, took)
		}
	}
	board.Close()
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Where there is an address for those who run it, strangers learn no more than
// that the daemon is alive.
func TestStrangersLearnNoMoreThanAlive(t *testing.T) {
	admin := freeAddress(t)
	r := newRig(t, "admin_listen: "+admin+"\n")
	r.serve()
	for path, want := range map[string][2]int{"/healthz": {200, 200}, "/readyz": {404, 200}, "/metrics": {404, 200}} {
		if got := [2]int{r.status(path), as(t, admin, "http://"+admin+path)}; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// Who goes away while it is found out spoils it for nobody.
func TestWhatIsRecentIsFoundForAll(t *testing.T) {
	synctest.Test(t, whatIsRecentIsFoundForAll) // in which no second passes meanwhile
}

func whatIsRecentIsFoundForAll(t *testing.T) {
	begun, goOn, times := make(chan struct{}), make(chan struct{}), 0
	r := newRecent(func(ctx context.Context) error {
		times++
		close(begun)
		<-goOn
		return ctx.Err()
	})
	impatient, leave := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { found, err := r.get(impatient); first <- errors.Join(err, found) }()
	<-begun
	leave()
	if _, err := r.get(impatient); err == nil {
		t.Error("who left waits on")
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("found %v", err)
	}
	if found, err := r.get(t.Context()); found != nil || err != nil || times != 1 {
		t.Errorf("the second is told %v, %v; found %d times", found, err, times)
	}
}
