// Package sqlitequeue keeps a queue in the SQLite file of a sqlitestore: the
// durable choice for a single process, with nothing to install.
//
//	store, err := sqlitestore.Open(ctx, "crmsync.db", nil)
//	…
//	queue, err := sqlitequeue.Open(ctx, store)
//
// [Open] returns a queue ready for use, [OpenLog] the [queue.Log] below it.
// The file belongs to the store: whoever opened it closes it, after the queue
// was closed with [queue.Queue.Close].
//
// # What is promised
//
// Push returns when the messages are durable as the store makes them. Calls
// made at the same time share a commit: the more callers, the less each costs.
// What a killed process had in work is delivered again as soon as the queue is
// opened, without waiting for leases to end, because the file's lock proves
// that nobody holds them.
//
// # What it costs
//
// The cost of a message does not grow with how many wait. The IDs of the last
// seven days, hashed, are kept in memory as well, about 40 bytes each: 60 MB
// when 1,000 messages came in every minute of a day, 10 times that when they
// did all week. Stats counts what waits: some tenths of a second for each
// million messages.
//
// What one call pushes to one stream lies in one row, which is removed when all
// of it is done; until then each message that is done costs a bit. So a push of
// hundreds costs little more than one of a few. If others of the row wait for
// longer, what is done is kept with them until the second heartbeat, of which
// each writes up to 100 rows anew, or, if the process ended before, until
// another of them is done.
//
// # What goes wrong
//
// What no longer holds a message goes to the dead letters when it is met, and
// what is around it goes on; of what one call pushed to one stream that may be
// all that comes after the damage.
package sqlitequeue
