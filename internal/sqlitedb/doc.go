// Package sqlitedb opens the one SQLite file that sqlitestore and sqlitequeue
// share: its lock, its schema and its settings. A single goroutine writes; what
// is asked of it at the same time becomes durable in one commit. Reads go
// beside it on connections of their own.
package sqlitedb
