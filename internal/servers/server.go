//go:build unix

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// A server is one that the tests need.
type server struct {
	name, variable string
	// program is the server's executable, least the oldest major version that
	// will do, places the folders to look into where PATH has none.
	program string
	least   int
	places  []string
	// packages are its packages by package manager.
	packages map[string][]string
	// launch prepares and starts it with its files in dir, and returns the
	// value of the variable and how to see whether it is ready.
	launch func(ctx context.Context, bin, dir string) (launched, error)
}

// launched is a server that was started and may not be ready.
type launched struct {
	value   string
	process *process
	ready   func(ctx context.Context) error
}

// patience is how long a server may take to be ready.
const patience = time.Minute

// start finds or installs the server, starts it, waits until it is ready and
// sets its variable.
func (s *server) start(ctx context.Context, dir string) (*process, error) {
	bin, err := s.find(ctx)
	if err != nil {
		progress("%v", err)
		if err := s.install(ctx); err != nil {
			return nil, err
		}
		if bin, err = s.find(ctx); err != nil {
			return nil, fmt.Errorf("%w; set %s to a server that will do", err, s.variable)
		}
	}
	own := filepath.Join(dir, s.program)
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	l, err := s.launch(ctx, bin, own)
	if err != nil {
		return nil, fmt.Errorf("%s does not start: %w", s.name, err)
	}
	if err := l.await(ctx); err != nil {
		l.process.stop()
		return nil, fmt.Errorf("%s does not get ready: %w\n%s", s.name, err, l.process.output())
	}
	progress("%s runs: %s", s.name, filepath.Join(bin, s.program))
	return l.process, os.Setenv(s.variable, l.value)
}

// await waits until the server is ready.
func (l *launched) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := l.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-l.process.ended:
			return fmt.Errorf("it ended at once")
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// find returns the folder of the newest server that is installed and will do.
func (s *server) find(ctx context.Context) (bin string, err error) {
	newest := 0
	for _, path := range s.candidates() {
		if v := s.version(ctx, path); v > newest {
			newest, bin = v, filepath.Dir(path)
		}
	}
	switch {
	case newest == 0:
		return "", fmt.Errorf("%s is not installed", s.name)
	case newest < s.least:
		return "", fmt.Errorf("%s %d is installed, and %d or newer is needed", s.name, newest, s.least)
	}
	return bin, nil
}

// candidates lists the executables that may be the server.
func (s *server) candidates() []string {
	var paths []string
	if path, err := exec.LookPath(s.program); err == nil {
		paths = append(paths, path)
	}
	for _, place := range s.places {
		more, _ := filepath.Glob(filepath.Join(place, s.program)) // the patterns are sound
		paths = append(paths, more...)
	}
	for i, path := range paths {
		if real, err := filepath.EvalSymlinks(path); err == nil { // its helpers are beside it
			paths[i] = filepath.Join(filepath.Dir(real), s.program)
		}
	}
	return slices.Compact(paths)
}

var major = regexp.MustCompile(`(?:PostgreSQL\) |v=)(\d+)`)

// version returns the major version of an executable, 0 when it tells none.
func (s *server) version(ctx context.Context, path string) int {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	m := major.FindSubmatch(out)
	if err != nil || m == nil {
		return 0
	}
	v, _ := strconv.Atoi(string(m[1])) // digits
	return v
}

// freePort returns a port of loopback that nobody listens at.
func freePort(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, joinClose(err, l)
}
