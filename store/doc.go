// Package store gathers the implementations of [sync.Store], the engine's
// memory: which records belong together, what they last agreed on, which
// writes are under way, what was decided and why, and how far each source has
// been read.
//
//   - memstore keeps everything in memory, for tests and trials.
//   - pgstore keeps it in PostgreSQL, for as many processes as one likes.
//   - redisstore keeps it in Redis, for many processes: as durable as the
//     server is set up to be.
//   - sqlitestore keeps it in one SQLite file: durable, for one process, with
//     nothing to install.
//
// To write another, implement the roles of sync.Store and run
// storetest.Run against it from a test of about twenty lines.
package store

import _ "github.com/urbanhub/crmsync/sync" // for the links above
