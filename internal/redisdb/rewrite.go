package redisdb

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// rewrite asks a server that has started lately to write its append-only file
// anew, unless it has done so since it started.
//
// A crash can leave the last script half written at the end of the file. Redis
// 7, with aof-load-truncated yes, leaves it out when it starts, but leaves its
// beginning, a MULTI without an EXEC, in the file and appends to that. At the
// next start the half is carried out together with what was appended: half a
// commit, made by nobody, of a time that is gone. Valkey was mended in
// https://github.com/valkey-io/valkey/pull/4342. A file written from what the
// server has in memory does not contain the half.
func rewrite(ctx context.Context, c redis.Cmdable) error {
	s := server{}
	if err := s.read(ctx, c, "persistence"); err != nil {
		return err
	}
	if s["aof_enabled"] != "1" || s["aof_rewrites"] != "0" || s["aof_rewrite_in_progress"] == "1" || s["aof_rewrite_scheduled"] == "1" {
		return nil
	}
	err := c.BgRewriteAOF(ctx).Err()
	if err != nil && strings.Contains(err.Error(), "in progress") { // another process asked just now
		return nil
	}
	return err
}

// cannotRewrite is the warning of a server that refuses.
const cannotRewrite = "BGREWRITEAOF is refused: half of a write in which the server crashed can come to effect when it starts for the second time; " +
	"permit it, or set aof-load-truncated no and run redis-check-aof --fix before a start"

// rewriteBehind asks the servers of the calls. One that refuses serves all the
// same, of which [Health.Check] warns.
func rewriteBehind(ctx context.Context, client redis.UniversalClient, calls []*Call) error {
	gently := func(ctx context.Context, c redis.Cmdable) error {
		if err := rewrite(ctx, c); !refused(err) {
			return err
		}
		return nil
	}
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return eachMaster(ctx, client, gently)
	}
	asked := map[*redis.Client]bool{}
	for _, call := range calls { // a part of the cluster may be down
		master, err := cluster.MasterForKey(ctx, call.Keys[0])
		if err == nil && !asked[master] {
			asked[master] = true
			err = gently(ctx, master)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refused reports whether an error is an answer of the server.
func refused(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}
