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
	k, tag := l.keys, l.keys.tag(fence.Shard)
	return l.fenced(ctx, "hold", &redisdb.Call{Script: holdScript,
		Keys: []string{k.owner(fence.Shard), k.done(tag), k.held(tag), k.stream(fence.Shard, entry.Priority)},
		Args: []any{strconv.FormatUint(fence.Token, 10), packOf(entry.Seq).String(), placeOf(entry.Seq), text}})
}

// Bury implements [queue.Log].
func (l *Log) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	graves := make([]grave, len(burials))
	for i := range burials {
		pos := burials[i].Pos
		graves[i] = grave{pos.Priority, packOf(pos.Seq).String(), mask(nil).add(placeOf(pos.Seq)), 1, &burials[i].Letter}
	}
	call, err := l.buryCall(fence.Shard, strconv.FormatUint(fence.Token, 10), graves)
	if err != nil {
		return l.fail("bury", err)
	}
	return l.fenced(ctx, "bury", call)
}

// A grave is what goes to the dead letters as one: messages of a pack, or an
// entry that is no pack.
type grave struct {
	priority sync.Priority
	entry    string
	bits     mask // nil is the entry
	messages int
	letter   *sync.DeadLetter
}

func (l *Log) buryCall(shard int, token string, graves []grave) (*redisdb.Call, error) {
	k, tag := l.keys, l.keys.tag(shard)
	c := &redisdb.Call{Script: buryScript, Keys: []string{k.owner(shard), k.done(tag), k.held(tag), k.waiting(tag), k.dead(tag), k.died(tag)}, Args: []any{token}}
	for _, g := range graves {
		text, err := encodeLetter(g.letter)
		if err != nil {
			return nil, err
		}
		c.Keys = append(c.Keys, k.stream(shard, g.priority))
		c.Args = append(c.Args, g.entry, []byte(g.bits), g.messages, g.letter.Message.ID, g.letter.DiedAt.UnixMicro(), text)
	}
	return c, nil
}

// A corrupt entry, or what is damaged of a pack, is not what this library wrote.
type corrupt struct {
	shard    int
	priority sync.Priority
	entry    string
	bits     mask // nil is all of the entry
	messages int
	what     string
}

// CorruptKey is the key under which corrupted entries lie among the dead
// letters. Their payload is what was found; an entry without the field of
// messages has none.
const CorruptKey = "corrupted"

// entomb moves corrupted entries to the dead letters. Nobody else ever sees
// them, so it needs no fence.
func (l *Log) entomb(ctx context.Context, bad []corrupt) error {
	at := time.UnixMicro(l.latest.Load()).UTC()
	for _, b := range bad {
		where := fmt.Sprintf("shard %d, %v, %s", b.shard, b.priority, b.entry)
		if b.bits != nil {
			where = fmt.Sprintf("%s, from place %d", where, b.bits.first())
		}
		l.opts.Logger.Error("redis: a corrupted entry goes to the dead letters", "queue", l.opts.Prefix, "entry", where)
		cause := &sync.Error{Op: "redisqueue: read", Action: sync.Invalid, Rule: "entry.corrupted",
			Hint: "look for what else writes to the queue; then discard the letter", Err: errors.New("the entry at " + where + " cannot be read")}
		call, err := l.buryCall(b.shard, "", []grave{{b.priority, b.entry, b.bits, b.messages, &sync.DeadLetter{
			Message: sync.Message{ID: "corrupted at " + where, Key: CorruptKey, Priority: b.priority, EnqueuedAt: at, Payload: []byte(b.what)},
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
