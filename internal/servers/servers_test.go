//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/internal/dbserver"
)

// callers has the servers be the caller's.
func callers(t *testing.T) {
	t.Helper()
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv(postgres.variable, "postgres://here")
	t.Setenv(redis.variable, "here:1")
}

func TestTheCommandHasTheLastWord(t *testing.T) {
	callers(t)
	for script, want := range map[string]int{
		"exit 0": 0, "exit 7": 7, "kill -9 $$": 137,
		`test "$CRMSYNC_TEST_POSTGRES $CRMSYNC_TEST_REDIS" = "postgres://here here:1"`: 0,
	} {
		if got, err := run([]string{"sh", "-c", script}); got != want || err != nil {
			t.Errorf("%s: got %d, %v; want %d", script, got, err, want)
		}
	}
	if status, err := run([]string{"there-is-no-such-command"}); status == 0 || err == nil {
		t.Errorf("a command that is missing: got %d, %v", status, err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 || err != nil {
		t.Errorf("there are left %v, %v", left, err)
	}
}

// installed makes programs that tell their versions.
func installed(t *testing.T, versions ...string) *server {
	t.Helper()
	dir := t.TempDir()
	for i, v := range versions {
		bin := filepath.Join(dir, string(rune('a'+i)))
		script := "#!/bin/sh\necho '" + v + "'\n"
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "a-server"), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return &server{name: "A server", variable: "A_SERVER", least: 15,
		program: dbserver.Program{Name: "a-server", Places: []string{filepath.Join(dir, "*")}}}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		versions []string
		bin, err string
	}{
		{[]string{"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 17beta1", "postgres (PostgreSQL) 9.6.24"}, "b", ""},
		{[]string{"Redis server v=15.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"}, "a", ""},
		{[]string{"postgres (PostgreSQL) 14.1"}, "", "14 is installed, and 15 or newer is needed"},
		{[]string{"something else"}, "", "is not installed"},
		{nil, "", "is not installed"},
	} {
		bin, err := installed(t, c.versions...).find(t.Context())
		if c.err == "" && (err != nil || filepath.Base(bin) != c.bin) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v: got %s, %v", c.versions, bin, err)
		}
	}
}

func TestNothingInstalls(t *testing.T) {
	s := installed(t)
	t.Setenv("PATH", t.TempDir())
	_, err := s.start(t.Context(), t.TempDir())
	if want := "A server 15 or newer is missing and there is neither apt-get nor brew to install it; install it or set A_SERVER"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What the package manager says no to is one sentence.
func TestInstallationFails(t *testing.T) {
	s := installed(t)
	s.packages = map[string][]string{"apt-get": {"a-package"}}
	dir := t.TempDir()
	for _, program := range []string{"apt-get", "sudo", "env"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\nexit 100\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	_, err := s.start(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "`apt-get update -q` failed") || !strings.Contains(err.Error(), "set A_SERVER") {
		t.Errorf("got %v", err)
	}
}
