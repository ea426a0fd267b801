package sqlitedb

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What is stored is people's: nobody else may read the file, those beside it,
// or a backup. A file that somebody made with another mode keeps it.
func TestPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	mode := func(path string) fs.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	db := openNew(t)
	if err := db.Update(t.Context(), "test", func(tx *Tx) error { return insert(tx, "a") }); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(t.Context(), db.path+".copy"); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{"", "-wal", "-shm", ".lock", ".copy"} {
		if got := mode(db.path + beside); got != 0o600 {
			t.Errorf("the file%s has mode %o, want 600", beside, got)
		}
	}
	shared := filepath.Join(t.TempDir(), "shared.db")
	if err := os.WriteFile(shared, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(shared, 0o640); err != nil {
		t.Fatal(err)
	}
	openFile(t, shared)
	if got := mode(shared); got != 0o640 {
		t.Errorf("a file with mode 640 has %o", got)
	}
}
