package memstore

import (
	"context"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A Store keeps everything in memory. It is safe for concurrent use.
type Store struct {
	mu      stdsync.RWMutex
	links   map[string]*sync.Link // by ID
	order   []string              // the IDs, in order unless more were added
	sorted  int                   // how many of them were when they were last sorted
	ends    map[end]string        // link ID by flow and record
	bases   map[string]sync.Base  // by link ID
	entries []sync.Entry
	keys    map[string]bool // of idempotent entries
	cursors map[string]sync.Cursor
}

// An end is a record within a flow.
type end struct {
	flow string
	ref  sync.Ref
}

var _ sync.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store {
	return &Store{
		links:   map[string]*sync.Link{},
		ends:    map[end]string{},
		bases:   map[string]sync.Base{},
		keys:    map[string]bool{},
		cursors: map[string]sync.Cursor{},
	}
}

// Link implements [sync.Links].
func (s *Store) Link(_ context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	id, ok := s.ends[end{flow, ref}]
	if !ok {
		return sync.Link{}, sync.ErrNotFound
	}
	return *s.links[id], nil
}

// Links implements [sync.Links].
func (s *Store) Links(_ context.Context, flow, after string, limit int) ([]sync.Link, error) {
	return s.list(after, limit, func(l *sync.Link) bool { return l.Flow == flow }), nil
}

// Open implements [sync.Intents].
func (s *Store) Open(_ context.Context, now time.Time, limit int) ([]sync.Link, error) {
	return s.list("", limit, func(l *sync.Link) bool { return l.Intent != nil && !l.Intent.Expires.After(now) }), nil
}

// list returns the chosen links after an ID, in the order of their IDs.
func (s *Store) list(after string, limit int, choose func(*sync.Link) bool) []sync.Link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted < len(s.order) {
		slices.Sort(s.order)
		s.sorted = len(s.order)
	}
	at, found := slices.BinarySearch(s.order, after)
	if found {
		at++
	}
	var out []sync.Link
	for _, id := range s.order[at:] {
		if len(out) >= limit {
			break
		}
		if l := s.links[id]; choose(l) {
			out = append(out, *l)
		}
	}
	return out
}

// Base implements [sync.Bases].
func (s *Store) Base(_ context.Context, linkID string) (sync.Base, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bases[linkID], nil
}

// Begin implements [sync.Intents].
func (s *Store) Begin(_ context.Context, now time.Time, link sync.Link, intent sync.Intent, entries ...sync.Entry) (sync.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy(now, link.ID, nil) {
		return sync.Link{}, sync.ErrStale
	}
	link.Intent = &intent
	link, err := s.put(link)
	if err != nil {
		return sync.Link{}, err
	}
	s.append(entries)
	return link, nil
}

// Commit implements [sync.Store].
func (s *Store) Commit(_ context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy(now, c.Link.ID, c.Link.Intent) {
		return sync.Link{}, sync.ErrStale
	}
	c.Link.Intent = nil
	link, err := s.put(c.Link)
	if err != nil {
		return sync.Link{}, err
	}
	if c.Base != nil {
		s.bases[link.ID] = *c.Base
	}
	if c.Forget {
		delete(s.bases, link.ID)
	}
	s.append(c.Entries)
	return link, nil
}

// busy reports whether a link has an open intent other than the caller's own.
func (s *Store) busy(now time.Time, id string, own *sync.Intent) bool {
	was := s.links[id]
	return was != nil && was.Intent != nil && was.Intent.Expires.After(now) &&
		(own == nil || own.ID != was.Intent.ID)
}

// put replaces a link if its generation is the stored one and its ends are
// free.
func (s *Store) put(link sync.Link) (sync.Link, error) {
	was := s.links[link.ID]
	if was == nil && link.Generation != 0 || was != nil && was.Generation != link.Generation {
		return sync.Link{}, sync.ErrStale
	}
	ends := []sync.Ref{link.Left, link.Right}
	for _, ref := range ends {
		if holder, held := s.ends[end{link.Flow, ref}]; held && holder != link.ID && !ref.Zero() {
			return sync.Link{}, sync.ErrStale
		}
	}
	if was != nil {
		delete(s.ends, end{was.Flow, was.Left})
		delete(s.ends, end{was.Flow, was.Right})
	}
	for _, ref := range ends {
		if !ref.Zero() {
			s.ends[end{link.Flow, ref}] = link.ID
		}
	}
	link.Generation++
	if was == nil {
		s.order = append(s.order, link.ID)
	}
	s.links[link.ID] = &link
	return link, nil
}

// Append implements [sync.Audit].
func (s *Store) Append(_ context.Context, entries ...sync.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.append(entries)
	return nil
}

// append numbers and keeps the entries whose keys are new.
func (s *Store) append(entries []sync.Entry) {
	for _, e := range entries {
		if e.Key != "" {
			if s.keys[e.Key] {
				continue
			}
			s.keys[e.Key] = true
		}
		e.Seq = int64(len(s.entries)) + 1
		s.entries = append(s.entries, e)
	}
}

// Entries implements [sync.Audit].
func (s *Store) Entries(_ context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	limit := filter.Limit
	if limit == 0 {
		limit = 100
	}
	var out []sync.Entry
	for i := max(filter.After, 0); i < int64(len(s.entries)) && len(out) < limit; i++ {
		if filter.Matches(&s.entries[i]) {
			out = append(out, s.entries[i])
		}
	}
	return out, nil
}

// Cursor implements [sync.Cursors].
func (s *Store) Cursor(_ context.Context, name string) (sync.Cursor, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cursors[name], nil
}

// SetCursor implements [sync.Cursors].
func (s *Store) SetCursor(_ context.Context, name string, from, to sync.Cursor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cursors[name] != from {
		return sync.ErrStale
	}
	s.cursors[name] = to
	return nil
}
