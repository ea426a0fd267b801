package redistest

import (
	"bytes"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/dbserver"
	"github.com/urbanhub/crmsync/internal/loopback"
)

// A Server is a Redis of a test's own, for what cannot be done to a shared
// one.
type Server struct {
	// Addr is host:port on loopback, and Dir where the server keeps its files.
	Addr, Dir string
	program   string
	args      []string
	cmd       *exec.Cmd
	ended     chan struct{} // closed when cmd has
	out       bytes.Buffer
	t         testing.TB
}

// Start starts a server with an append-only file and the options given, such
// as "--appendfsync", "always". It is stopped when the test ends. Where
// [Variable] is not set the test is skipped, like all that need Redis.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	address(t)
	bin, version := dbserver.Redis.Newest(t.Context())
	if version == 0 {
		t.Fatal("Redis is not installed: make test installs it")
	}
	at, err := loopback.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(at.Release)
	s := &Server{t: t, program: filepath.Join(bin, dbserver.Redis.Name), Addr: at.String(), Dir: folder(t)}
	s.args = append([]string{"--port", at.Port, "--bind", at.Host, "--dir", s.Dir,
		"--save", "", "--appendonly", "yes", "--daemonize", "no"}, options...)
	t.Cleanup(s.Kill)
	s.Restart()
	return s
}

// folder is like that of t.TempDir, but a child that the server left behind may
// still be writing there when it is removed.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "crmsync-redis-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Restart starts the server again after [Server.Kill] and waits until it has
// read its files. Like a supervisor it tries again when the server ends: one
// that was killed while it wrote its append-only file anew does so once if the
// old one ends in the middle of a write.
func (s *Server) Restart() {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1})
	defer func() { _ = c.Close() }()
	const patience = 2 * time.Minute
	for end := time.Now().Add(patience); ; {
		if s.over() {
			s.start()
		}
		err := c.Ping(context.Background()).Err()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			s.Kill()
			s.t.Fatalf("the Redis server does not answer: %v\n%s", err, &s.out)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// over reports whether no process of the server is left.
func (s *Server) over() bool {
	if s.cmd == nil {
		return true
	}
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func (s *Server) start() {
	cmd, ended := exec.CommandContext(context.Background(), s.program, s.args...), make(chan struct{}) // ended by Kill
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	cmd.WaitDelay = 50 * time.Millisecond // a child that writes the file anew outlives it
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	s.cmd, s.ended = cmd, ended
}

// Kill ends the server as a crash would.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.ended
		s.cmd = nil
	}
}

// CutLog takes so many bytes from the end of the append-only file, as a crash
// of the machine does, and returns how many are left.
func (s *Server) CutLog(bytes int64) int64 {
	s.t.Helper()
	left := max(s.LogSize()-bytes, 0)
	if err := os.Truncate(s.Log(), left); err != nil {
		s.t.Fatal(err)
	}
	return left
}

// LogSize is how long the append-only file is.
func (s *Server) LogSize() int64 {
	s.t.Helper()
	info, err := os.Stat(s.Log())
	if err != nil {
		s.t.Fatal(err)
	}
	return info.Size()
}

// Log is the path of the append-only file to which the server appends. There
// are two while it writes the first anew.
func (s *Server) Log() string {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) == 0 {
		s.t.Fatalf("found no append-only file (%v)", err)
	}
	return slices.MaxFunc(files, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }) // the highest number
}

// Client returns a client that closes with the test.
func (s *Server) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr})
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Cluster makes a cluster of one master of the server, which was started with
// "--cluster-enabled", "yes", and returns a client that closes with the test.
// It refuses keys of several slots in one call like any other.
func (s *Server) Cluster() *redis.ClusterClient {
	s.t.Helper()
	ctx := context.Background()
	if err := s.Client().ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		s.t.Fatal(err)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{s.Addr}})
	s.t.Cleanup(func() { _ = c.Close() })
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		err := c.Set(ctx, "a", "b", time.Second).Err()
		if err == nil {
			return c
		}
		if time.Now().After(end) {
			s.t.Fatalf("the cluster is not ready: %v", err)
		}
	}
}
