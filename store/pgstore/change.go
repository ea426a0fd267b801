package pgstore

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A change is a call that writes, encoded before it joins a batch.
type change struct {
	now     time.Time
	link    *sync.Link // as it shall be, nil to add entries alone
	own     *string    // the ID of the open intent that is the caller's
	data    string     // the link
	ends    []end      // the records that the link holds
	base    []byte
	forget  bool
	entries []entry
}

// Begin implements [sync.Intents].
func (s *Store) Begin(ctx context.Context, now time.Time, link sync.Link, intent sync.Intent, entries ...sync.Entry) (sync.Link, error) {
	link.Intent = &intent
	return s.change(ctx, "pgstore: begin", &change{now: now, link: &link}, nil, entries)
}

// Commit implements [sync.Store].
func (s *Store) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	ch := &change{now: now, link: &c.Link, forget: c.Forget}
	if c.Link.Intent != nil {
		ch.own, c.Link.Intent = &c.Link.Intent.ID, nil
	}
	return s.change(ctx, "pgstore: commit", ch, c.Base, c.Entries)
}

// Append implements [sync.Audit].
func (s *Store) Append(ctx context.Context, entries ...sync.Entry) error {
	if len(entries) == 0 {
		return ctx.Err()
	}
	_, err := s.change(ctx, "pgstore: append", &change{}, nil, entries)
	return err
}

// change encodes a change, has it made with those of other callers, and
// returns the link with its new generation.
func (s *Store) change(ctx context.Context, op string, ch *change, base *sync.Base, entries []sync.Entry) (sync.Link, error) {
	if err := ch.encode(base, entries); err != nil {
		return sync.Link{}, unfit(op, err)
	}
	if _, err := s.writes.do(ctx, op, ch); err != nil || ch.link == nil {
		return sync.Link{}, err
	}
	link := *ch.link
	link.Generation++
	return link, nil
}

func (ch *change) encode(base *sync.Base, entries []sync.Entry) (err error) {
	if ch.link != nil {
		if ch.data, err = encode(ch.link); err != nil {
			return err
		}
		ch.ends = ends(ch.link)
	}
	if base != nil {
		if ch.base, err = json.Marshal(base); err != nil {
			return err
		}
	}
	ch.entries, err = encodeEntries(entries)
	return err
}

// escape keeps the parts of a name apart.
var escape = strings.NewReplacer("%", "%25", ":", "%3A")

// name is the record's name in the tables: system:kind:id.
func name(r sync.Ref) string {
	return escape.Replace(string(r.System)) + ":" + escape.Replace(string(r.Kind)) + ":" + r.ID
}

// ends are the records that the link holds.
func ends(l *sync.Link) []end {
	var ends []end
	for _, ref := range []sync.Ref{l.Left, l.Right} {
		if e := (end{l.Flow, name(ref)}); !ref.Zero() && !slices.Contains(ends, e) {
			ends = append(ends, e)
		}
	}
	return ends
}
