package redisqueue

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Dead implements [queue.Log]. A letter that cannot be read is passed over
// and logged; Discard removes it.
func (l *Log) Dead(ctx context.Context, f sync.DeadFilter) ([]sync.DeadLetter, error) {
	score := "-inf"
	if f.After != "" {
		at, ok, err := l.diedAt(ctx, f.After)
		if err != nil || !ok {
			return nil, err
		}
		score = strconv.FormatInt(at, 10)
	}
	tags := l.keys.tags()
	first := 0
	if f.Key != "" && f.Key != CorruptKey {
		first = l.keys.tag(queue.ShardOf(f.Key, l.Shards()))
		tags = first + 1
	}
	var letters []sync.DeadLetter
	for tag := first; tag < tags; tag++ {
		some, err := l.deadOf(ctx, tag, score, f)
		if err != nil {
			return nil, l.fail("dead", err)
		}
		letters = append(letters, some...)
	}
	slices.SortFunc(letters, func(a, b sync.DeadLetter) int {
		return cmp.Or(cmp.Compare(a.DiedAt.UnixMicro(), b.DiedAt.UnixMicro()), cmp.Compare(a.Message.ID, b.Message.ID))
	})
	if f.Limit > 0 && len(letters) > f.Limit {
		letters = letters[:f.Limit]
	}
	return letters, nil
}

// diedAt returns when a letter died, in microseconds.
func (l *Log) diedAt(ctx context.Context, id string) (at int64, ok bool, err error) {
	for tag := range l.keys.tags() {
		score, err := l.client.ZScore(ctx, l.keys.died(tag), id).Result()
		if err == nil {
			return int64(score), true, nil
		}
		if !isNil(err) {
			return 0, false, l.fail("dead", err)
		}
	}
	return 0, false, nil
}

// deadOf lists the first letters of a tag that the filter selects, beginning
// with those that died at a moment.
func (l *Log) deadOf(ctx context.Context, tag int, score string, f sync.DeadFilter) ([]sync.DeadLetter, error) {
	const page = 200
	var out []sync.DeadLetter
	after := score
	for offset := int64(0); ; offset += page {
		names, err := l.client.ZRangeArgsWithScores(ctx, redis.ZRangeArgs{Key: l.keys.died(tag), ByScore: true,
			Start: score, Stop: "+inf", Offset: offset, Count: page}).Result()
		if err != nil || len(names) == 0 {
			return out, err
		}
		ids := make([]string, 0, len(names))
		for _, n := range names {
			id, _ := n.Member.(string)
			if f.After == "" || strconv.FormatInt(int64(n.Score), 10) != after || id > f.After {
				ids = append(ids, id)
			}
		}
		texts, err := l.letters(ctx, tag, ids)
		if err != nil {
			return nil, err
		}
		for i, text := range texts {
			d, err := decodeLetter(text)
			switch {
			case text == "": // replayed meanwhile
			case err != nil:
				l.opts.Logger.Error("redis: a dead letter cannot be read", "queue", l.opts.Prefix, "message", ids[i])
			case f.Key == "" || d.Message.Key == f.Key:
				if out = append(out, d); f.Limit > 0 && len(out) == f.Limit {
					return out, nil
				}
			}
		}
	}
}

// letters returns stored letters, "" for those that are not there.
func (l *Log) letters(ctx context.Context, tag int, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	values, err := l.client.HMGet(ctx, l.keys.dead(tag), ids...).Result()
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(ids))
	for i, v := range values {
		texts[i], _ = v.(string)
	}
	return texts, nil
}

// Replay implements [queue.Log].
func (l *Log) Replay(ctx context.Context, now time.Time, ids []string) (int, error) {
	if err := l.ready(ctx, "replay"); err != nil {
		return 0, err
	}
	l.note(now)
	moved := 0
	for tag := range l.keys.tags() {
		texts, err := l.letters(ctx, tag, ids)
		if err != nil {
			return moved, l.fail("replay", err)
		}
		for i, text := range texts {
			if text == "" {
				continue
			}
			n, err := l.replay(ctx, now, tag, ids[i], text)
			if err != nil {
				return moved, err
			}
			moved += n
		}
	}
	return moved, nil
}

// replay moves one letter, if it still is what was read.
func (l *Log) replay(ctx context.Context, now time.Time, tag int, id, text string) (int, error) {
	d, err := decodeLetter(text)
	if err != nil {
		return 0, &sync.Error{Op: "redisqueue: replay", Action: sync.Invalid, Rule: "letter.corrupted",
			Hint: "discard it", Err: errors.New("a dead letter cannot be read")}
	}
	k := l.keys
	shard := queue.ShardOf(d.Message.Key, l.Shards())
	if k.tag(shard) != tag { // a corrupted entry lies where it was found
		shard = k.shardsOf(tag)[0]
	}
	held, err := encodeHeld(shard, queue.Held{History: d.History})
	if err != nil {
		return 0, l.fail("replay", err)
	}
	call := &redisdb.Call{Script: replayScript,
		Keys: []string{k.counter(tag), k.held(tag), k.waiting(tag), k.dead(tag), k.died(tag), k.stream(shard, d.Message.Priority)},
		Args: []any{micros(now), id, text, appendFrame(nil, 0, &d.Message), held, k.wake()}}
	if err := l.run(ctx, "replay", call); err != nil {
		return 0, err
	}
	return int(number(call.Reply)), nil
}

// Discard implements [queue.Log].
func (l *Log) Discard(ctx context.Context, _ time.Time, ids []string) (int, error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	calls := make([]*redisdb.Call, l.keys.tags())
	for tag := range calls {
		calls[tag] = &redisdb.Call{Script: discardScript, Keys: []string{l.keys.dead(tag), l.keys.died(tag)}, Args: args}
	}
	err := l.run(ctx, "discard", calls...)
	n := 0
	for _, c := range calls {
		n += int(number(c.Reply))
	}
	return n, err
}
