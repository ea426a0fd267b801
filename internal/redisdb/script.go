package redisdb

import (
	"context"
	"crypto/sha1" //nolint:gosec // G505: Redis names scripts by it; nothing is proved
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A Script is Lua that the server runs as one atomic step.
type Script struct{ source, sha string }

// NewScript returns a script. It does no I/O: the server is given the source
// when it turns out not to know the script.
func NewScript(source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // G401: the name by which EVALSHA knows it
	return &Script{source, hex.EncodeToString(sum[:])}
}

// A Call is one run of a script. All its keys must be in one slot.
type Call struct {
	Script *Script
	Keys   []string
	Args   []any

	// Reply and Err are set by [Run].
	Reply any
	Err   error
}

// Run runs the calls in one round trip, and those whose script the server did
// not know in another. A server that does not know a script may have started
// again, so before that it is asked to write its append-only file anew: no
// script writes earlier. It returns the first error; each call has its own.
// Calls to the same slot run in their order unless a script was not known, so
// calls that depend on one another do not belong into one Run.
func Run(ctx context.Context, client redis.UniversalClient, calls ...*Call) error {
	send(ctx, client, calls, func(c redis.Scripter, call *Call) *redis.Cmd {
		return c.EvalSha(ctx, call.Script.sha, call.Keys, call.Args...)
	})
	var unknown []*Call
	for _, call := range calls {
		if call.Err != nil && strings.HasPrefix(call.Err.Error(), "NOSCRIPT") {
			unknown = append(unknown, call)
		}
	}
	if len(unknown) > 0 {
		if err := rewriteBehind(ctx, client, unknown); err != nil {
			return err
		}
		send(ctx, client, unknown, func(c redis.Scripter, call *Call) *redis.Cmd {
			return c.Eval(ctx, call.Script.source, call.Keys, call.Args...)
		})
	}
	for _, call := range calls {
		if call.Err != nil {
			return call.Err
		}
	}
	return nil
}

// send sends the calls and keeps the replies.
func send(ctx context.Context, client redis.UniversalClient, calls []*Call, eval func(redis.Scripter, *Call) *redis.Cmd) {
	cmds := make([]*redis.Cmd, len(calls))
	switch len(calls) {
	case 0:
	case 1:
		cmds[0] = eval(client, calls[0])
	default:
		pipe := client.Pipeline()
		for i, call := range calls {
			cmds[i] = eval(pipe, call)
		}
		_, _ = pipe.Exec(ctx) // every command has its error
	}
	for i, call := range calls {
		call.Reply, call.Err = cmds[i].Result()
	}
}
