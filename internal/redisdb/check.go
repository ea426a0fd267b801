package redisdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	stdsync "sync"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/sync"
)

// oldest is the oldest server that has all the commands in use.
const oldest = 7

// A Health is what [Check] is asked.
type Health struct {
	// Op begins the errors.
	Op string
	// RequireDurable makes everything that can be lost an error.
	RequireDurable bool
	// Logger is told the warnings; nil is silent.
	Logger *slog.Logger
}

// Check looks at the server, or at every master of a cluster, and returns in
// plain words what it may lose. It fails when a server is too old or a
// replica, and has one that started lately write its append-only file anew.
func (h *Health) Check(ctx context.Context, client redis.UniversalClient) ([]string, error) {
	var warnings []string
	err := eachMaster(ctx, client, func(ctx context.Context, c redis.Cmdable) error {
		info, err := read(ctx, c)
		if err != nil {
			return Error(h.Op, err)
		}
		if err := h.refuse(info); err != nil {
			return err
		}
		warnings = append(warnings, info.losses()...)
		if err := rewrite(ctx, c); refused(err) {
			warnings = append(warnings, cannotRewrite)
		} else if err != nil {
			return Error(h.Op, err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if h.Logger != nil {
		for _, w := range warnings {
			h.Logger.Warn("redis: " + w)
		}
	}
	if h.RequireDurable && len(warnings) > 0 {
		return warnings, &sync.Error{Op: h.Op, Action: sync.Fatal, Rule: "redis.durable",
			Hint: "set appendonly yes, appendfsync always and maxmemory-policy noeviction, or do without RequireDurable",
			Err:  errors.New(strings.Join(warnings, "; "))}
	}
	return warnings, nil
}

// eachMaster calls f for every server that takes writes, one at a time.
func eachMaster(ctx context.Context, client redis.UniversalClient, f func(context.Context, redis.Cmdable) error) error {
	var mu stdsync.Mutex
	one := func(ctx context.Context, c *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		return f(ctx, c)
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
		return c.ForEachMaster(ctx, one)
	case *redis.Ring:
		return c.ForEachShard(ctx, one)
	}
	return f(ctx, client)
}

// A server is what a server tells about itself, by the names of INFO, and its
// appendfsync.
type server map[string]string

func read(ctx context.Context, c redis.Cmdable) (server, error) {
	s := server{}
	for _, section := range []string{"server", "replication", "persistence", "memory"} {
		if err := s.read(ctx, c, section); err != nil {
			return nil, err
		}
	}
	// Hosted servers often keep CONFIG to themselves.
	if config, err := c.ConfigGet(ctx, "appendfsync").Result(); err == nil {
		s["appendfsync"] = config["appendfsync"]
	}
	return s, nil
}

// read adds a section of INFO.
func (s server) read(ctx context.Context, c redis.Cmdable, section string) error {
	text, err := c.Info(ctx, section).Result()
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			s[name] = value
		}
	}
	return err
}

// refuse returns why the server cannot be used at all.
func (h *Health) refuse(s server) error {
	version := s["redis_version"]
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		return &sync.Error{Op: h.Op, Action: sync.Fatal, Rule: "redis.version",
			Hint: fmt.Sprintf("use Redis %d or newer", oldest), Err: fmt.Errorf("the server is Redis %q", version)}
	}
	if s["role"] == "slave" {
		return &sync.Error{Op: h.Op, Action: sync.Fatal, Rule: "redis.readonly",
			Hint: "connect to the master", Err: errors.New("the server is a read-only replica")}
	}
	return nil
}

// losses says what the server may lose of what it has acknowledged.
func (s server) losses() []string {
	var out []string
	switch fsync := s["appendfsync"]; {
	case s["aof_enabled"] != "1":
		out = append(out, "appendonly is off: when the server stops, everything since its last snapshot is lost, and all of it if there is none")
	case fsync == "":
		out = append(out, "appendfsync cannot be read: unless it is always, a crash of the server's machine can lose the last second or more")
	case fsync == "no":
		out = append(out, "appendfsync is no: a crash of the server's machine can lose what the operating system had not written, often 30 seconds")
	case fsync != "always":
		out = append(out, "appendfsync is "+fsync+": a crash of the server can lose the last second or two")
	}
	if policy := s["maxmemory_policy"]; policy != "noeviction" {
		out = append(out, "maxmemory-policy is "+policy+": when memory is short the server deletes what still waits; set noeviction")
	}
	return out
}
