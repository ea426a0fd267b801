package redisstore

import (
	"context"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/sync"
)

// Cursor implements [sync.Cursors].
func (s *Store) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	text, err := s.client.HGet(ctx, s.key("cursors"), name).Result()
	switch call := len(newCall()); {
	case isNil(err):
		return "", nil
	case err != nil:
		return "", s.fail("cursor", err)
	case len(text) < call:
		return "", damaged("cursor", sync.Ref{}, "the cursor "+name)
	default:
		return sync.Cursor(text[call:]), nil
	}
}

// SetCursor implements [sync.Cursors].
func (s *Store) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	return s.yes(ctx, "set cursor", &redisdb.Call{Script: cursorScript, Keys: []string{s.key("cursors")},
		Args: []any{newCall(), name, string(from), string(to)}})
}
