package syncmock_test

import (
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/syncmock"
)

// A mock that has fallen behind its interface does not compile: run
// make generate.
var (
	_ sync.Inbox  = (*syncmock.MockInbox)(nil)
	_ sync.Queue  = (*syncmock.MockQueue)(nil)
	_ sync.Sink   = (*syncmock.MockSink)(nil)
	_ sync.Source = (*syncmock.MockSource)(nil)
	_ sync.Store  = (*syncmock.MockStore)(nil)
)
