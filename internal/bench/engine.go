package main

import (
	"context"
	"slices"
)

// An engine is a queue under test, empty when it is opened.
type engine interface {
	// push stores messages and returns when they are as durable as the engine
	// makes them.
	push(ctx context.Context, msgs []message) error
	// work works messages until ctx ends, telling the ledger of each, and
	// returns when nothing is in work any more.
	work(ctx context.Context, l *ledger) error
	// bytes is what the engine's server, file or process keeps, payloads and
	// all.
	bytes(ctx context.Context) (int64, error)
	// close removes everything.
	close() error
}

// A maker opens engines of one kind.
type maker struct {
	name string
	// ours tells the queues of crmsync from the others.
	ours bool
	// share is how many messages it is given, as a percentage: those that
	// take long are given less, for their rate does not depend on it.
	share int
	open  func(ctx context.Context, m *machine) (engine, error)
}

// makers lists the engines: ours, those that a team would otherwise pick, and
// what it would write by hand.
var makers = []maker{
	{name: "pgqueue", ours: true, share: 100, open: openPgqueue},
	{name: "river", share: 30, open: openRiver},
	{name: "river unique", share: 20, open: openRiverUnique},
	{name: "skip locked", share: 100, open: openSkipLocked},
	{name: "sqlitequeue", ours: true, share: 100, open: openSqlitequeue},
	{name: "redisqueue", ours: true, share: 100, open: openRedisqueue},
	{name: "asynq", share: 20, open: openAsynq},
	{name: "asynq unique", share: 20, open: openAsynqUnique},
	{name: "streams", share: 100, open: openStreams},
	{name: "memqueue", ours: true, share: 300, open: openMemqueue},
}

func isOurs(name string) bool {
	return slices.ContainsFunc(makers, func(k maker) bool { return k.name == name && k.ours })
}
