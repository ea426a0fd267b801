package redisdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// faults tells what to do about the errors by which a server refuses, by the
// code that begins them.
var faults = []struct {
	code   string
	action sync.Action
	rule   string
	hint   string
}{
	{"WRONGTYPE", sync.Fatal, "redis.type", "a key holds what was not stored by this library: look for what else uses the prefix, and give it another"},
	{"CROSSSLOT", sync.Fatal, "redis.slot", "use a prefix without braces"},
	{"READONLY", sync.Retry, "redis.readonly", "connect to the master: this server is a replica"},
	{"OOM", sync.Retry, "redis.memory", "the server is at its maxmemory: give it more, or find out why so much waits"},
	{"MISCONF", sync.Retry, "redis.disk", "the server cannot write to its disk and takes no writes until it can"},
	{"LOADING", sync.Retry, "redis.loading", "the server is reading its data from disk: wait"},
	{"CLUSTERDOWN", sync.Retry, "redis.cluster", "a part of the cluster has no master: wait for the failover or start the missing node"},
	{"NOAUTH", sync.Denied, "redis.auth", "give the client a user and password"},
	{"WRONGPASS", sync.Denied, "redis.auth", "the user or password is wrong"},
	{"NOPERM", sync.Denied, "redis.permission", "allow the user the keys and channels of the prefix, EVAL, EVALSHA, INFO, BGREWRITEAOF and the commands of the scripts"},
}

// Error puts an error of the client into the words of package sync. Errors of
// the caller's context and those of the network stay what they are.
func Error(op string, err error) error {
	var own *sync.Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	text := err.Error()
	for _, f := range faults {
		if strings.HasPrefix(text, f.code) || strings.HasPrefix(text, "ERR "+f.code) {
			return &sync.Error{Op: op, Action: f.action, Rule: f.rule, Hint: f.hint, Err: errors.New(f.code)}
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%s: %w", op, err)
}
