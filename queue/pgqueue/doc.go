// Package pgqueue keeps a queue in PostgreSQL 15 or newer.
//
// It works on a pool of the host, on tables in a schema of its own:
//
//	err := pgqueue.Migrate(ctx, pool, "")     // once per release
//	q, err := pgqueue.New(pool, nil)          // a sync.Queue
//	go q.Run(ctx)                             // beside the engine
//
// # What is guaranteed
//
//   - Push returns when the messages are committed, and drops IDs pushed in
//     the last 7 days (14 at most), atomically, whichever process pushed them.
//   - [Log.EnqueueTx] pushes in a transaction of the host: the messages are
//     there exactly if it commits.
//   - Within a key and priority, messages come in the order pushed; a key is
//     in the hands of one process at a time, guarded by leases and fences.
//   - What Done or Bury acknowledged is not delivered again: the shard cannot
//     change hands between the check of its fence and the commit.
//   - A message is delivered at least once: a process that dies leaves what it
//     had in work to the next owner of its shards.
//   - What cannot be read goes to the dead letters and is counted
//     ([Log.Corrupt]); its neighbours go on.
//
// Times are kept to the microsecond.
//
// # How it works
//
// A message costs one INSERT and one DELETE, besides the insert of its ID
// into the memory of IDs. The tables hold one index that changes with them,
// and nothing is updated unless a message fails. Statements about the table of
// messages, which is almost always empty, are planned without regard to its
// statistics; the settings for that are made for one transaction and never on
// the host's connections.
//
// Messages of transactions that commit late are found by reading again what
// may still change. How far back that is follows from the snapshots of the
// reads; when a long transaction elsewhere holds these up, from the locks on
// the table. A long transaction therefore slows nothing down unless it pushed
// messages itself.
//
// Processes tell each other of new messages by NOTIFY, after the commit, at
// most once in 5 ms and on a connection of their own, because a commit with a
// notification takes a lock of the whole server. It is a hint only: without
// it messages wait for the next poll, 200 ms by default.
//
// # Dead letters
//
// Table queue_dead keeps them for people, with the failures as JSON in history
// and the payload, if it is JSON, in body:
//
//	SELECT key, died_at, history -> -1 ->> 'error' FROM crmsync.queue_dead
//	WHERE body @> '{"kind": "contact"}' ORDER BY died_at;
package pgqueue
