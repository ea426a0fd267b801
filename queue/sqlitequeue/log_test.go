package sqlitequeue_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/queuetest"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLog(t *testing.T) {
	queuetest.RunLog(t, func(t *testing.T) queue.Log {
		return openLog(t, openStore(t, filepath.Join(t.TempDir(), "crmsync.db")))
	}, nil)
}

// openStore opens a file and closes it when the test ends.
func openStore(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openLog(t testing.TB, s *sqlitestore.Store) *sqlitequeue.Log {
	t.Helper()
	l, err := sqlitequeue.OpenLog(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
