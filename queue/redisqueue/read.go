package redisqueue

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
)

// look is how many bytes of a stream the search for a key looks at in one call,
// and streamsAtOnce how many streams one call reads.
const (
	look          = 256 << 10
	streamsAtOnce = 1000
)

// A reading answers spans. Streams that are read to their ends share a call per
// tag; parts of streams and keys have one each.
type reading struct {
	log    *Log
	spans  []queue.Span
	pages  []queue.Page
	found  [][]entry // by span
	whole  map[int]*whole
	calls  []*redisdb.Call
	accept []func([]any) // what to do with the reply to each call
	failed map[int]bool  // tags in which messages have failed before
	bad    []corrupt
	frames []frame
}

// An entry of a stream, as it is stored.
type entry struct {
	id, body string
	ok       bool // it has the one field that it should have
	done     bitmap
}

// whole reads streams to their ends.
type whole struct {
	spans map[string]int // by stream
	call  *redisdb.Call
}

// Read implements [queue.Log]. Entries that are corrupted go to the dead
// letters, and the page is made of their neighbours. A search for the messages
// of a key ends before the limit when it has looked at 256 KiB of others.
func (l *Log) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, err := l.read(ctx, spans)
	if err != nil {
		return nil, err
	}
	if err := r.addHeld(ctx); err != nil {
		return nil, l.fail("read", err)
	}
	return r.pages, l.entomb(ctx, r.bad)
}

// read reads all but what is known of failures.
func (l *Log) read(ctx context.Context, spans []queue.Span) (*reading, error) {
	r := &reading{log: l, spans: spans, pages: make([]queue.Page, len(spans)), found: make([][]entry, len(spans)),
		whole: map[int]*whole{}, failed: map[int]bool{}}
	for i := range spans {
		r.plan(i)
	}
	if err := l.run(ctx, "read", r.calls...); err != nil {
		return nil, err
	}
	for i, call := range r.calls {
		reply, _ := call.Reply.([]any)
		r.accept[i](reply)
	}
	for i := range spans {
		r.page(i)
	}
	return r, nil
}

// plan decides how to read a span.
func (r *reading) plan(i int) {
	s, k := &r.spans[i], r.log.keys
	stream, tag := k.stream(s.Shard, s.Priority), k.tag(s.Shard)
	w := r.whole[tag]
	if s.Key == "" && s.Upto == 0 && (w == nil || len(w.spans) == streamsAtOnce) {
		w = r.startWhole(tag)
	}
	if s.Key != "" || s.Upto != 0 || has(w.spans, stream) {
		r.planPart(i, stream, tag)
		return
	}
	w.spans[stream] = i
	w.call.Keys, w.call.Args = append(w.call.Keys, stream), append(w.call.Args, r.after(s))
	w.call.Args[0] = max(w.call.Args[0].(int), s.Limit)
}

func has(m map[string]int, key string) bool {
	_, ok := m[key]
	return ok
}

func (r *reading) startWhole(tag int) *whole {
	k := r.log.keys
	w := &whole{spans: map[string]int{}, call: &redisdb.Call{Script: readScript, Keys: []string{k.done(tag), k.held(tag)}, Args: []any{0}}}
	r.whole[tag], r.calls = w, append(r.calls, w.call)
	r.accept = append(r.accept, func(reply []any) {
		r.failed[tag] = r.failed[tag] || number(reply[0]) > 0
		for _, s := range reply[1:] {
			page, _ := s.([]any)
			name, _ := page[0].(string)
			r.take(w.spans[name], page)
		}
	})
	return w
}

// planPart reads up to a bound, or for a key.
func (r *reading) planPart(i int, stream string, tag int) {
	s, k := &r.spans[i], r.log.keys
	upto, key := "+", []byte(nil)
	if s.Upto != 0 {
		upto = strconv.FormatUint(packOf(s.Upto).counter, 10)
	}
	if s.Key != "" {
		key = beginning(s.Key)
	}
	call := &redisdb.Call{Script: scanScript, Keys: []string{k.done(tag), k.held(tag), stream}, Args: []any{r.after(s), upto, key, s.Limit, look}}
	r.calls = append(r.calls, call)
	r.accept = append(r.accept, func(reply []any) {
		r.failed[tag] = r.failed[tag] || number(reply[0]) > 0
		page, _ := reply[2].([]any)
		r.take(i, page)
		last, _ := reply[1].(string)
		if id, ok := parsePackID(last); ok && r.pages[i].More {
			r.pages[i].Next = id.seq(lastPlace) // up to there it looked at all
		}
	})
}

