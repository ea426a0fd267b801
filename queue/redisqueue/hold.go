package redisqueue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	text, err := encodeHeld(fence.Shard, held)
	if err != nil {
		return l.fail("hold", err)
	}
	k := l.keys
	return l.fenced(ctx, "hold", &redisdb.Call{Script: holdScript,
		Keys: []string{k.owner(fence.Shard), k.held(k.tag(fence.Shard)), k.stream(fence.Shard, entry.Priority)},
		Args: []any{strconv.FormatUint(fence.Token, 10), entryID(entry.Seq), text}})
}

// Bury implements [queue.Log].
func (l *Log) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	graves := make([]grave, len(burials))
	for i := range burials {
		graves[i] = grave{burials[i].Pos.Priority, entryID(burials[i].Pos.Seq), burials[i].Pos.Seq % buckets, &burials[i].Letter}
	}
	call, err := l.buryCall(fence.Shard, strconv.FormatUint(fence.Token, 10), graves)
	if err != nil {
		return l.fail("bury", err)
	}
	return l.fenced(ctx, "bury", call)
}

// A grave is an entry that goes to the dead letters.
type grave struct {
	priority sync.Priority
	id       string
	bucket   uint64
	letter   *sync.DeadLetter
}

func (l *Log) buryCall(shard int, token string, graves []grave) (*redisdb.Call, error) {
	k, tag := l.keys, l.keys.tag(shard)
	c := &redisdb.Call{Script: buryScript, Keys: []string{k.owner(shard), k.held(tag), k.dead(tag), k.died(tag)}, Args: []any{token}}
	for _, g := range graves {
		text, err := encodeLetter(g.letter)
		if err != nil {
			return nil, err
		}
		c.Keys = append(c.Keys, k.stream(shard, g.priority), k.index(shard, g.priority, g.bucket))
		c.Args = append(c.Args, g.id, g.letter.Message.ID, g.letter.DiedAt.UnixMicro(), text)
	}
	return c, nil
}

// A corrupt entry is one that this library did not write.
type corrupt struct {
	shard    int
	priority sync.Priority
	raw      raw
}

// CorruptKey is the key under which corrupted entries lie among the dead
// letters. Their payload is what was found; an entry without the field of a
// message has none.
const CorruptKey = "corrupted"

// entomb moves corrupted entries to the dead letters. Nobody else ever sees
// them, so it needs no fence.
func (l *Log) entomb(ctx context.Context, bad []corrupt) error {
	at := time.UnixMicro(l.latest.Load()).UTC()
	for _, b := range bad {
		seq, _ := parseID(b.raw.id)
		where := fmt.Sprintf("shard %d, %v, %s", b.shard, b.priority, b.raw.id)
		l.opts.Logger.Error("redis: a corrupted entry goes to the dead letters", "queue", l.opts.Prefix, "entry", where)
		cause := &sync.Error{Op: "redisqueue: read", Action: sync.Invalid, Rule: "entry.corrupted",
			Hint: "look for what else writes to the queue; then discard the letter", Err: errors.New("the entry at " + where + " cannot be read")}
		call, err := l.buryCall(b.shard, "", []grave{{b.priority, b.raw.id, seq % buckets, &sync.DeadLetter{
			Message: sync.Message{ID: "corrupted at " + where, Key: CorruptKey, Priority: b.priority, EnqueuedAt: at, Payload: []byte(b.raw.message)},
			History: []sync.Failure{{At: at, Action: cause.Action.String(), Error: cause.Error(), Rule: cause.Rule}},
			DiedAt:  at,
		}}})
		if err != nil {
			return l.fail("read", err)
		}
		if err := l.run(ctx, "read", call); err != nil {
			return err
		}
	}
	return nil
}
