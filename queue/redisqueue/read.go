package redisqueue

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// look is how many entries of a bucket a refill looks at in one call. Nearly
// always they are all of the key that is asked for.
const look = 1000

// A reading answers spans. Whole streams are read with one command per tag,
// all of them at the same moment; parts of streams and keys one by one.
type reading struct {
	log   *Log
	spans []queue.Span
	pages []queue.Page
	raw   [][]raw // what was found, by span
	whole map[int]*whole
	parts []part
	keys  []keyed
	held  map[int]*redis.IntCmd // by tag: how many entries have failed before
	bad   []corrupt
}

// raw is an entry as it is stored.
type raw struct {
	id, message string
	ok          bool // it has the one field that it should have
}

// whole reads streams to their ends.
type whole struct {
	spans   map[string]int // by stream
	streams []string
	after   []string
	limit   int
	cmd     *redis.XStreamSliceCmd
}

// part reads a stream up to a bound.
type part struct {
	span int
	cmd  *redis.XMessageSliceCmd
}

// keyed reads the entries of one key.
type keyed struct {
	span int
	call *redisdb.Call
}

// Read implements [queue.Log]. Entries that are corrupted go to the dead
// letters, and the page is made of their neighbours.
func (l *Log) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := &reading{log: l, spans: spans, pages: make([]queue.Page, len(spans)), raw: make([][]raw, len(spans)),
		whole: map[int]*whole{}, held: map[int]*redis.IntCmd{}}
	for i := range spans {
		r.plan(i)
	}
	if err := r.send(ctx); err != nil {
		return nil, l.fail("read", err)
	}
	if err := r.sendKeys(ctx); err != nil {
		return nil, err
	}
	for i := range spans {
		r.decode(i)
	}
	if err := r.addHeld(ctx); err != nil {
		return nil, l.fail("read", err)
	}
	return r.pages, l.entomb(ctx, r.bad)
}

// plan decides how to read a span.
func (r *reading) plan(i int) {
	s, k := &r.spans[i], r.log.keys
	stream := k.stream(s.Shard, s.Priority)
	tag := k.tag(s.Shard)
	r.held[tag] = nil
	if s.Key != "" {
		bucket := bucketOf(s.Key)
		upto := int64(-1)
		if s.Upto != 0 {
			upto = lastCounter(s.Upto, bucket)
		}
		r.keys = append(r.keys, keyed{i, &redisdb.Call{Script: keyScript,
			Keys: []string{k.index(s.Shard, s.Priority, bucket), stream},
			Args: []any{bucket, beginning(s.Key), lastCounter(s.After, bucket), upto, s.Limit, look}}})
		return
	}
	w := r.whole[tag]
	if w == nil {
		w = &whole{spans: map[string]int{}}
		r.whole[tag] = w
	}
	if _, twice := w.spans[stream]; twice || s.Upto != 0 {
		r.parts = append(r.parts, part{span: i})
		return
	}
	w.spans[stream] = i
	w.streams, w.after = append(w.streams, stream), append(w.after, entryID(s.After))
	w.limit = max(w.limit, s.Limit)
}

// send reads what is not read by key.
func (r *reading) send(ctx context.Context) error {
	pipe := r.log.client.Pipeline()
	for _, w := range r.whole {
		if len(w.streams) > 0 {
			w.cmd = pipe.XRead(ctx, &redis.XReadArgs{Streams: append(w.streams, w.after...), Count: int64(w.limit) + 1, Block: -1})
		}
	}
	for i := range r.parts {
		s, upto := &r.spans[r.parts[i].span], "+"
		if s.Upto != 0 {
			upto = entryID(s.Upto)
		}
		r.parts[i].cmd = pipe.XRangeN(ctx, r.log.keys.stream(s.Shard, s.Priority), "("+entryID(s.After), upto, int64(s.Limit)+1)
	}
	for tag := range r.held { // after the entries, so that none is known without its failures
		r.held[tag] = pipe.HLen(ctx, r.log.keys.held(tag))
	}
	if _, err := pipe.Exec(ctx); err != nil && !isNil(err) {
		return err
	}
	for _, w := range r.whole {
		if w.cmd == nil {
			continue
		}
		streams, err := w.cmd.Result()
		if err != nil && !isNil(err) {
			return err
		}
		for _, s := range streams {
			r.raw[w.spans[s.Stream]] = raws(s.Messages)
		}
	}
	for _, p := range r.parts {
		msgs, err := p.cmd.Result()
		if err != nil {
			return err
		}
		r.raw[p.span] = raws(msgs)
	}
	for _, n := range r.held {
		if err := n.Err(); err != nil {
			return err
		}
	}
	return nil
}

