package sqlitedb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

const opBackup = "sqlite: backup"

// Backup writes a copy of the file as it is now, while work goes on. The copy
// takes its name only when it is complete and on the disk.
func (db *DB) Backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return refuse(opBackup, "backup.exists", "there is a file of this name", "name another file")
	}
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return denied(opBackup, err)
	}
	c, err := db.reader(ctx, opBackup)
	if err != nil {
		return err
	}
	defer func() { db.readers <- c }()
	if err := private(partial); err != nil {
		return denied(opBackup, err)
	}
	if _, err := c.Exec(ctx, "VACUUM INTO ?", partial); err != nil {
		_ = os.Remove(partial) // what there is of it
		return fail(opBackup, err)
	}
	return denied(opBackup, errors.Join(flush(partial), os.Rename(partial, path), flush(filepath.Dir(path))))
}

// flush waits until a file or folder is on the disk.
func flush(path string) error {
	f, err := os.Open(path) //nolint:gosec // G304: the host says where its backups go
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
