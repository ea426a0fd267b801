//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Server is a PostgreSQL of a test's own, for what cannot be done to a
// shared one.
type Server struct {
	// DSN names its database postgres, Addr is host:port on loopback.
	DSN, Addr string
	bin, dir  string
	as        *syscall.Credential
	cmd       *exec.Cmd
	ended     chan struct{}
	out       bytes.Buffer
	tb        testing.TB
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
	s := &Server{tb: tb, bin: programs(tb), Addr: freeAddress(tb)}
	s.dir, s.as = folder(tb)
	secret := rand.Text()
	s.DSN = fmt.Sprintf("postgres://crmsync:%s@%s/postgres?sslmode=disable", secret, s.Addr)
	file := filepath.Join(s.dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o644); err != nil { // in a folder of mode 0700
		tb.Fatal(err)
	}
	made := s.command("initdb", "-D", s.dir+"/data", "-U", "crmsync", "-A", "password", "--pwfile", file, "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := made.CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	tb.Cleanup(func() { s.Stop(syscall.SIGKILL) })
	if err := s.Restart(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// command prepares one of the server's programs, as a user who is not root.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(s.tb.Context()), filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: s.as}
	return cmd
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
	host, port, _ := net.SplitHostPort(s.Addr)
	s.out.Reset()
	s.cmd = s.command("postgres", "-D", s.dir+"/data", "-p", port, "-c", "listen_addresses="+host,
		"-c", "unix_socket_directories="+s.dir, "-c", "max_connections=200")
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

// programs finds the folder of the server's programs.
func programs(tb testing.TB) string {
	tb.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path)
		}
	}
	for _, place := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		if found, _ := filepath.Glob(filepath.Join(place, "initdb")); len(found) > 0 { // the patterns are sound
			return filepath.Dir(found[len(found)-1])
		}
	}
	tb.Fatal("initdb is not installed: make test installs PostgreSQL")
	return ""
}

// folder makes a folder for a server that refuses to run as root, and names
// who runs it then.
func folder(tb testing.TB) (string, *syscall.Credential) {
	tb.Helper()
	dir, err := os.MkdirTemp("", "crmsync-pg-") // short enough for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Geteuid() != 0 {
		return dir, nil
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			if err := os.Chown(dir, uid, gid); err != nil {
				tb.Fatal(err)
			}
			return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	tb.Fatal("PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody")
	return "", nil
}

// freeAddress finds a port on loopback.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
