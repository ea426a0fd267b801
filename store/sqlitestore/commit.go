package sqlitestore

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// A change is a commit or the beginning of a write, encoded before the writer
// gets it.
type change struct {
	link    sync.Link // as it shall be
	own     *string   // the open intent that is the caller's
	data    string    // the link
	rebase  bool      // whether base replaces the stored one
	base    any       // a text, or nil
	entries []entry
}

// Begin implements [sync.Intents].
func (s *Store) Begin(ctx context.Context, now time.Time, link sync.Link, intent sync.Intent, entries ...sync.Entry) (sync.Link, error) {
	link.Intent = &intent
	return s.change(ctx, "sqlitestore: begin", now, sync.Commit{Link: link, Entries: entries}, nil)
}

// Commit implements [sync.Store].
func (s *Store) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	var own *string
	if c.Link.Intent != nil {
		own = &c.Link.Intent.ID
	}
	c.Link.Intent = nil
	return s.change(ctx, "sqlitestore: commit", now, c, own)
}

// change makes all of c true in one transaction.
func (s *Store) change(ctx context.Context, op string, now time.Time, c sync.Commit, own *string) (sync.Link, error) {
	ch, err := encode(c, own)
	if err != nil {
		return sync.Link{}, unfit(op, err)
	}
	err = s.db.Update(ctx, op, func(tx *sqlitedb.Tx) error {
		if err := ch.check(tx, now); err != nil {
			return err
		}
		if err := ch.put(tx); err != nil {
			return err
		}
		return appendEntries(tx, ch.entries)
	})
	if err != nil {
		return sync.Link{}, err
	}
	return ch.link, nil
}

func encode(c sync.Commit, own *string) (*change, error) {
	c.Link.Generation++
	ch := &change{link: c.Link, own: own, rebase: c.Base != nil || c.Forget}
	data, err := json.Marshal(c.Link)
	if err != nil {
		return nil, err
	}
	ch.data = string(data)
	if c.Base != nil {
		base, err := json.Marshal(c.Base)
		if err != nil {
			return nil, err
		}
		ch.base = string(base)
	}
	ch.entries, err = encodeEntries(c.Entries)
	return ch, err
}

// check fails with ErrStale unless the link is as the caller read it.
func (ch *change) check(tx *sqlitedb.Tx, now time.Time) error {
	row, err := tx.One("SELECT generation, intent, expires FROM link WHERE id = ?", ch.link.ID)
	if err != nil {
		return err
	}
	if row == nil {
		if ch.link.Generation != 1 {
			return sync.ErrStale
		}
		return ch.checkEnds(tx)
	}
	open := row[1] != nil && row.Int(2) > micros(now)
	if row.Int(0) != ch.link.Generation-1 || open && (ch.own == nil || *ch.own != row.Text(1)) {
		return sync.ErrStale
	}
	return ch.checkEnds(tx)
}

// ends are the names of the records that the link holds.
func (ch *change) ends() []string {
	var ends []string
	for _, ref := range []sync.Ref{ch.link.Left, ch.link.Right} {
		if n := name(ref); !ref.Zero() && !slices.Contains(ends, n) {
			ends = append(ends, n)
		}
	}
	return ends
}

// checkEnds fails with ErrStale if another link of the flow holds an end.
func (ch *change) checkEnds(tx *sqlitedb.Tx) error {
	for _, end := range ch.ends() {
		row, err := tx.One("SELECT link FROM link_end WHERE flow = ? AND ref = ?", ch.link.Flow, end)
		if err != nil {
			return err
		}
		if row != nil && row.Text(0) != ch.link.ID {
			return sync.ErrStale
		}
	}
	return nil
}

// put stores the link and its ends.
func (ch *change) put(tx *sqlitedb.Tx) error {
	var intent, expires any
	if in := ch.link.Intent; in != nil {
		intent, expires = in.ID, micros(in.Expires)
	}
	rebase := int64(0)
	if ch.rebase {
		rebase = 1
	}
	l := &ch.link
	_, err := tx.Exec(`INSERT INTO link (id, flow, generation, intent, expires, data, base) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
		ON CONFLICT (id) DO UPDATE SET flow = ?2, generation = ?3, intent = ?4, expires = ?5, data = ?6, base = iif(?8, ?7, base)`,
		l.ID, l.Flow, l.Generation, intent, expires, ch.data, ch.base, rebase)
	if err != nil {
		return err
	}
	return ch.putEnds(tx)
}

// putEnds replaces the link's ends if they are others than before.
func (ch *change) putEnds(tx *sqlitedb.Tx) error {
	ends, same, n := ch.ends(), true, 0
	err := tx.Query(func(r sqlitedb.Row) error {
		n++
		same = same && r.Text(0) == ch.link.Flow && slices.Contains(ends, r.Text(1))
		return nil
	}, "SELECT flow, ref FROM link_end WHERE link = ?", ch.link.ID)
	if err != nil || same && n == len(ends) {
		return err
	}
	if _, err := tx.Exec("DELETE FROM link_end WHERE link = ?", ch.link.ID); err != nil {
		return err
	}
	for _, end := range ends {
		if _, err := tx.Exec("INSERT INTO link_end (flow, ref, link) VALUES (?, ?, ?)", ch.link.Flow, end, ch.link.ID); err != nil {
			return err
		}
	}
	return nil
}
