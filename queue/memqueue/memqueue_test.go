package memqueue_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/queue/queuetest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestQueue(t *testing.T) {
	queuetest.Run(t, func(*testing.T) sync.Queue { return memqueue.New(nil) })
}

func TestLog(t *testing.T) {
	queuetest.RunLog(t, func(*testing.T) queue.Log { return memqueue.NewLog(nil) }, nil)
}
