//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/dbserver"
)

// A Server is a PostgreSQL of a test's own, for what cannot be done to a
// shared one.
type Server struct {
	*dbserver.Cluster
	cmd   *exec.Cmd
	ended chan struct{}
	out   bytes.Buffer
	tb    testing.TB
}

// Start makes a cluster and starts a server over it, which is stopped when the
// test ends. Where [Variable] is not set the test is skipped, like all that
// need PostgreSQL.
func Start(tb testing.TB) *Server {
	tb.Helper()
	if os.Getenv(Variable) == "" {
		skipped.Add(1)
		tb.Skipf("needs PostgreSQL: set %s or run make test", Variable)
	}
	bin, version := dbserver.Postgres.Newest(tb.Context())
	if version == 0 {
		tb.Fatal("PostgreSQL is not installed: make test installs it")
	}
	cluster, err := dbserver.NewCluster(tb.Context(), bin, folder(tb))
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{tb: tb, Cluster: cluster}
	tb.Cleanup(func() { s.Stop(syscall.SIGKILL) })
	if err := s.Restart(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// Stop ends the server: SIGQUIT is what pg_ctl calls an immediate shutdown,
// SIGKILL what the kernel does when memory is short.
func (s *Server) Stop(signal syscall.Signal) {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(signal) // it may have ended
		<-s.ended
		s.cmd = nil
	}
}

// Restart starts the server after [Server.Stop] and waits until it has
// recovered. After a SIGKILL it refuses to until the last backend is gone.
func (s *Server) Restart() error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if err := s.launch(); err != nil {
			return err
		}
		if s.ready(end) {
			return nil
		}
		s.Stop(syscall.SIGKILL)
		if time.Now().After(end) {
			return fmt.Errorf("the PostgreSQL server does not answer\n%s", &s.out)
		}
	}
}

func (s *Server) launch() error {
	s.out.Reset()
	s.cmd = s.Command(s.tb.Context(), "max_connections=200")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	s.cmd.WaitDelay = time.Second // backends that outlive it hold the pipe
	if err := s.cmd.Start(); err != nil {
		return err
	}
	ended, cmd := make(chan struct{}), s.cmd
	go func() { _ = cmd.Wait(); close(ended) }() // Stop waits for it
	s.ended = ended
	return nil
}

// ready waits until the server answers, and reports false if it ended.
func (s *Server) ready(end time.Time) bool {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(s.tb.Context()), end)
	defer cancel()
	for {
		if conn, err := pgx.Connect(ctx, s.DSN); err == nil {
			return conn.Close(ctx) == nil
		}
		select {
		case <-s.ended:
			return false
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// folder makes a folder with a path short enough for a socket.
func folder(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "crmsync-pg-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
