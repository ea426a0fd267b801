package redisqueue

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// batch is how many messages, and batchBytes of how many bytes in all, one
// script stores or removes: few enough that the server is not kept from others
// for long.
const (
	batch      = 500
	batchBytes = 1 << 20
)

// Append implements [queue.Log]. Batches of 500, or of a mebibyte, are atomic.
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
		n := first(msgs)
		if err := l.run(ctx, "append", l.appends(now, msgs[:n])...); err != nil {
			return err
		}
		msgs = msgs[n:]
	}
	return nil
}

// first is how many messages are in the first batch.
func first(msgs []sync.Message) int {
	n, size := 1, len(msgs[0].Payload)
	for n < min(len(msgs), batch) && size+len(msgs[n].Payload) <= batchBytes {
		size += len(msgs[n].Payload)
		n++
	}
	return n
}

// A load is what one call appends to the streams of a tag.
type load struct {
	tag, messages int
	ids           map[string]bool
	shards        []*shardLoad
}

// A shardLoad is what goes to one shard, by stream. Places are given over all
// of them, so that the messages of a key stay in order.
type shardLoad struct {
	shard, places int
	packs         [sync.Priorities]draft
}

// A draft is what becomes a pack.
type draft struct {
	ids  []string
	body []byte
}

// appends makes one call per tag.
func (l *Log) appends(now time.Time, msgs []sync.Message) []*redisdb.Call {
	loads := l.loads(msgs)
	calls := make([]*redisdb.Call, len(loads))
	for i, ld := range loads {
		calls[i] = l.appendCall(now, ld)
	}
	calls[len(calls)-1].Args[2] = l.keys.wake() // once per round trip
	return calls
}

// loads divides messages. Of those with one ID the first counts.
func (l *Log) loads(msgs []sync.Message) []*load {
	var loads []*load
	ofTag, ofShard := map[int]*load{}, map[int]*shardLoad{}
	for i := range msgs {
		m := &msgs[i]
		shard := queue.ShardOf(m.Key, l.Shards())
		tag := l.keys.tag(shard)
		ld := ofTag[tag]
		if ld == nil {
			ld = &load{tag: tag, ids: make(map[string]bool, len(msgs)/l.keys.tags()+1)}
			ofTag[tag], loads = ld, append(loads, ld)
		}
		id := remembered(m.ID)
		if ld.ids[id] {
			continue
		}
		ld.ids[id] = true
		s := ofShard[shard]
		if s == nil {
			s = &shardLoad{shard: shard}
			ofShard[shard], ld.shards = s, append(ld.shards, s)
		}
		ld.messages++
		s.add(id, m)
	}
	return loads
}

func (s *shardLoad) add(id string, m *sync.Message) {
	d := &s.packs[m.Priority]
	if d.ids == nil {
		const some = 8
		d.ids, d.body = make([]string, 0, some), make([]byte, 0, some*frameLen(0, m))
	}
	d.ids, d.body = append(d.ids, id), appendFrame(d.body, s.places, m)
	s.places++
}

func (l *Log) appendCall(now time.Time, ld *load) *redisdb.Call {
	k := l.keys
	c := &redisdb.Call{Script: appendScript, Keys: make([]string, 0, 6+len(ld.shards)), Args: make([]any, 0, 4+ld.messages+2*len(ld.shards))}
	c.Keys = append(c.Keys, k.counter(ld.tag))
	week := now.UnixMicro() / queue.Memory.Microseconds()
	for w := week - 2; w <= week+1; w++ {
		c.Keys = append(c.Keys, k.week(ld.tag, w))
	}
	c.Keys = append(c.Keys, k.waiting(ld.tag))
	c.Args = append(c.Args, micros(now), queue.Memory.Microseconds(), "", ld.messages)
	ld.each(func(shard int, p sync.Priority, d *draft) {
		c.Keys = append(c.Keys, k.stream(shard, p))
		for _, id := range d.ids {
			c.Args = append(c.Args, id)
		}
	})
	ld.each(func(_ int, _ sync.Priority, d *draft) { c.Args = append(c.Args, len(d.ids), d.body) })
	return c
}

// each gives the drafts to a function, in one order always.
func (ld *load) each(do func(int, sync.Priority, *draft)) {
	for _, s := range ld.shards {
		for p := range s.packs {
			if len(s.packs[p].ids) > 0 {
				do(s.shard, sync.Priority(p), &s.packs[p])
			}
		}
	}
}
