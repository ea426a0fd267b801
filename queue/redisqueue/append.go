package redisqueue

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// batch is how many messages one script stores or removes: few enough that
// the server is not kept from others for long.
const batch = 500

// kept is how long the server keeps an ID. Whether it still counts is decided
// by the times that callers give; the day more makes up for their clocks.
const kept = queue.Memory + 24*time.Hour

// Append implements [queue.Log]. Batches of 500 are atomic.
func (l *Log) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	for i := range msgs {
		if n := len(msgs[i].Payload); n > l.opts.MaxPayload {
			return &sync.Error{Op: "redisqueue: append", Action: sync.Invalid, Field: "Payload", Rule: "payload.size",
				Hint: "store what is large elsewhere and push a reference, or raise Options.MaxPayload",
				Err:  fmt.Errorf("message %d of %d has %d bytes; %d are the most", i+1, len(msgs), n, l.opts.MaxPayload)}
		}
	}
	if err := l.ready(ctx, "append"); err != nil {
		return err
	}
	l.note(now)
	for len(msgs) > 0 {
		n := min(len(msgs), batch)
		if err := l.run(ctx, "append", l.appends(now, msgs[:n])...); err != nil {
			return err
		}
		msgs = msgs[n:]
	}
	return nil
}

// appends makes one call per tag.
func (l *Log) appends(now time.Time, msgs []sync.Message) []*redisdb.Call {
	at, count, keep := strconv.FormatInt(now.UnixMicro(), 10), queue.Memory.Microseconds(), kept.Milliseconds()
	calls := make([]*redisdb.Call, 0, 1)
	of := make(map[int]*redisdb.Call, 1)
	for i := range msgs {
		m := &msgs[i]
		shard, stream, index, bucket := l.keys.place(m)
		tag := l.keys.tag(shard)
		c := of[tag]
		if c == nil {
			size := len(msgs)/l.keys.tags() + 1
			c = &redisdb.Call{Script: appendScript,
				Keys: append(make([]string, 0, 1+3*size), l.keys.counter(tag)),
				Args: append(make([]any, 0, 4+2*size), at, count, keep, "")}
			of[tag], calls = c, append(calls, c)
		}
		c.Keys = append(c.Keys, l.keys.seen(tag, m.ID), stream, index)
		c.Args = append(c.Args, bucket, encode(m))
	}
	calls[len(calls)-1].Args[3] = l.keys.wake() // once per round trip
	return calls
}
