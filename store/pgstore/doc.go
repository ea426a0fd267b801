// Package pgstore is a [sync.Store] in PostgreSQL 15 or newer: the memory of
// an engine that runs in as many processes as one likes.
//
// The pool is the host's. [Migrate] makes the tables, in a schema of their
// own; [Store.Check] says at the start what is in the way. Several releases
// may share the tables during an upgrade, and one that does not know them any
// more refuses to start.
//
// # How it writes
//
// All who write take turns, by an advisory lock of the transaction. So entries
// of the audit are numbered without gaps in the order in which they become
// visible, and who follows the audit passes over none, however late a
// transaction commits. Turns are cheap because calls that come together share
// one: it takes two round trips, for one commit or two hundred. Reading takes
// no lock. A process that stands still in its turn is put out after 5 seconds.
//
// The pool may go through PgBouncer in the mode of transactions. With
// synchronous_commit off, a crash of the server loses what engines have
// relied on; leave it on.
//
// # What people query
//
// store_audit has a row for each decision, with its time, kind, flow, link
// and records in columns and the whole entry in data:
//
//	SELECT at, data->'decision'->>'Field', data->'decision'->>'Rule'
//	FROM crmsync.store_audit WHERE left_ref = 'crm:contact:512' ORDER BY seq;
//
// A store is a [sync.Permits] too: processes that share it share the vendors'
// quotas.
package pgstore
