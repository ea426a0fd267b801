package sqlitedb

import (
	"errors"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openFile opens a file and closes it when the test ends.
func openFile(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func openNew(t *testing.T) *DB {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "crmsync.db"))
}

// broken checks that err names the rule, the action and what to do.
func broken(t *testing.T, err error, action sync.Action, rule string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action || e.Rule != rule || e.Hint == "" {
		t.Errorf("got error %v, want %s by rule %s with a hint", err, action, rule)
	}
}
