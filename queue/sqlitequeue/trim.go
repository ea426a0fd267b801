package sqlitequeue

import "github.com/urbanhub/crmsync/internal/sqlitedb"

// trimMost is how many packs are written anew at a heartbeat.
const trimMost = 100

// trim writes packs anew, without what is done: it holds what vendors told, and
// the rest may wait for long. That is for those that were done in part at the
// last heartbeat; most are done as a whole soon.
func (l *Log) trim(tx *sqlitedb.Tx) error {
	n := 0
	for pack, before := range l.partly {
		if !before {
			l.partly[pack] = true
			continue
		}
		if n++; n > trimMost {
			continue
		}
		delete(l.partly, pack)
		if err := l.rewrite(tx, pack); err != nil {
			return err
		}
	}
	return nil
}

// rewrite stores what waits in a pack, and nothing else.
func (l *Log) rewrite(tx *sqlitedb.Tx, pos int64) error {
	row, err := tx.One("SELECT done, body FROM pack JOIN body USING (pos) WHERE pos = ?", pos)
	if err != nil || row == nil {
		return err
	}
	done, p := bitmap(row.Bytes(0)), pack{}
	rest := frames(row.Bytes(1), func(f frame) bool {
		if done.waits(f.place) {
			p.keep(f)
		}
		return true
	})
	if len(rest) > 0 {
		return nil // Read puts it aside
	}
	return p.replace(tx, pos)
}
