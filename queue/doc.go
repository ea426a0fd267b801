// Package queue is the keyed dispatcher: it implements [sync.Queue] once, over
// the small interface [Log] that each engine provides.
//
// # Which driver
//
//   - memqueue: nothing is kept when the process ends. For trials and tests.
//   - sqlitequeue: in one SQLite file, together with the store. Durable, for
//     one process, with nothing to install.
//   - redisqueue: in Redis, for many processes. As durable as the server is
//     set up to be, which its Check tells.
//   - pgqueue: in PostgreSQL, for many processes. A host pushes in its own
//     transactions, and dead letters are there for SQL.
//
// # How it works
//
// Keys hash to shards, and a process owns shards by leases with fencing
// tokens. The owner reads each stream (one priority of one shard) by a cursor
// into a small window and keeps there, in memory, which keys are in work,
// asleep, hot or under suspicion. The log is written twice per message: once to
// append it and once to delete it; only a failure costs more. A shard's lease
// always outlasts the leases of its lanes, so that a key never has two
// holders, and a holder that is late anyhow fails at the fence. What a process
// has in work when its shard is given a new token cannot be settled any more,
// and comes again when its lease ends, not before.
//
// Nothing runs in the background: Take renews leases and reads. A process that
// stops should call [Queue.Close]; otherwise its shards move when their lease
// ends, which is the lane lease plus [Options].Lease.
//
// # Order
//
// Within a key, messages of one priority are delivered in the order pushed. So
// are messages of different priorities as far as both were read; but priorities
// are read apart, so that a backlog of one never delays another, and a message
// may overtake one of the same key and another priority whose backlog was not
// read that far.
//
// # Hot, sleeping and poisoned keys
//
// A key with more than [Options].PerKey messages of a priority in memory is
// parked: its further messages are passed over and read again, for this key
// alone, when it runs low. A sleeping key keeps a few messages in memory and is
// parked otherwise. Neither counts against the window, so they keep nobody out.
// The retry time is stored with the message that failed; a new owner of the
// shard may deliver messages of the key of another priority before it has read
// that one.
//
// When a process dies, whatever it had in work may have killed it. The next
// owner of its shards delivers what filled the window then with care: one lane
// per shard at a time, one message per lane, an attempt counted in the log
// before; and those so counted at an earlier death one at a time over all
// shards. A message that was in work at [Options].Crashes deaths is buried
// unseen.
//
// # Writing a driver
//
//  1. Implement [Log]; its comments are the contract. Append and Delete are the
//     hot path: one write each, no update, no lock that the other waits for.
//  2. Key the messages by (shard, priority, seq) and read with that index only.
//  3. Check the fence in the statement that deletes, not before it.
//  4. Lock shards in ascending order when leasing.
//  5. Use the "now" of the call for every decision on time.
//  6. If entries can become visible out of order, return an honest
//     [Page].Settled; otherwise [AllSettled].
//  7. Implement [Waker] if the engine can notify; it is a hint only.
//  8. Run queuetest.RunLog against the real engine.
package queue
