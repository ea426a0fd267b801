package sqlitequeue

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Read implements [queue.Log]. Rows that hold no message go to the dead
// letters.
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
			r := reader{span: &spans[i], page: &pages[i]}
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
	span    *queue.Span
	page    *queue.Page
	rows    int
	damaged []wreck
}

func (r *reader) read(ctx context.Context, c *sqlitedb.Conn) error {
	s := r.span
	number, upto := stream(s.Shard, s.Priority), s.Upto
	if upto == 0 {
		upto = maxSeq
	}
	const from = "SELECT pos, key, id, at, held, payload FROM message WHERE pos > ? AND pos <= ?"
	limit := int64(s.Limit) + 1 // one more tells whether there is more
	if s.Key == "" {
		return c.Query(ctx, r.row, from+" ORDER BY pos LIMIT ?", span(number, s.After), span(number, upto), limit)
	}
	return c.Query(ctx, r.row, from+" AND key = ? ORDER BY pos LIMIT ?", span(number, s.After), span(number, upto), s.Key, limit)
}

func (r *reader) row(row sqlitedb.Row) error {
	if r.rows++; r.rows > r.span.Limit {
		r.page.More = true
		return nil
	}
	seq := uint64(row.Int(0)) & maxSeq
	r.page.Next = seq
	e := queue.Entry{Seq: seq, Message: sync.Message{ID: row.Text(2), Key: row.Text(1), Priority: r.span.Priority,
		EnqueuedAt: fromMicros(row.Int(3)), Payload: row.Bytes(5)}}
	if what := r.decode(&e, row.Text(4)); what != "" {
		r.damaged = append(r.damaged, wreck{row.Int(0), e.Message, what})
		return nil
	}
	r.page.Entries = append(r.page.Entries, e)
	return nil
}

// decode completes the entry, or says what is wrong with it.
func (r *reader) decode(e *queue.Entry, held string) string {
	switch {
	case e.Message.ID == "" || e.Message.Key == "":
		return "its ID or key is missing"
	case queue.ShardOf(e.Message.Key, shards) != r.span.Shard:
		return "its key is another than it was"
	case held == "":
		return ""
	}
	e.Held = &queue.Held{}
	if json.Unmarshal([]byte(held), e.Held) != nil {
		return "its failures cannot be read"
	}
	return ""
}

// A wreck is a row that holds no message.
type wreck struct {
	pos     int64
	message sync.Message
	what    string
}

// putAside moves damaged rows to the dead letters.
func (l *Log) putAside(ctx context.Context, damaged []wreck) error {
	return l.db.Update(ctx, "sqlitequeue: put aside", func(tx *sqlitedb.Tx) error {
		for _, w := range damaged {
			there, err := l.remove(tx, w.pos)
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
