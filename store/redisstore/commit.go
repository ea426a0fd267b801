package redisstore

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/sync"
)

// Begin implements [sync.Intents].
func (s *Store) Begin(ctx context.Context, now time.Time, link sync.Link, intent sync.Intent, entries ...sync.Entry) (sync.Link, error) {
	link.Intent = &intent
	return s.change(ctx, "begin", now, sync.Commit{Link: link, Entries: entries}, nil)
}

// Commit implements [sync.Store].
func (s *Store) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	own := c.Link.Intent
	c.Link.Intent = nil
	return s.change(ctx, "commit", now, c, own)
}

// change stores the link with the intent it carries, in one script. The open
// intent may be the caller's own.
func (s *Store) change(ctx context.Context, op string, now time.Time, c sync.Commit, own *sync.Intent) (sync.Link, error) {
	l := c.Link
	given := l.Generation
	l.Generation++
	link, err := encode(op, &l)
	if err != nil {
		return sync.Link{}, err
	}
	fate, base := "keep", []byte(nil)
	switch {
	case c.Base != nil:
		fate = "set"
		if base, err = encode(op, c.Base); err != nil {
			return sync.Link{}, err
		}
	case c.Forget:
		fate = "forget"
	}
	intent, expires := intentOf(l.Intent)
	mine, _ := intentOf(own)
	call := &redisdb.Call{Script: commitScript,
		Keys: []string{s.key("states"), s.key("links"), s.key("bases"), s.key("ends"), s.key("ids"), s.key("open")},
		Args: []any{newCall(), micros(now), l.ID, given, mine, intent, expires, link, place(l.Flow, l.ID),
			end(l.Flow, l.Left), end(l.Flow, l.Right), fate, base, follows(&c), l.Head}}
	if err := s.addEntries(op, call, c.Entries); err != nil {
		return sync.Link{}, err
	}
	if err := s.yes(ctx, op, call); err != nil {
		return sync.Link{}, err
	}
	return l, nil
}

// follows returns the end of the link's chain as the caller read it.
func follows(c *sync.Commit) []byte {
	for i := range c.Entries {
		if c.Entries[i].Prev != nil {
			return c.Entries[i].Prev
		}
	}
	return c.Link.Head
}

// intentOf returns what the script compares of an intent: a text that is ""
// for none, and when it expires.
func intentOf(in *sync.Intent) (id, expires string) {
	if in == nil {
		return "", "0"
	}
	return "intent " + in.ID, micros(in.Expires)
}
