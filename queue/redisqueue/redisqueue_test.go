package redisqueue_test

import (
	"context"
	stdsync "sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/queuetest"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func open(t testing.TB, space *redistest.Space, opts redisqueue.Options) *redisqueue.Log {
	t.Helper()
	opts.Prefix = space.Prefix()
	log, err := redisqueue.NewLog(space.Client, &opts)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestLog(t *testing.T) {
	space := redistest.New(t)
	queuetest.RunLog(t, func(t *testing.T) queue.Log {
		return open(t, space, redisqueue.Options{})
	}, &queuetest.Options{Backlog: 50_000})
}

// oneKey keeps what the callers of a spread log promise: an ID has one key.
type oneKey struct {
	*redisqueue.Log
	mu   stdsync.Mutex
	keys map[string]string
}

func (o *oneKey) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	o.mu.Lock()
	var own []sync.Message
	for _, m := range msgs {
		if first, known := o.keys[m.ID]; !known || first == m.Key {
			o.keys[m.ID] = m.Key
			own = append(own, m)
		}
	}
	o.mu.Unlock()
	return o.Log.Append(ctx, now, own)
}

func TestSpreadLog(t *testing.T) {
	space := redistest.New(t)
	queuetest.RunLog(t, func(t *testing.T) queue.Log {
		return &oneKey{Log: open(t, space, redisqueue.Options{Spread: true}), keys: map[string]string{}}
	}, &queuetest.Options{Backlog: 10_000})
}
