package simtest

import (
	"context"
	"errors"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A planted store misbehaves where a function is set.
type plantedStore struct {
	sync.Store
	link   func(sync.Link, error) (sync.Link, error)
	base   func(string, sync.Base) sync.Base
	begin  func(*sync.Link)
	commit func(*sync.Commit)
}

func (s plantedStore) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	l, err := s.Store.Link(ctx, flow, ref)
	if s.link != nil {
		return s.link(l, err)
	}
	return l, err
}

func (s plantedStore) Base(ctx context.Context, id string) (sync.Base, error) {
	b, err := s.Store.Base(ctx, id)
	if s.base != nil && err == nil {
		b = s.base(id, b)
	}
	return b, err
}

func (s plantedStore) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	if s.begin != nil {
		s.begin(&l)
	}
	return s.Store.Begin(ctx, now, l, i, es...)
}

func (s plantedStore) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if s.commit != nil {
		s.commit(&c)
	}
	return s.Store.Commit(ctx, now, c)
}

func staleBase() func(*sync.Config) {
	var mu stdsync.Mutex
	last, before := map[string]sync.Base{}, map[string]sync.Base{}
	return func(c *sync.Config) {
		c.Store = plantedStore{Store: c.Store,
			base: func(id string, b sync.Base) sync.Base {
				mu.Lock()
				defer mu.Unlock()
				if old, ok := before[id]; ok {
					return old
				}
				return b
			},
			commit: func(m *sync.Commit) {
				mu.Lock()
				defer mu.Unlock()
				if m.Base != nil {
					if was, ok := last[m.Link.ID]; ok {
						before[m.Link.ID] = was
					}
					last[m.Link.ID] = *m.Base
				}
			}}
	}
}

// A forgetful store does not keep the intents it is given.
type forgetfulStore struct{ sync.Store }

func (s forgetfulStore) Begin(_ context.Context, _ time.Time, l sync.Link, i sync.Intent, _ ...sync.Entry) (sync.Link, error) {
	l.Intent = &i
	return l, nil
}

func noIntent() func(*sync.Config) {
	return func(c *sync.Config) { c.Store = forgetfulStore{c.Store} }
}

// A dear queue counts every failure.
type dearQueue struct{ sync.Queue }

func (q dearQueue) Retry(ctx context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	cause.Free = false
	return q.Queue.Retry(ctx, now, lane, at, cause)
}

func dearWait() func(*sync.Config) {
	return func(c *sync.Config) { c.Queue = dearQueue{c.Queue} }
}

func silentLoss() func(*sync.Config) {
	return func(c *sync.Config) {
		c.Store = quietStore{c.Store}
	}
}

// A quiet store keeps no conflicts in its audit.
type quietStore struct{ sync.Store }

func (s quietStore) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	return s.Store.Begin(ctx, now, l, i, slices.DeleteFunc(slices.Clone(es), func(e sync.Entry) bool { return e.Decision != nil && e.Decision.Conflict })...)
}

func noTombstone() func(*sync.Config) {
	return func(c *sync.Config) {
		c.Store = plantedStore{Store: c.Store, link: func(l sync.Link, err error) (sync.Link, error) {
			if err == nil && l.State == sync.Detached && !l.Left.Zero() && !l.Right.Zero() {
				return sync.Link{}, sync.ErrNotFound
			}
			return l, err
		}}
	}
}

func halfErased() func(*sync.Config) {
	return func(c *sync.Config) {
		c.Store = plantedStore{Store: c.Store, commit: func(m *sync.Commit) { m.Forget = false }}
	}
}

// An unfenced store takes every write for the newest.
type unfencedStore struct{ sync.Store }

func (s unfencedStore) newest(ctx context.Context, l sync.Link) sync.Link {
	for _, ref := range []sync.Ref{l.Left, l.Right} {
		now, err := s.Link(ctx, l.Flow, ref)
		if err == nil && now.ID == l.ID {
			l.Generation, l.Intent = now.Generation, now.Intent
		}
	}
	return l
}

func (s unfencedStore) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	out, err := s.Store.Begin(ctx, now, l, i, es...)
	if errors.Is(err, sync.ErrStale) {
		fresh := s.newest(ctx, l)
		if free, err := s.Store.Commit(ctx, now, sync.Commit{Link: fresh}); err == nil {
			fresh = free
		}
		return s.Store.Begin(ctx, now, fresh, i, es...)
	}
	return out, err
}

func (s unfencedStore) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	out, err := s.Store.Commit(ctx, now, c)
	if errors.Is(err, sync.ErrStale) {
		c.Link = s.newest(ctx, c.Link)
		return s.Store.Commit(ctx, now, c)
	}
	return out, err
}

func noFence() func(*sync.Config) {
	return func(c *sync.Config) { c.Store = unfencedStore{c.Store} }
}
