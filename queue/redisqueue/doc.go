// Package redisqueue keeps a queue in Redis 7 or newer, or in a server that
// speaks its language, for many processes at once.
//
// [NewLog] returns the [queue.Log] over a client of go-redis, which may be of
// one server, of a sentinel or of a cluster and stays its caller's; queue.New
// makes a queue of it. Call [Log.Check] once before, and keep [Log.Run]
// running so that a message pushed by one process wakes the others at once. A
// client that may read from replicas, which lag behind, is refused. Set its
// ContextTimeoutEnabled: without it a call to a server that is silent lasts for
// several of the client's timeouts, whatever the context says, and a receiver
// answers when its vendor has hung up.
//
// # What can be lost
//
// The queue keeps what the server keeps. Ask [Log.Check] what that is:
//
//   - Without appendonly, whatever came after the last snapshot is lost when
//     the server stops.
//   - With appendfsync everysec, the default of an append-only server, a crash
//     of the server or its machine loses the last second or two: messages whose Push had
//     returned are gone, and messages that were done come again. Only
//     appendfsync always keeps the promise of Push to the letter; it costs a
//     part of the speed, see the benchmarks.
//   - Failover is asynchronous. A replica that takes over lacks what its
//     master had not yet sent, with the same effect, and WAIT does not change
//     that. The lost writes can be leases: for up to the length of one lease
//     two processes may then believe that a key is theirs. The engine stays
//     right, because a store refuses the later of two commits by the link's
//     generation; see [sync.Store].
//   - A maxmemory-policy other than noeviction deletes waiting messages when
//     memory is short. With noeviction a server at its maxmemory refuses Push
//     and Replay; what waits is worked off all the same, and makes room.
//
// So that the half of a script in which the server crashed does not come to
// effect when it starts for the second time, the queue sends BGREWRITEAOF before
// the first script after a start; package redisstore has the details.
//
// Lost webhooks are found by the engine's sweeps, so the default is right for
// most. Where it is not, set [Options].RequireDurable, or use PostgreSQL.
//
// After a restart or failover the owners of shards are given new tokens at
// their next heartbeat and read everything anew, so that nothing stays behind
// that a lost write uncovered. What they have in work then comes again when its
// lease ends.
//
// # How it is kept
//
// Keys begin with "{prefix}", so that a queue lies in one slot of a cluster;
// with [Options].Spread, a shard does. A shard is one stream per priority, and
// an entry of a stream is a pack: what one call pushed to it. The sequence
// number of a message is that of its pack and its place in the call. A pack is
// removed when all of it is done; until then a hash tells which places are. So
// pushing and working off cost the server little per message when they come
// many at a time. How many wait is counted in another hash. Who owns a shard is
// a hash with a token that fences every removal. IDs that were pushed lie in a
// hash per week, of which three are kept: an ID of 36 characters takes about 115
// bytes for one to two weeks. Count as much at most and the payload for a
// message that waits, and plan maxmemory for a long outage of the other side.
// All steps are Lua scripts, known to the server by their hash and sent again
// when it forgot them.
//
// A pack keeps what is done of it until the last of it is: an entry of a stream
// cannot be written anew. A message that waits for its next attempt, or for its
// key, thus keeps those that were pushed to its shard in the same call, at most
// 500 or a mebibyte, in the memory and the files of the server for as long.
// Nobody is given them any more.
//
// There is no index of the keys. The messages of a key with so many that they
// are not all in memory are searched for among those of its shard, 256 KiB at a
// time; that costs the server about a millisecond for each mebibyte that waits
// in the shard. Most keys never have so many: see "Hot, sleeping and poisoned
// keys" of package queue.
//
// Times are the caller's, to the microsecond; the server's clock decides
// nothing.
package redisqueue
