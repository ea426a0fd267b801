package sqlitestore_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/store/sqlitestore"
)

// opener names the file that this process, being a child, shall open.
const opener = "CRMSYNC_TEST_OPEN"

func TestMain(m *testing.M) {
	if path := os.Getenv(opener); path != "" {
		_, err := sqlitestore.Open(context.Background(), path, nil)
		fmt.Println(err)
		return
	}
	goleak.VerifyTestMain(m)
}

// TestSecondProcess has another process open the same file.
func TestSecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "crmsync.db")
	s := open(t, path, nil)
	const refusal = "another process has the database open"
	if got := inChild(t, path); !strings.Contains(got, refusal) || !strings.Contains(got, "stop that process") {
		t.Errorf("the second process got %q", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := inChild(t, path); got != "<nil>" {
		t.Errorf("after the first was closed the second got %q", got)
	}
}

// inChild opens the file in another process, which dies without closing it,
// and returns the error there.
func inChild(t *testing.T, path string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), opener+"="+path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}