func raws(msgs []redis.XMessage) []raw {
	out := make([]raw, len(msgs))
	for i := range msgs {
		text, ok := msgs[i].Values[field].(string)
		out[i] = raw{msgs[i].ID, text, ok && len(msgs[i].Values) == 1}
	}
	return out
}

// sendKeys reads what is read by key.
func (r *reading) sendKeys(ctx context.Context) error {
	if len(r.keys) == 0 {
		return nil
	}
	calls := make([]*redisdb.Call, len(r.keys))
	for i := range r.keys {
		calls[i] = r.keys[i].call
	}
	if err := r.log.run(ctx, "read", calls...); err != nil {
		return err
	}
	for _, k := range r.keys {
		reply, _ := k.call.Reply.([]any)
		page := &r.pages[k.span]
		if counter, err := strconv.ParseUint(reply[0].(string), 10, 64); err == nil {
			page.Next = counter<<bucketBits | bucketOf(r.spans[k.span].Key)
		}
		page.More = number(reply[1]) == 1
		for i := 2; i+1 < len(reply); i += 2 {
			r.raw[k.span] = append(r.raw[k.span], raw{reply[i].(string), reply[i+1].(string), true})
		}
	}
	return nil
}

// decode makes the page of a span.
func (r *reading) decode(i int) {
	s, page, found := &r.spans[i], &r.pages[i], r.raw[i]
	page.Settled = queue.AllSettled
	page.Next = max(page.Next, s.After)
	if len(found) > s.Limit {
		found, page.More = found[:s.Limit], true
	}
	if len(found) > 0 {
		page.Entries = make([]queue.Entry, 0, len(found))
	}
	for _, e := range found {
		seq, ok := parseID(e.id)
		page.Next = max(page.Next, seq)
		var m sync.Message
		if ok = ok && e.ok; ok {
			var err error
			m, err = decode(e.message, s.Priority)
			ok = err == nil
		}
		if !ok {
			r.bad = append(r.bad, corrupt{s.Shard, s.Priority, e})
			continue
		}
		page.Entries = append(page.Entries, queue.Entry{Seq: seq, Message: m})
	}
}

// addHeld adds what is known of failures, if there are any.
func (r *reading) addHeld(ctx context.Context) error {
	pipe := r.log.client.Pipeline()
	got := map[int]*redis.SliceCmd{}
	for i := range r.pages {
		tag := r.log.keys.tag(r.spans[i].Shard)
		if len(r.pages[i].Entries) == 0 || r.held[tag].Val() == 0 {
			continue
		}
		ids := make([]string, len(r.pages[i].Entries))
		for j := range ids {
			ids[j] = entryID(r.pages[i].Entries[j].Seq)
		}
		got[i] = pipe.HMGet(ctx, r.log.keys.held(tag), ids...)
	}
	if len(got) == 0 {
		return nil
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, cmd := range got {
		for j, v := range cmd.Val() {
			text, ok := v.(string)
			if !ok {
				continue
			}
			// One that cannot be read counts as a first failure without a time.
			h, _ := decodeHeld(text)
			r.pages[i].Entries[j].Held = &queue.Held{RetryAt: h.RetryAt, Attempts: h.Attempts, History: h.History}
		}
	}
	return nil
}
