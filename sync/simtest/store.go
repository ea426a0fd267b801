package simtest

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// storeLatency and queueLatency bound how long their calls take.
const (
	storeLatency = 4 * time.Millisecond
	queueLatency = 2 * time.Millisecond
)

// A storeClient is a process's way to the store. It gives links names that
// are the same in every run of a seed.
type storeClient struct{ *process }

var _ sync.Store = (*storeClient)(nil)

func (c *storeClient) step(ctx context.Context, name, detail string, effect func() error) error {
	name = "store." + name
	return c.do(ctx, name, detail, c.latency(name, detail, storeLatency), effect)
}

// Link implements [sync.Links].
func (c *storeClient) Link(ctx context.Context, flow string, ref sync.Ref) (out sync.Link, err error) {
	c.world.check.crosses(ctx, c.world.flowTenants[flow], "a link of the flow "+flow)
	err = c.step(ctx, "link", flow+" "+ref.String(), func() (err error) {
		out, err = c.world.store.Link(ctx, flow, ref)
		return err
	})
	return out, err
}

// Links implements [sync.Links].
func (c *storeClient) Links(ctx context.Context, flow, after string, limit int) (out []sync.Link, err error) {
	err = c.step(ctx, "links", flow+" "+after, func() (err error) {
		out, err = c.world.store.Links(ctx, flow, after, limit)
		return err
	})
	return out, err
}

// Base implements [sync.Bases].
func (c *storeClient) Base(ctx context.Context, linkID string) (out sync.Base, err error) {
	err = c.step(ctx, "base", linkID, func() (err error) {
		out, err = c.world.store.Base(ctx, linkID)
		return err
	})
	return out, err
}

// Begin implements [sync.Intents].
func (c *storeClient) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (out sync.Link, err error) {
	detail := l.Flow + " " + l.Left.String() + " " + l.Right.String()
	c.world.check.crosses(ctx, c.world.flowTenants[l.Flow], "a link of the flow "+l.Flow)
	err = c.step(ctx, "begin", detail, func() (err error) {
		raw := l.ID
		l.ID = c.world.nameLink(l.ID)
		out, err = c.world.store.Begin(ctx, now, l, i, c.world.nameEntries(raw, l.ID, es)...)
		if err == nil {
			c.world.check.begun(c.process, out)
		}
		return err
	})
	return out, err
}

// Open implements [sync.Intents].
func (c *storeClient) Open(ctx context.Context, now time.Time, limit int) (out []sync.Link, err error) {
	err = c.step(ctx, "open", "", func() (err error) {
		out, err = c.world.store.Open(ctx, now, limit)
		return err
	})
	return out, err
}

// Commit implements [sync.Store].
func (c *storeClient) Commit(ctx context.Context, now time.Time, m sync.Commit) (out sync.Link, err error) {
	detail := m.Link.Flow + " " + m.Link.Left.String() + " " + m.Link.Right.String()
	c.world.check.crosses(ctx, c.world.flowTenants[m.Link.Flow], "a link of the flow "+m.Link.Flow)
	err = c.step(ctx, "commit", detail, func() (err error) {
		raw := m.Link.ID
		m.Link.ID = c.world.nameLink(raw)
		m.Entries = c.world.nameEntries(raw, m.Link.ID, m.Entries)
		out, err = c.world.store.Commit(ctx, now, m)
		if err == nil {
			c.world.check.committed(out)
		}
		return err
	})
	return out, err
}

// Append implements [sync.Audit].
func (c *storeClient) Append(ctx context.Context, es ...sync.Entry) error {
	detail := ""
	if len(es) > 0 {
		detail = es[0].Left.String() + " " + es[0].Right.String() + " " + es[0].Key
	}
	return c.step(ctx, "append", detail, func() error { return c.world.store.Append(ctx, es...) })
}

// Entries implements [sync.Audit].
func (c *storeClient) Entries(ctx context.Context, f sync.AuditFilter) (out []sync.Entry, err error) {
	err = c.step(ctx, "entries", fmt.Sprint(f.Ref, f.After), func() (err error) {
		out, err = c.world.store.Entries(ctx, f)
		return err
	})
	return out, err
}

// Cursor implements [sync.Cursors].
func (c *storeClient) Cursor(ctx context.Context, name string) (out sync.Cursor, err error) {
	err = c.step(ctx, "cursor", name, func() (err error) {
		out, err = c.world.store.Cursor(ctx, name)
		return err
	})
	return out, err
}

// SetCursor implements [sync.Cursors].
func (c *storeClient) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	return c.step(ctx, "setcursor", name, func() error { return c.world.store.SetCursor(ctx, name, from, to) })
}

// nameLink gives a link with a random ID one that counts.
func (w *world) nameLink(id string) string {
	if name, ok := w.linkNames[id]; ok {
		return name
	}
	name := fmt.Sprintf("link-%05d", len(w.linkNames)+1)
	w.linkNames[id], w.linkNames[name] = name, name
	return name
}

// nameEntries does so in audit entries.
func (w *world) nameEntries(raw, name string, entries []sync.Entry) []sync.Entry {
	out := make([]sync.Entry, len(entries))
	for i, e := range entries {
		if e.Link == raw {
			e.Link = name
		}
		out[i] = e
	}
	return out
}
