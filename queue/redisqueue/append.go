package redisqueue

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// batch is how many messages one script stores or removes: few enough that
// the server is not kept from others for long.
const batch = 500

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
	var calls []*redisdb.Call
	of := make(map[int]*redisdb.Call, 1)
	for i := range msgs {
		m := &msgs[i]
		shard, stream, index, bucket := l.keys.place(m)
		tag := l.keys.tag(shard)
		c := of[tag]
		if c == nil {
			c = l.appendCall(now, tag, len(msgs)/l.keys.tags()+1)
			of[tag], calls = c, append(calls, c)
		}
		c.Keys = append(c.Keys, stream, index)
		c.Args = append(c.Args, remembered(m.ID), bucket, encode(m))
	}
	calls[len(calls)-1].Args[2] = l.keys.wake() // once per round trip
	return calls
}

// appendCall begins a call with room for so many messages.
func (l *Log) appendCall(now time.Time, tag, size int) *redisdb.Call {
	c := &redisdb.Call{Script: appendScript, Keys: make([]string, 0, 5+2*size), Args: make([]any, 0, 3+3*size)}
	c.Keys = append(c.Keys, l.keys.counter(tag))
	week := now.UnixMicro() / queue.Memory.Microseconds()
	for w := week - 2; w <= week+1; w++ {
		c.Keys = append(c.Keys, l.keys.week(tag, w))
	}
	c.Args = append(c.Args, micros(now), queue.Memory.Microseconds(), "")
	return c
}
