package pgstore

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// An entry is an audit entry as the tables hold it, but for its number.
type entry struct {
	key, link, left, right *string // nil when empty
	at                     time.Time
	kind, flow, data       string
}

func encodeEntries(entries []sync.Entry) ([]entry, error) {
	rows := make([]entry, len(entries))
	for i, e := range entries {
		e.Seq = 0 // the row's
		data, err := encode(e)
		if err != nil {
			return nil, err
		}
		rows[i] = entry{
			key: text(e.Key), link: text(e.Link), left: ref(e.Left), right: ref(e.Right),
			at: e.At, kind: string(e.Kind), flow: e.Flow, data: data,
		}
	}
	return rows, nil
}

// text is null when empty: most indexes hold only what is not.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func ref(r sync.Ref) *string {
	if r.Zero() {
		return nil
	}
	n := name(r)
	return &n
}

// Entries implements [sync.Audit]. Who reads on from the last Seq misses
// nothing: an entry is seen after those with a smaller one. An entry that
// cannot be read comes with its Seq, Flow and Link alone, so that the others
// stay in reach; its hash does not match.
func (s *Store) Entries(ctx context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	query, args := selection(filter)
	rows, err := s.pool.Query(ctx, s.sql.Replace(query), args...)
	if err != nil {
		return nil, pgerror.Wrap("pgstore: entries", err)
	}
	entries, err := pgx.CollectRows(rows, s.entry)
	return entries, pgerror.Wrap("pgstore: entries", err)
}

func (s *Store) entry(row pgx.CollectableRow) (sync.Entry, error) {
	var seq int64
	var flow, link, data string
	if err := row.Scan(&seq, &flow, &link, &data); err != nil {
		return sync.Entry{}, err
	}
	var e sync.Entry
	if decode(data, &e) != nil {
		s.log.LogAttrs(context.Background(), slog.LevelError, "an audit entry cannot be read", slog.Int64("seq", seq))
		e = sync.Entry{Flow: flow, Link: link, Note: "this entry is damaged"}
	}
	e.Seq = seq
	return e, nil
}

// selection is the query of a filter. Either end of a record is looked up in
// an index of its own, from where the page begins.
func selection(f sync.AuditFilter) (query string, args []any) {
	const page = 100
	limit := cmp.Or(f.Limit, page)
	where, args := "seq > $1", []any{f.After}
	also := func(column, value string) string {
		args = append(args, value)
		return fmt.Sprintf(" AND %s = $%d", column, len(args))
	}
	if f.Flow != "" {
		where += also("flow", f.Flow)
	}
	if f.Link != "" {
		where += also("link", f.Link)
	}
	from := "@audit"
	if !f.Ref.Zero() {
		side := func(column string) string {
			return fmt.Sprintf("(SELECT * FROM @audit WHERE %s%s ORDER BY seq LIMIT %d)", where, also(column, name(f.Ref)), limit)
		}
		left := side("left_ref")
		right := side("right_ref")
		from = "(SELECT DISTINCT ON (seq) * FROM (" + left + " UNION ALL " + right + ") e ORDER BY seq) e"
		where = "true"
	}
	return fmt.Sprintf("SELECT seq, flow, coalesce(link, ''), data::text FROM %s WHERE %s ORDER BY seq LIMIT %d", from, where, limit), args
}
