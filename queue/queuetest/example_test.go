package queuetest_test

import (
	"testing"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/queue/queuetest"
)

// The whole test of a driver, with memqueue in the place of yours.
func ExampleRunLog() {
	_ = func(t *testing.T) { // TestLog
		queuetest.RunLog(t, func(t *testing.T) queue.Log {
			log := memqueue.NewLog(nil)
			// A log with connections closes them here, with t.Cleanup.
			return log
		}, nil)
	}
}