// after returns the ID after which to read: in front of the pack of the span's
// beginning, or behind it if that is known to be its end.
func (r *reading) after(s *queue.Span) string {
	counter := strconv.FormatUint(packOf(s.After).counter, 10)
	if placeOf(s.After) == lastPlace || s.After != 0 && r.log.ends[s.Shard][s.Priority].Load() == s.After {
		return counter + "-" + strconv.Itoa(packSize)
	}
	return counter + "-0"
}

// take keeps what a script found of a stream.
func (r *reading) take(span int, page []any) {
	r.pages[span].More = number(page[1]) == 1
	r.found[span] = make([]entry, 0, len(page)/3)
	for i := 2; i+2 < len(page); i += 3 {
		var e entry
		e.id, _ = page[i].(string)
		if fields, _ := page[i+1].([]any); len(fields) == 2 && fields[0] == field {
			e.body, e.ok = fields[1].(string)
		} else {
			e.body = foreign(fields)
		}
		done, _ := page[i+2].(string)
		e.done = bitmap(done)
		r.found[span] = append(r.found[span], e)
	}
}

// foreign returns the messages, if any, of an entry with other fields.
func foreign(fields []any) string {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == field {
			text, _ := fields[i+1].(string)
			return text
		}
	}
	return ""
}

// page makes the page of a span.
func (r *reading) page(i int) {
	s, page := &r.spans[i], &r.pages[i]
	page.Settled = queue.AllSettled
	reach := page.Next
	page.Next = s.After
	for _, e := range r.found[i] {
		if !r.open(i, &e) {
			return
		}
	}
	page.Next = max(page.Next, reach)
	if s.Upto != 0 {
		page.Next = max(s.After, min(page.Next, s.Upto))
	}
}

// open adds the messages of an entry and reports whether the page may go on.
func (r *reading) open(i int, e *entry) bool {
	s, page := &r.spans[i], &r.pages[i]
	id, ok := parsePackID(e.id)
	var rest string
	if ok = ok && e.ok; ok {
		r.frames, rest = id.frames(r.frames[:0], e.body)
	}
	if !ok || len(r.frames) == 0 {
		r.bad = append(r.bad, corrupt{shard: s.Shard, priority: s.Priority, entry: e.id, what: e.body})
		return true
	}
	page.Entries = slices.Grow(page.Entries, min(len(r.frames), s.Limit-len(page.Entries)))
	for _, f := range r.frames {
		seq := id.seq(f.place)
		switch {
		case seq <= s.After:
		case s.Upto != 0 && seq > s.Upto:
			page.More = false
			return false
		case !ofKey(f.text, s.Key):
		case e.done.has(f.place):
			page.Next = seq
		case len(page.Entries) == s.Limit:
			page.More = true
			return false
		default:
			page.Next = seq
			r.add(i, id, f)
		}
	}
	r.close(i, id, e, rest)
	return true
}

// ofKey reports whether a message is of the key; all are of "".
func ofKey(text, key string) bool {
	return key == "" || strings.HasPrefix(text, string(beginning(key)))
}

// add adds a message.
func (r *reading) add(i int, id packID, f frame) {
	s := &r.spans[i]
	m, err := decode(f.text, s.Priority)
	if err != nil {
		r.bad = append(r.bad, corrupt{s.Shard, s.Priority, id.String(), mask(nil).add(f.place), 1, f.text})
		return
	}
	r.pages[i].Entries = append(r.pages[i].Entries, queue.Entry{Seq: id.seq(f.place), Message: m})
}

// close ends a pack. What is missing has no place; the next ones stand for it.
func (r *reading) close(i int, id packID, e *entry, rest string) {
	s, last := &r.spans[i], r.frames[len(r.frames)-1].place
	if s.Key == "" && s.Upto == 0 {
		r.log.ends[s.Shard][s.Priority].Store(id.seq(last))
	}
	missing := id.count - len(r.frames)
	if missing == 0 || e.done.has(last+1) {
		return
	}
	var bits mask
	for n := range missing {
		bits = bits.add(last + 1 + n)
	}
	r.bad = append(r.bad, corrupt{s.Shard, s.Priority, e.id, bits, missing, rest})
}

// addHeld adds what is known of failures, if there are any.
func (r *reading) addHeld(ctx context.Context) error {
	pipe, k := r.log.client.Pipeline(), r.log.keys
	got := map[int]*redis.SliceCmd{}
	for i := range r.pages {
		s := &r.spans[i]
		tag := k.tag(s.Shard)
		if len(r.pages[i].Entries) == 0 || !r.failed[tag] {
			continue
		}
		names := make([]string, len(r.pages[i].Entries))
		for j := range names {
			names[j] = k.heldName(s.Shard, s.Priority, r.pages[i].Entries[j].Seq)
		}
		got[i] = pipe.HMGet(ctx, k.held(tag), names...)
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
