// Package redistest gives tests a place of their own on a real Redis server.
package redistest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Variable names the environment variable with the address, host:port, of a
// server that tests may write to. make test starts one and sets it.
const Variable = "CRMSYNC_TEST_REDIS"

// skipped counts the tests that were skipped for want of a server.
var skipped atomic.Int64

// A Space is a test's own part of the server.
type Space struct {
	Client *redis.Client
	root   string
	given  atomic.Int64
}

// New returns a space that is emptied, and whose client is closed, when the
// test ends. Without a server the test is skipped.
func New(t testing.TB) *Space {
	t.Helper()
	addr := address(t)
	s := &Space{
		// After its own 3 s without an answer it would send a script again, which
		// a server that waits for its disk carries out as well.
		Client: redis.NewClient(&redis.Options{Addr: addr, PoolSize: 64, DialTimeout: time.Minute, ReadTimeout: time.Minute, WriteTimeout: time.Minute}),
		root:   "test-" + strings.ToLower(rand.Text()[:10]),
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.empty(ctx); err != nil {
			t.Errorf("emptying the test's part of Redis: %v", err)
		}
		if err := s.Client.Close(); err != nil {
			t.Errorf("closing the Redis client: %v", err)
		}
	})
	if err := s.Client.Ping(t.Context()).Err(); err != nil {
		t.Fatalf("the Redis server at %s does not answer: %v", addr, err)
	}
	return s
}

// address returns where the server is, or skips the test.
func address(t testing.TB) string {
	t.Helper()
	addr := os.Getenv(Variable)
	if addr == "" {
		skipped.Add(1)
		t.Skip(Variable + " is not set: no Redis to test on; make test starts one")
	}
	return addr
}

// Prefix returns a key prefix that nobody else has. Keys begin with it or with
// "{" and it.
func (s *Space) Prefix() string { return fmt.Sprintf("%s-%d", s.root, s.given.Add(1)) }

// empty deletes all keys of the space.
func (s *Space) empty(ctx context.Context) error {
	var cursor uint64
	for {
		keys, next, err := s.Client.Scan(ctx, cursor, "*"+s.root+"-*", 10_000).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := s.Client.Unlink(ctx, keys...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
