// Package sqlitestore is a [sync.Store] in one SQLite file: the durable choice
// for a single process, with nothing to install. Package sqlitequeue keeps its
// queue in the same file.
//
//	store, err := sqlitestore.Open(ctx, "crmsync.db", nil)
//	…
//	defer store.Close()
//	queue, err := sqlitequeue.Open(ctx, store)
//
// # What is promised
//
// What a method has stored survives the death of the process and the loss of
// power, unless [Options].Relaxed is set. One goroutine writes, from [Open] to
// [Store.Close]; calls made at the same time share a commit, so many callers
// cost little more than one. Reads go on beside it.
//
// # Its limits
//
// One process has the file open; a second one is refused. The file must be on
// a local disk: network folders do not keep the locks that SQLite needs
// (https://www.sqlite.org/faq.html#q5). Beside it are "-wal" and "-shm", which
// belong to it, and ".lock", which is empty and may stay.
//
// # Backup
//
// [Store.Backup] writes a copy while work goes on. To restore it, stop the
// program, remove the file with its "-wal" and "-shm", and put the copy in its
// place. Never copy an open file by other means.
//
// # What is erased
//
// What is deleted is overwritten in its page at once. Whole pages that become
// free, and the "-wal" file, keep old bytes until they are used again; a
// backup has none of them.
//
// # What goes wrong
//
// Every error of the file is a [sync.Error] whose hint says what to do. While
// the disk is full, writes fail, to be tried again, and change nothing. A row
// that cannot be read fails for its own record and is passed over, with a line
// in the log, when records are listed.
package sqlitestore
