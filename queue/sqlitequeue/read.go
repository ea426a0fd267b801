package sqlitequeue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Read implements [queue.Log]. What holds no message goes to the dead letters.
func (l *Log) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	pages := make([]queue.Page, len(spans))
	var news []int // the spans in which there can be something
	for i, s := range spans {
		pages[i] = queue.Page{Next: s.After, Settled: queue.AllSettled}
		if s.After < l.tails[stream(s.Shard, s.Priority)].Load() {
			news = append(news, i)
		}
	}
	if len(news) == 0 {
		return pages, nil
	}
	var damaged []wreck
	err := l.db.Snapshot(ctx, "sqlitequeue: read", func(c *sqlitedb.Conn) error {
		for _, i := range news {
			r := reader{log: l, span: &spans[i], page: &pages[i]}
			if err := r.read(ctx, c); err != nil {
				return err
			}
			damaged = append(damaged, r.damaged...)
		}
		return nil
	})
	if err == nil && len(damaged) > 0 {
		err = l.putAside(ctx, damaged)
	}
	if err != nil {
		return nil, err
	}
	return pages, nil
}

// A reader reads one span into its page.
type reader struct {
	log     *Log
	span    *queue.Span
	page    *queue.Page
	stream  int
	upto    uint64
	damaged []wreck
}

// errEnough ends a query.
var errEnough = errors.New("enough")

func (r *reader) read(ctx context.Context, c *sqlitedb.Conn) error {
	s := r.span
	r.stream, r.upto = stream(s.Shard, s.Priority), s.Upto
	if r.upto == 0 {
		r.upto = maxSeq
	}
	err := c.Query(ctx, r.pack, "SELECT pos, done, body FROM pack JOIN body USING (pos) WHERE pos >= ? AND pos <= ? ORDER BY pos",
		packOf(span(r.stream, s.After+1)), span(r.stream, r.upto))
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err != nil || len(r.page.Entries) == 0 || !r.log.holds.Load() { // asked after the entries were read
		return err
	}
	held, err := heldIn(ctx, c, span(r.stream, s.After), span(r.stream, r.page.Next))
	if len(held) > 0 {
		r.addHeld(held)
	}
	return err
}

// pack adds the messages of a pack.
func (r *reader) pack(row sqlitedb.Row) error {
	pos, done, enough := row.Int(0), bitmap(row.Bytes(1)), false
	rest := frames(row.Bytes(2), func(f frame) bool {
		if done.waits(f.place) {
			enough = !r.frame(pos, f)
		}
		return !enough
	})
	if len(rest) > 0 {
		r.damaged = append(r.damaged, wreck{pos: pos, cut: true, what: "the rest of its pack cannot be read"})
	}
	if enough {
		return errEnough
	}
	return nil
}

// frame adds a message, and reports whether there may be room for more.
func (r *reader) frame(pack int64, f frame) bool {
	seq := uint64(pack)&maxSeq | uint64(f.place)
	switch {
	case seq <= r.span.After:
		return true
	case seq > r.upto:
		return false
	case r.span.Key != "" && string(f.key()) != r.span.Key:
		return true
	case len(r.page.Entries) == r.span.Limit:
		r.page.More = true
		return false
	}
	r.page.Next = seq
	m := f.message(r.span.Priority)
	switch {
	case m.ID == "" || m.Key == "":
		r.damaged = append(r.damaged, wreck{pos: pack | int64(f.place), message: m, what: "its ID or key is missing"})
	case queue.ShardOf(m.Key, shards) != r.span.Shard:
		r.damaged = append(r.damaged, wreck{pos: pack | int64(f.place), message: m, what: "its key is another than it was"})
	default:
		r.page.Entries = append(r.page.Entries, queue.Entry{Seq: seq, Message: m})
	}
	return true
}

// addHeld adds what is known of failures.
func (r *reader) addHeld(held map[int64]string) {
	entries := r.page.Entries[:0]
	for _, e := range r.page.Entries {
		pos := span(r.stream, e.Seq)
		if text, ok := held[pos]; ok {
			e.Held = &queue.Held{}
			if json.Unmarshal([]byte(text), e.Held) != nil {
				r.damaged = append(r.damaged, wreck{pos: pos, message: e.Message, what: "its failures cannot be read"})
				continue
			}
		}
		entries = append(entries, e)
	}
	r.page.Entries = entries
}

// A wreck is what holds no message: a place in a pack, or all of a pack from
// where it is cut.
type wreck struct {
	pos     int64
	cut     bool
	message sync.Message
	what    string
}

// putAside moves what is damaged to the dead letters.
func (l *Log) putAside(ctx context.Context, damaged []wreck) error {
	return l.db.Update(ctx, "sqlitequeue: put aside", func(tx *sqlitedb.Tx) error {
		for _, w := range damaged {
			there, err := l.takeOut(tx, &w)
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			if w.message.ID == "" {
				w.message.ID = fmt.Sprintf("damaged-%x", w.pos)
			}
			failure := sync.Failure{At: l.now, Action: sync.Fatal.String(), Error: "the stored message is damaged: " + w.what}
			if err := putDead(tx, sync.DeadLetter{Message: w.message, History: []sync.Failure{failure}, DiedAt: l.now}); err != nil {
				return err
			}
		}
		return nil
	})
}

// takeOut removes what is damaged, and reports whether it was there.
func (l *Log) takeOut(tx *sqlitedb.Tx, w *wreck) (bool, error) {
	if !w.cut {
		there, err := l.remove(tx, []int64{w.pos})
		return len(there) > 0, err
	}
	row, err := tx.One("SELECT done, body FROM pack JOIN body USING (pos) WHERE pos = ?", w.pos)
	if err != nil || row == nil {
		return false, err
	}
	done, p := bitmap(row.Bytes(0)), pack{}
	w.message.Payload = frames(row.Bytes(1), func(f frame) bool {
		if done.waits(f.place) {
			p.keep(f)
		}
		return true
	})
	if len(w.message.Payload) == 0 {
		return false, nil // it was taken out before
	}
	return true, p.replace(tx, w.pos)
}
