package sqlitequeue

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Bury implements [queue.Log].
func (l *Log) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	return l.fenced(ctx, "sqlitequeue: bury", fence, func(tx *sqlitedb.Tx) error {
		for _, b := range burials {
			there, err := l.remove(tx, []int64{position(fence.Shard, b.Pos)})
			if err != nil {
				return err
			}
			if len(there) == 0 {
				continue
			}
			if err := putDead(tx, b.Letter); err != nil {
				return err
			}
		}
		return nil
	})
}

// putDead stores a letter in the place of an older one.
func putDead(tx *sqlitedb.Tx, d sync.DeadLetter) error {
	history, err := json.Marshal(d.History)
	if err != nil {
		return err
	}
	payload := d.Message.Payload
	if payload == nil {
		payload = []byte{}
	}
	_, err = tx.Exec("REPLACE INTO dead (id, key, priority, at, died_at, attempts, history, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		d.Message.ID, d.Message.Key, int64(d.Message.Priority), micros(d.Message.EnqueuedAt), micros(d.DiedAt), int64(d.Attempts), string(history), payload)
	return err
}

const selectDead = "SELECT id, key, priority, at, died_at, attempts, history, payload FROM dead"

func letter(r sqlitedb.Row) sync.DeadLetter {
	d := sync.DeadLetter{Attempts: int(r.Int(5)), DiedAt: fromMicros(r.Int(4)), Message: sync.Message{ID: r.Text(0), Key: r.Text(1),
		Priority: sync.Priority(r.Int(2)), EnqueuedAt: fromMicros(r.Int(3)), Payload: r.Bytes(7)}}
	if json.Unmarshal([]byte(r.Text(6)), &d.History) != nil {
		d.History = []sync.Failure{{At: d.DiedAt, Action: sync.Fatal.String(), Error: "the stored history is damaged"}}
	}
	return d
}

// Dead implements [queue.Log].
func (l *Log) Dead(ctx context.Context, f sync.DeadFilter) ([]sync.DeadLetter, error) {
	var letters []sync.DeadLetter
	err := l.db.Snapshot(ctx, "sqlitequeue: dead", func(c *sqlitedb.Conn) error {
		died := int64(math.MinInt64)
		if f.After != "" {
			last, err := c.One(ctx, "SELECT died_at FROM dead WHERE id = ?", f.After)
			if err != nil || last == nil {
				return err
			}
			died = last.Int(0)
		}
		query, args := selectDead+" WHERE (died_at, id) > (?, ?)", []any{died, f.After}
		if f.Key != "" {
			query, args = query+" AND key = ?", append(args, f.Key)
		}
		limit := int64(f.Limit)
		if limit <= 0 {
			limit = -1 // all
		}
		return c.Query(ctx, func(r sqlitedb.Row) error {
			letters = append(letters, letter(r))
			return nil
		}, query+" ORDER BY died_at, id LIMIT ?", append(args, limit)...)
	})
	return letters, err
}

// Replay implements [queue.Log]. All letters are moved in one step.
func (l *Log) Replay(ctx context.Context, _ time.Time, ids []string) (int, error) {
	n, err := l.exhume(ctx, "sqlitequeue: replay", ids, func(tx *sqlitedb.Tx, d sync.DeadLetter) error {
		if err := l.insert(tx, []sync.Message{d.Message}, []int{0}); err != nil {
			return err
		}
		return l.hold(tx, l.positionOf(&d.Message, 0), d.Message.Key, queue.Held{History: d.History})
	})
	l.wake()
	return n, err
}

// Discard implements [queue.Log].
func (l *Log) Discard(ctx context.Context, _ time.Time, ids []string) (int, error) {
	return l.exhume(ctx, "sqlitequeue: discard", ids, func(*sqlitedb.Tx, sync.DeadLetter) error { return nil })
}

// exhume takes letters out and does something with each.
func (l *Log) exhume(ctx context.Context, op string, ids []string, do func(*sqlitedb.Tx, sync.DeadLetter) error) (int, error) {
	n := 0
	err := l.db.Update(ctx, op, func(tx *sqlitedb.Tx) error {
		n = 0 // the step may run again
		for _, id := range ids {
			row, err := tx.One(selectDead+" WHERE id = ?", id)
			if err != nil {
				return err
			}
			if row == nil {
				continue
			}
			if _, err := tx.Exec("DELETE FROM dead WHERE id = ?", id); err != nil {
				return err
			}
			if err := do(tx, letter(row)); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}
