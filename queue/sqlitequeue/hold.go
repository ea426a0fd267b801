package sqlitequeue

import (
	"context"
	"encoding/json"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
)

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	return l.fenced(ctx, "sqlitequeue: hold", fence, func(tx *sqlitedb.Tx) error {
		pos := position(fence.Shard, entry)
		key, err := l.keyOf(tx, pos)
		if err != nil || key == "" {
			return err
		}
		return l.hold(tx, pos, key, held)
	})
}

// hold stores what is known of the failures of a message.
func (l *Log) hold(tx *sqlitedb.Tx, pos int64, key string, held queue.Held) error {
	data, err := json.Marshal(held)
	if err != nil {
		return err
	}
	var retryAt any
	if !held.RetryAt.IsZero() {
		retryAt = micros(held.RetryAt)
	}
	l.holds.Store(true)
	_, err = tx.Exec("REPLACE INTO held (pos, key, retry_at, held) VALUES (?, ?, ?, ?)", pos, key, retryAt, string(data))
	return err
}

// findHeld finds out whether anything is held. Nearly always nothing is, and then
// nobody looks.
func (l *Log) findHeld(tx *sqlitedb.Tx) error {
	row, err := tx.One("SELECT EXISTS (SELECT 1 FROM held)")
	if err == nil {
		l.holds.Store(row.Int(0) != 0)
	}
	return err
}

// keyOf returns the key of a message that waits, "" if there is none.
func (l *Log) keyOf(tx *sqlitedb.Tx, pos int64) (key string, err error) {
	row, err := tx.One("SELECT done, body FROM pack JOIN body USING (pos) WHERE pos = ?", packOf(pos))
	if err != nil || row == nil || !bitmap(row.Bytes(0)).waits(placeOf(pos)) {
		return "", err
	}
	frames(row.Bytes(1), func(f frame) bool { // Read puts a damaged rest aside
		if f.place == placeOf(pos) {
			key = string(f.key())
		}
		return f.place < placeOf(pos)
	})
	return key, nil
}

// heldIn returns what is known of failures between two positions.
func heldIn(ctx context.Context, c *sqlitedb.Conn, from, to int64) (map[int64]string, error) {
	var held map[int64]string
	err := c.Query(ctx, func(r sqlitedb.Row) error {
		if held == nil {
			held = map[int64]string{}
		}
		held[r.Int(0)] = r.Text(1)
		return nil
	}, "SELECT pos, held FROM held WHERE pos >= ? AND pos <= ?", from, to)
	return held, err
}
