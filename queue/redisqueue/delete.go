package redisqueue

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A deletion is one call of Delete, or several of one fence.
type deletion struct {
	fence   queue.Fence
	entries []queue.Pos
	parts   []int // the calls that it is made of
}

// Delete implements [queue.Log]. Calls that come while another is under way go
// to the server together. More than 500 entries take several steps.
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	for {
		n := min(len(entries), batch)
		held, err := l.deletes.Do(ctx, &deletion{fence: fence, entries: slices.Clone(entries[:n])})
		if err != nil {
			return err
		}
		if !held[0] {
			return queue.ErrFenced
		}
		if entries = entries[n:]; len(entries) == 0 {
			return nil
		}
	}
}

// deleteAll runs deletions in one round trip and tells of each whether its
// fence held.
func (l *Log) deleteAll(ctx context.Context, all []*deletion) ([]bool, error) {
	groups := l.group(merge(all))
	calls := make([]*redisdb.Call, len(groups))
	for i, g := range groups {
		calls[i] = l.deleteCall(g)
	}
	if err := l.run(ctx, "delete", calls...); err != nil {
		return nil, err
	}
	out := make([]bool, len(all))
	for i, g := range groups {
		held, _ := calls[i].Reply.([]any)
		for j, d := range g {
			for _, part := range d.parts {
				out[part] = j < len(held) && number(held[j]) == 1
			}
		}
	}
	return out, nil
}

// merge makes one deletion of those behind one fence, up to a batch.
func merge(all []*deletion) []*deletion {
	var out []*deletion
	of := map[queue.Fence]*deletion{}
	for i, d := range all {
		m := of[d.fence]
		if m == nil || len(m.entries)+len(d.entries) > batch {
			m = &deletion{fence: d.fence}
			of[d.fence], out = m, append(out, m)
		}
		m.entries, m.parts = append(m.entries, d.entries...), append(m.parts, i)
	}
	return out
}

// group divides deletions into those of one call: of one tag, up to a batch.
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
	tag := k.tag(group[0].fence.Shard)
	c := &redisdb.Call{Script: deleteScript, Keys: []string{k.done(tag), k.held(tag), k.waiting(tag)}, Args: []any{len(group)}}
	for _, d := range group {
		c.Keys = append(c.Keys, k.owner(d.fence.Shard))
		c.Args = append(c.Args, strconv.FormatUint(d.fence.Token, 10), nil)
		streams, at := 0, len(c.Args)-1
		d.sort()
		for p := range sync.Priority(sync.Priorities) {
			if d.deleteFrom(c, k, p) {
				streams++
			}
		}
		c.Args[at] = streams
	}
	return c
}

// sort puts the entries of a pack side by side, and leaves out doubles.
func (d *deletion) sort() {
	slices.SortFunc(d.entries, func(a, b queue.Pos) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(packOf(a.Seq).counter, packOf(b.Seq).counter),
			cmp.Compare(packOf(a.Seq).count, packOf(b.Seq).count), cmp.Compare(a.Seq, b.Seq))
	})
	d.entries = slices.Compact(d.entries)
}

// deleteFrom adds the entries of one stream and reports whether there are any.
func (d *deletion) deleteFrom(c *redisdb.Call, k *keys, p sync.Priority) bool {
	packs, at := 0, len(c.Args)
	for rest := d.entries; len(rest) > 0; {
		if rest[0].Priority != p {
			rest = rest[1:]
			continue
		}
		if packs++; packs == 1 {
			c.Keys = append(c.Keys, k.stream(d.fence.Shard, p))
			c.Args = append(c.Args, nil)
		}
		n, bits := onePack(rest)
		c.Args = append(c.Args, packOf(rest[0].Seq).String(), []byte(bits), n)
		rest = rest[n:]
	}
	if packs > 0 {
		c.Args[at] = packs
	}
	return packs > 0
}

// onePack returns how many entries are of the first one's pack, and their bits.
func onePack(entries []queue.Pos) (n int, bits mask) {
	for n < len(entries) && entries[n].Priority == entries[0].Priority && packOf(entries[n].Seq) == packOf(entries[0].Seq) {
		bits = bits.add(placeOf(entries[n].Seq))
		n++
	}
	return n, bits
}
