package dbserver

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// A Program is the executable of a server, and the folders to look into beside
// those of PATH, as patterns.
type Program struct {
	Name   string
	Places []string
}

// The programs of the servers.
var (
	Postgres = Program{"postgres", []string{
		"/usr/lib/postgresql/*/bin", // Debian
		"/usr/pgsql-*/bin",          // Red Hat
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	}}
	Redis = Program{"redis-server", []string{"/opt/homebrew/opt/redis/bin", "/usr/local/opt/redis/bin", "/usr/local/bin"}}
)

// Newest returns the folder of the newest one that is installed, where its
// helpers are too, and its major version; 0 if there is none.
func (p Program) Newest(ctx context.Context) (bin string, major int) {
	for _, path := range p.candidates() {
		if v := version(ctx, path); v > major {
			major, bin = v, filepath.Dir(path)
		}
	}
	return bin, major
}

// candidates lists the executables that may be the server.
func (p Program) candidates() []string {
	var paths []string
	if path, err := exec.LookPath(p.Name); err == nil {
		paths = append(paths, path)
	}
	for _, place := range p.Places {
		more, _ := filepath.Glob(filepath.Join(place, p.Name)) // the patterns are sound
		paths = append(paths, more...)
	}
	for i, path := range paths {
		if real, err := filepath.EvalSymlinks(path); err == nil { // its helpers are beside it
			paths[i] = filepath.Join(filepath.Dir(real), p.Name)
		}
	}
	return slices.Compact(paths)
}

var majorVersion = regexp.MustCompile(`(?:PostgreSQL\) |v=)(\d+)`)

// version returns the major version of an executable, 0 when it tells none.
func version(ctx context.Context, path string) int {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	m := majorVersion.FindSubmatch(out)
	if err != nil || m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1])) // digits
	return v
}
