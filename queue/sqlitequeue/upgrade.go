package sqlitequeue

import (
	"encoding/json"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// packUp moves the messages of a file of version 1, which had a row each, into
// packs.
func (l *Log) packUp(tx *sqlitedb.Tx) error {
	for {
		var msgs []sync.Message
		var which []int
		held := map[int]string{}
		err := tx.Query(func(r sqlitedb.Row) error {
			if r.Text(4) != "" {
				held[len(msgs)] = r.Text(4)
			}
			which = append(which, len(msgs))
			msgs = append(msgs, sync.Message{ID: r.Text(2), Key: r.Text(1), EnqueuedAt: fromMicros(r.Int(3)), Payload: r.Bytes(5),
				Priority: sync.Priority(r.Int(0) >> seqBits & (1<<priorityBits - 1))})
			return nil
		}, "SELECT pos, key, id, at, held, payload FROM message ORDER BY pos & ? LIMIT ?", int64(maxSeq), int64(packSize))
		if err != nil || len(msgs) == 0 {
			return err
		}
		if err := l.insert(tx, msgs, which); err != nil {
			return err
		}
		for i, text := range held {
			var h queue.Held
			if json.Unmarshal([]byte(text), &h) != nil {
				continue // it comes as if it had not failed yet
			}
			if err := l.hold(tx, l.positionOf(&msgs[i], i), msgs[i].Key, h); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("DELETE FROM message WHERE pos IN (SELECT pos FROM message ORDER BY pos & ? LIMIT ?)", int64(maxSeq), int64(packSize)); err != nil {
			return err
		}
	}
}
