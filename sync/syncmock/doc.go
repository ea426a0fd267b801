// Package syncmock holds mocks of the engine's interfaces, made with
// go.uber.org/mock, for the tests of a host application: [MockInbox] stands
// for an engine in the test of a handler that enqueues, [MockSource] and
// [MockSink] for the systems, [MockStore] and [MockQueue] for what an engine
// keeps. The constructors take a *testing.T and check at the end of the test
// that every expected call was made.
//
// To test what an engine does rather than that it is called, use memstore,
// memqueue and the vendors' simulators instead.
package syncmock

//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -write_package_comment=false -package syncmock -destination source_mock.go github.com/urbanhub/crmsync/sync Source
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -write_package_comment=false -package syncmock -destination sink_mock.go github.com/urbanhub/crmsync/sync Sink
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -write_package_comment=false -package syncmock -destination store_mock.go github.com/urbanhub/crmsync/sync Store
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -write_package_comment=false -package syncmock -destination queue_mock.go github.com/urbanhub/crmsync/sync Queue
//go:generate go run go.uber.org/mock/mockgen@v0.6.0 -typed -write_package_comment=false -package syncmock -destination inbox_mock.go github.com/urbanhub/crmsync/sync Inbox
