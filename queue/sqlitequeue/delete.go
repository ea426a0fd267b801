package sqlitequeue

import (
	"context"
	"slices"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
)

// deletion is a call of Delete that waits for company.
type deletion struct {
	fence   queue.Fence
	entries []queue.Pos
}

// Delete implements [queue.Log]. Calls that come while another is under way
// share the next step: most messages of a pack are done at about the same time.
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	held, err := l.deletes.Do(ctx, deletion{fence, slices.Clone(entries)})
	if err == nil && !held[0] {
		err = queue.ErrFenced
	}
	return err
}

// deleteAll carries out calls that came together, and tells of each whether its
// fence held.
func (l *Log) deleteAll(ctx context.Context, calls []deletion) ([]bool, error) {
	held := make([]bool, len(calls))
	var list []int64
	err := l.db.Update(ctx, "sqlitequeue: delete", func(tx *sqlitedb.Tx) error {
		list = list[:0]
		for i, c := range calls {
			if held[i] = l.holdsFence(c.fence); held[i] {
				for _, p := range c.entries {
					list = append(list, position(c.fence.Shard, p))
				}
			}
		}
		_, err := l.remove(tx, list)
		return err
	})
	return held, err
}

// remove deletes messages and returns the positions of those that were there,
// in ascending order.
func (l *Log) remove(tx *sqlitedb.Tx, list []int64) (there []int64, err error) {
	slices.Sort(list)
	list = slices.Compact(list)
	for len(list) > 0 && err == nil {
		pack := packOf(list[0])
		n := 1
		for n < len(list) && packOf(list[n]) == pack {
			n++
		}
		var some []int64
		some, err = l.removeFrom(tx, pack, list[:n])
		there, list = append(there, some...), list[n:]
	}
	return there, err
}

// removeFrom deletes messages of one pack.
func (l *Log) removeFrom(tx *sqlitedb.Tx, pack int64, list []int64) (there []int64, err error) {
	row, err := tx.One("SELECT waiting, done FROM pack WHERE pos = ?", pack)
	if err != nil || row == nil {
		return nil, err
	}
	waiting, done := row.Int(0), bitmap(row.Bytes(1))
	for _, pos := range list {
		if done.remove(placeOf(pos)) {
			there = append(there, pos)
		}
	}
	switch left := waiting - int64(len(there)); {
	case len(there) == 0:
		return nil, nil
	case left <= 0:
		delete(l.partly, pack)
		err = removePack(tx, pack)
	default:
		if _, known := l.partly[pack]; !known {
			l.partly[pack] = false
		}
		_, err = tx.Exec("UPDATE pack SET waiting = ?, done = ? WHERE pos = ?", left, []byte(done), pack)
	}
	for i := 0; i < len(there) && err == nil && l.holds.Load(); i++ {
		_, err = tx.Exec("DELETE FROM held WHERE pos = ?", there[i])
	}
	return there, err
}
