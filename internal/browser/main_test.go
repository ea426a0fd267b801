package browser

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// images is where the pictures for the documents go.
var images = flag.String("images", "", "write the screenshots into this directory")

// base is the address of the dashboard of a quickstart that runs.
var base string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// run starts the quickstart for the tests.
func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	stop, err := startQuickstart(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the quickstart does not serve:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

// startQuickstart builds and starts the quickstart, as a user would, and waits
// for its dashboard.
func startQuickstart(ctx context.Context) (stop func(), err error) {
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return nil, err
	}
	program := filepath.Join(dir, "quickstart")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./examples/quickstart")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, program, "-serve", "-addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for base == "" && lines.Scan() {
		if _, url, ok := strings.Cut(lines.Text(), "Dashboard   "); ok {
			base = strings.TrimSuffix(url, "/")
		}
	}
	if base == "" {
		return nil, fmt.Errorf("it ended: %w", cmd.Wait())
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, out)
	}()
	return func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-drained
		_ = cmd.Wait()
		_ = os.RemoveAll(dir)
	}, nil
}
