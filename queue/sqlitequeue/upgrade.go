package sqlitequeue

import (
	"encoding/json"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// packUp moves the messages of a file of version 1, which had a row each, into
// packs. All are read once, in the order pushed.
func (l *Log) packUp(tx *sqlitedb.Tx) error {
	var o older
	err := tx.Query(func(r sqlitedb.Row) error {
		if o.add(r); len(o.msgs) < packSize {
			return nil
		}
		full := o
		o = older{}
		return full.pack(tx, l)
	}, "SELECT pos, key, id, at, held, payload FROM message ORDER BY pos & ?", int64(maxSeq))
	if err == nil {
		err = o.pack(tx, l)
	}
	if err == nil {
		_, err = tx.Exec("DELETE FROM message")
	}
	return err
}

// older are rows of version 1 that become packs.
type older struct {
	msgs  []sync.Message
	which []int
	held  []string // "" for those that have not failed
}

func (o *older) add(r sqlitedb.Row) {
	o.which = append(o.which, len(o.msgs))
	o.held = append(o.held, r.Text(4))
	o.msgs = append(o.msgs, sync.Message{ID: r.Text(2), Key: r.Text(1), EnqueuedAt: fromMicros(r.Int(3)), Payload: r.Bytes(5),
		Priority: sync.Priority(r.Int(0) >> seqBits & (1<<priorityBits - 1))})
}

func (o *older) pack(tx *sqlitedb.Tx, l *Log) error {
	if err := l.insert(tx, o.msgs, o.which); err != nil {
		return err
	}
	for i, text := range o.held {
		var h queue.Held
		if text == "" || json.Unmarshal([]byte(text), &h) != nil {
			continue // what is damaged comes as if it had not failed yet
		}
		if err := l.hold(tx, l.positionOf(&o.msgs[i], i), o.msgs[i].Key, h); err != nil {
			return err
		}
	}
	return nil
}
