package redisqueue

import (
	"context"
	"strconv"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
)

// A deletion is one call of Delete.
type deletion struct {
	fence   queue.Fence
	entries []queue.Pos
	held    bool // whether the fence held
}

// Delete implements [queue.Log]. What concurrent callers delete goes to the
// server together. More than 500 entries take several steps.
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	for {
		n := min(len(entries), batch)
		d := &deletion{fence: fence, entries: entries[:n]}
		if err := l.deletes.do(ctx, d); err != nil {
			return err
		}
		if !d.held {
			return queue.ErrFenced
		}
		if entries = entries[n:]; len(entries) == 0 {
			return nil
		}
	}
}

// deleteAll runs deletions in one round trip, by tag and up to a batch of
// entries each.
func (l *Log) deleteAll(ctx context.Context, all []*deletion) error {
	groups := l.group(all)
	calls := make([]*redisdb.Call, len(groups))
	for i, g := range groups {
		calls[i] = l.deleteCall(g)
	}
	if err := l.run(ctx, "delete", calls...); err != nil {
		return err
	}
	for i, g := range groups {
		held, _ := calls[i].Reply.([]any)
		for j := range g {
			g[j].held = j < len(held) && number(held[j]) == 1
		}
	}
	return nil
}

// group divides deletions into those of one call.
func (l *Log) group(all []*deletion) [][]*deletion {
	type open struct{ group, entries int }
	var groups [][]*deletion
	last := map[int]open{}
	for _, d := range all {
		tag := l.keys.tag(d.fence.Shard)
		o, ok := last[tag]
		if !ok || o.entries+len(d.entries) > batch {
			o = open{group: len(groups)}
			groups = append(groups, nil)
		}
		o.entries += len(d.entries)
		groups[o.group] = append(groups[o.group], d)
		last[tag] = o
	}
	return groups
}

func (l *Log) deleteCall(group []*deletion) *redisdb.Call {
	k := l.keys
	c := &redisdb.Call{Script: deleteScript, Keys: []string{k.held(k.tag(group[0].fence.Shard))}, Args: []any{len(group)}}
	for _, d := range group {
		shard := d.fence.Shard
		c.Keys = append(c.Keys, k.owner(shard))
		c.Args = append(c.Args, strconv.FormatUint(d.fence.Token, 10), len(d.entries))
		for _, pos := range d.entries {
			c.Keys = append(c.Keys, k.stream(shard, pos.Priority), k.index(shard, pos.Priority, pos.Seq%buckets))
			c.Args = append(c.Args, entryID(pos.Seq))
		}
	}
	return c
}
