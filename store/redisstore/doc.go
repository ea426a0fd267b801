// Package redisstore is a [sync.Store] in Redis 7 or newer, or in a server that
// speaks its language, for many processes at once, and the [sync.Permits] by
// which they share the vendors' quotas.
//
// [New] takes a client of go-redis, which may be of one server, of a sentinel
// or of a cluster and stays its caller's. Call [Store.Check] once at the start.
// A client that may read from replicas is refused: they lag behind, and an edit
// that is judged by an older state would be lost. Set the client's
// ContextTimeoutEnabled, or a call to a server that is silent lasts longer than
// its context says.
//
// # What can be lost
//
// The store keeps what the server keeps. Ask [Store.Check] what that is:
//
//   - Without appendonly, whatever came after the last snapshot is lost when
//     the server stops.
//   - With appendfsync everysec, the default of an append-only server, a crash
//     of the server or its machine loses the last second or two. A script is
//     lost or kept as a whole, so what remains agrees with itself: link, base,
//     intent and audit go back together, and the audit's chain verifies. What
//     the engine wrote to the vendors meanwhile it reads again and takes for
//     edits that both sides agree on; what it did is not in the audit, and a
//     pair that it created is found by its identity. Only where somebody has
//     edited the same field once more by then is the order not known any more:
//     the field's owner wins, and the audit tells so. Where the owner's value
//     is written over somebody's, an edit of just that moment is overwritten
//     unseen unless the system keeps a history, which Bird does not.
//   - Failover is asynchronous: a replica that takes over lacks what its master
//     had not yet sent, with the same effect, and a master that is cut off may
//     accept commits that its successor never sees.
//   - A maxmemory-policy other than noeviction deletes links when memory is
//     short.
//
// A process that remembers what the server forgot cannot commit on it: a link's
// generation can be given twice, the hash of its last entry is not.
//
// A crash can leave the half of a script at the end of the append-only file.
// Redis 7 at least leaves the half there when it starts, without effect, and
// carries it out when it starts for the second time. To prevent that the store
// sends BGREWRITEAOF before the first script after a start. If the server
// crashes again while it writes the new file, its first start can fail; the
// second one succeeds. Where a hosted server refuses the command [Store.Check]
// warns: have it run with aof-load-truncated no, and redis-check-aof --fix
// before a start after a crash.
//
// Where that is not acceptable set [Options].RequireDurable, or use PostgreSQL.
//
// # How it is kept
//
// All keys begin with "{prefix}:store", so that all of a store lies in one
// slot of a cluster: a commit is one script and touches links, ends and audit.
// A deployment that needs more than one master takes several prefixes. Links
// and bases are JSON in hashes; the audit is a stream whose entries are found
// by link and record through sorted sets and by flow through a bit each.
//
// Everything is in memory: count about 2.5 KB for a pair with a dozen fields on
// each side, and 1.5 KB for an entry of the audit.
//
// Erasing a person drops the key to the values in the audit. An append-only
// file and snapshots still hold what they held before: let the server rewrite
// the file (BGREWRITEAOF) and delete older snapshots.
package redisstore
