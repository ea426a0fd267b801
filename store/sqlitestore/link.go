package sqlitestore

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/sync"
)

// errEnough ends a query early.
var errEnough = errors.New("enough rows")

// escape keeps the parts of a name apart.
var escape = strings.NewReplacer("%", "%25", ":", "%3A")

// name is the record's name in the file: system:kind:id.
func name(r sync.Ref) string {
	return escape.Replace(string(r.System)) + ":" + escape.Replace(string(r.Kind)) + ":" + escape.Replace(r.ID)
}

// Link implements [sync.Links].
func (s *Store) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	const op = "sqlitestore: link"
	var link sync.Link
	err := s.db.View(ctx, op, func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, "SELECT generation, data FROM link_end JOIN link ON link.id = link_end.link WHERE link_end.flow = ? AND ref = ?", flow, name(ref))
		if err != nil {
			return err
		}
		if row == nil {
			return sync.ErrNotFound
		}
		if link, err = decodeLink(row); err != nil {
			return damaged(op, ref, "the record's link")
		}
		return nil
	})
	return link, err
}

func decodeLink(row sqlitedb.Row) (sync.Link, error) {
	var link sync.Link
	err := json.Unmarshal([]byte(row.Text(1)), &link)
	link.Generation = row.Int(0)
	return link, err
}

// Links implements [sync.Links].
func (s *Store) Links(ctx context.Context, flow, after string, limit int) ([]sync.Link, error) {
	return s.list(ctx, "sqlitestore: links", limit, "SELECT generation, data, id FROM link WHERE flow = ? AND id > ? ORDER BY id", flow, after)
}

// Open implements [sync.Intents].
func (s *Store) Open(ctx context.Context, now time.Time, limit int) ([]sync.Link, error) {
	return s.list(ctx, "sqlitestore: open", limit, "SELECT generation, data, id FROM link WHERE expires <= ? ORDER BY expires", micros(now))
}

// list returns up to limit links, without those that cannot be read.
func (s *Store) list(ctx context.Context, op string, limit int, query string, args ...any) ([]sync.Link, error) {
	var links []sync.Link
	err := s.db.View(ctx, op, func(c *sqlitedb.Conn) error {
		return c.Query(ctx, func(r sqlitedb.Row) error {
			if len(links) >= limit {
				return errEnough
			}
			link, err := decodeLink(r)
			if err != nil {
				s.log.LogAttrs(ctx, slog.LevelError, "a stored link cannot be read", slog.String("link", r.Text(2)))
				return nil
			}
			links = append(links, link)
			return nil
		}, query, args...)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return links, nil
}

// Base implements [sync.Bases].
func (s *Store) Base(ctx context.Context, linkID string) (sync.Base, error) {
	const op = "sqlitestore: base"
	var base sync.Base
	err := s.db.View(ctx, op, func(c *sqlitedb.Conn) error {
		row, err := c.One(ctx, "SELECT base FROM link WHERE id = ?", linkID)
		if err != nil || row == nil || row[0] == nil {
			return err
		}
		if json.Unmarshal([]byte(row.Text(0)), &base) != nil {
			return damaged(op, sync.Ref{}, "the base of link "+linkID)
		}
		return nil
	})
	return base, err
}
