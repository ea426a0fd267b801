package sqlitedb

import (
	"errors"
	"io/fs"
	"os"
)

// private makes an empty file that only its user may read, where there is none:
// SQLite would let everybody read people's data. The log and the index beside a
// database take its mode. A file that is there is left alone, and not even
// opened: to close it would end the locks that this process has on it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // G304: the host says where its files are
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
