package sqlitestore

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// An entry is an audit entry as the file holds it.
type entry struct {
	key, link, left, right any // texts, nil when empty
	flow, data             string
}

func encodeEntries(entries []sync.Entry) ([]entry, error) {
	rows := make([]entry, len(entries))
	for i, e := range entries {
		e.Seq = 0 // the row's
		data, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		rows[i] = entry{key: text(e.Key), link: text(e.Link), left: end(e.Left), right: end(e.Right), flow: e.Flow, data: string(data)}
	}
	return rows, nil
}

// text is null when empty: most indexes hold only what is not.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func end(r sync.Ref) any {
	if r.Zero() {
		return nil
	}
	return name(r)
}

// appendEntries numbers and stores the entries whose keys are new.
func appendEntries(tx *sqlitedb.Tx, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	row, err := tx.One("SELECT max(seq) FROM entry")
	if err != nil {
		return err
	}
	seq := row.Int(0)
	for _, e := range entries {
		n, err := tx.Exec(`INSERT INTO entry (seq, key, flow, link, left_ref, right_ref, data) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING`, seq+1, e.key, e.flow, e.link, e.left, e.right, e.data)
		if err != nil {
			return err
		}
		seq += n
	}
	return nil
}

// Append implements [sync.Audit].
func (s *Store) Append(ctx context.Context, entries ...sync.Entry) error {
	const op = "sqlitestore: append"
	rows, err := encodeEntries(entries)
	if err != nil {
		return unfit(op, err)
	}
	if len(rows) == 0 {
		return ctx.Err()
	}
	return s.db.Update(ctx, op, func(tx *sqlitedb.Tx) error { return appendEntries(tx, rows) })
}

// Entries implements [sync.Audit]. An entry that cannot be read comes with its
// Seq, Flow and Link alone, so that the others stay in reach; its hash does
// not match.
func (s *Store) Entries(ctx context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	query, args := selection(filter)
	var entries []sync.Entry
	err := s.db.View(ctx, "sqlitestore: entries", func(c *sqlitedb.Conn) error {
		return c.Query(ctx, func(r sqlitedb.Row) error {
			var e sync.Entry
			if json.Unmarshal([]byte(r.Text(1)), &e) != nil {
				s.log.LogAttrs(ctx, slog.LevelError, "an audit entry cannot be read", slog.Int64("seq", r.Int(0)))
				e = sync.Entry{Flow: r.Text(2), Link: r.Text(3), Note: "this entry is damaged"}
			}
			e.Seq = r.Int(0)
			entries = append(entries, e)
			return nil
		}, query, args...)
	})
	return entries, err
}

// selection is the query of a filter.
func selection(f sync.AuditFilter) (string, []any) {
	query, args := "SELECT seq, data, flow, link FROM entry WHERE seq > ?", []any{f.After}
	if f.Flow != "" {
		query, args = query+" AND flow = ?", append(args, f.Flow)
	}
	if f.Link != "" {
		query, args = query+" AND link = ?", append(args, f.Link)
	}
	if !f.Ref.Zero() {
		query += " AND seq IN (SELECT seq FROM entry WHERE left_ref = ? UNION SELECT seq FROM entry WHERE right_ref = ?)"
		args = append(args, name(f.Ref), name(f.Ref))
	}
	const page = 100
	limit := f.Limit
	if limit == 0 {
		limit = page
	}
	return query + " ORDER BY seq LIMIT ?", append(args, int64(limit))
}
