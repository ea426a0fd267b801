//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/urbanhub/crmsync/internal/dbserver"
)

// A server is one that the tests need.
type server struct {
	name, variable string
	program        dbserver.Program
	least          int // the oldest major version that will do
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
	own := filepath.Join(dir, s.program.Name)
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
	progress("%s runs: %s", s.name, filepath.Join(bin, s.program.Name))
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
	bin, newest := s.program.Newest(ctx)
	switch {
	case newest == 0:
		return "", fmt.Errorf("%s is not installed", s.name)
	case newest < s.least:
		return "", fmt.Errorf("%s %d is installed, and %d or newer is needed", s.name, newest, s.least)
	}
	return bin, nil
}
