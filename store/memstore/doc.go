// Package memstore is a [sync.Store] in memory, for tests and trials. Nothing
// survives the process: after a restart the engine recognises records by
// their identity again, but the audit is gone and conflicts are settled by
// the first-sync policy. Not for production.
package memstore
