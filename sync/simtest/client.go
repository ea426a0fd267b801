package simtest

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A client is a process's adapter of a vendor.
type client struct {
	*process
	v *vendor
}

// A historicClient is one of a vendor that knows when each field was set.
type historicClient struct{ *client }

var (
	_ sync.Source    = (*client)(nil)
	_ sync.Sink      = (*client)(nil)
	_ sync.Matcher   = (*client)(nil)
	_ sync.Skewer    = (*client)(nil)
	_ sync.Degrader  = (*client)(nil)
	_ sync.Relater   = (*client)(nil)
	_ sync.Eraser    = (*client)(nil)
	_ sync.Lister    = (*client)(nil)
	_ sync.Historian = historicClient{}
)

// peer returns a process's adapter.
func (v *vendor) peer(p *process) sync.Peer {
	c := &client{p, v}
	if v.quirks.Historian {
		return sync.Peer{Source: historicClient{c}, Sink: c}
	}
	return sync.Peer{Source: c, Sink: c}
}

// call makes one call: the effect at its moment, and its answer later.
func (c *client) call(ctx context.Context, op, detail string, effect func() error) error {
	step := "vendor." + op
	c.world.check.crosses(ctx, c.world.tenants[c.v.system], "the system "+string(c.v.system))
	detail = string(c.v.system) + " " + detail
	err := c.do(ctx, step, detail, c.latency(step, detail, 80*time.Millisecond), func() error {
		if c.v.down.After(time.Now()) {
			return &sync.Error{Op: step, Action: sync.Retry, Rule: "outage", Err: errSimulated}
		}
		return effect()
	})
	if late := c.world.sched.wait(ctx, c.process, c.label(ctx, step+" answer", detail), c.latency("answer", detail, 40*time.Millisecond)); late != nil {
		return late
	}
	return err
}

// Read implements [sync.Source].
func (c *client) Read(ctx context.Context, kind sync.Kind, ids []string) (out []sync.Record, err error) {
	err = c.call(ctx, "read", string(kind)+" "+strings.Join(ids, ","), func() error {
		for _, id := range ids {
			rec := c.v.look(c.v.ref(kind, id))
			c.saw(ctx, rec.Ref)
			out = append(out, rec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Changes implements [sync.Feed]: what the feed of changes shows by now.
func (c *client) Changes(ctx context.Context, since sync.Cursor) (page sync.ChangePage, err error) {
	from, _ := strconv.Atoi(string(since))
	err = c.call(ctx, "changes", string(since), func() error {
		page.Next = since
		visible := time.Now().Add(-c.v.quirks.Lag)
		for i := from; i < len(c.v.log) && !c.v.log[i].at.After(visible); i++ {
			if len(page.Changes) == c.v.quirks.Page {
				page.More = true
				break
			}
			page.Changes = append(page.Changes, sync.Change{ID: fmt.Sprintf("sweep:%s:%d", c.v.system, i),
				Ref: c.v.log[i].ref, Reason: sync.ReasonSweep, Priority: sync.Sweep})
			page.Next = sync.Cursor(strconv.Itoa(i + 1))
		}
		return nil
	})
	return page, err
}

// List implements [sync.Lister]: the records of a kind by age.
func (c *client) List(ctx context.Context, kind sync.Kind, after sync.Cursor) (page sync.ListPage, err error) {
	err = c.call(ctx, "list", string(kind)+" "+string(after), func() error {
		page.Next = after
		for _, ref := range c.v.living(kind) {
			if after != "" && byRef(ref, c.v.ref(kind, string(after))) <= 0 {
				continue
			}
			if len(page.Records) == c.v.quirks.Page {
				page.More = true
				break
			}
			page.Records, page.Next = append(page.Records, c.v.look(ref)), sync.Cursor(ref.ID)
		}
		return nil
	})
	return page, err
}

// Match implements [sync.Matcher].
func (c *client) Match(ctx context.Context, kind sync.Kind, probes []sync.Probe) (out []sync.Match, err error) {
	detail := string(kind)
	for _, p := range probes {
		for _, k := range p {
			detail += " " + k.Value.String()
		}
	}
	err = c.call(ctx, "match", detail, func() error {
		for _, p := range probes {
			out = append(out, c.match(ctx, kind, p))
		}
		return nil
	})
	return out, err
}

func (c *client) match(ctx context.Context, kind sync.Kind, probe sync.Probe) (m sync.Match) {
	for _, key := range probe {
		m.By = key.Name
		for _, ref := range c.v.holding(kind, key.Name, key.Value) {
			c.saw(ctx, ref)
			m.Candidates = append(m.Candidates, c.v.look(ref))
		}
		if len(m.Candidates) > 0 {
			return m
		}
	}
	return m
}

// Apply implements [sync.Sink].
func (c *client) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		out[i] = c.apply(ctx, w)
	}
	return out, nil
}

func (c *client) apply(ctx context.Context, w sync.Write) (res sync.Result) {
	op := "update"
	switch {
	case c.world.records(w.Ref):
		op = "record"
	case w.Ref.ID == "":
		op = "create"
	}
	err := c.call(ctx, op, w.Ref.String()+" "+keyOf(w), func() error {
		c.world.check.writing(c, w)
		if _, hit := w.Fields[c.v.armed]; hit {
			c.world.spring(c.v, c.v.armed)
		}
		was := c.v.snapshot(w)
		res = c.v.write(w)
		if res.Err == nil {
			c.world.check.wrote(ctx, c, w, was, res)
			c.process.wrote(ctx, res.Record.Ref, res.Complete)
		}
		return res.Err
	})
	if err != nil {
		return sync.Result{Err: err}
	}
	return res
}

func keyOf(w sync.Write) string {
	if w.Key == "" {
		return ""
	}
	return w.Fields[w.Key].String()
}

// Skew implements [sync.Skewer].
func (c *client) Skew() time.Duration { return c.v.skew() }

// Degraded implements [sync.Degrader].
func (c *client) Degraded(sync.Kind) map[string]string {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return maps.Clone(c.v.noticed)
}

// Related implements [sync.Relater].
func (c *client) Related(ctx context.Context, ref sync.Ref, kind sync.Kind) (out []sync.Ref, err error) {
	err = c.call(ctx, "related", ref.String(), func() error {
		to := c.v.resolve(ref)
		for _, r := range c.v.living(kind) {
			for _, rel := range c.v.records[r].related {
				if c.v.resolve(rel) == to {
					out = append(out, r)
					break
				}
			}
		}
		return nil
	})
	return out, err
}

// Erase implements [sync.Eraser].
func (c *client) Erase(ctx context.Context, kind sync.Kind, ids []string) ([]error, error) {
	err := c.call(ctx, "erase", strings.Join(ids, ","), func() error {
		for _, id := range ids {
			c.world.tell(c.v.ref(kind, id), "%s erases it", c.name)
			c.v.erase(c.v.ref(kind, id))
		}
		return nil
	})
	return make([]error, len(ids)), err
}

// Times implements [sync.Historian].
func (c historicClient) Times(ctx context.Context, kind sync.Kind, ids, names []string) (out []map[string]time.Time, err error) {
	err = c.call(ctx, "times", strings.Join(ids, ","), func() error {
		for _, id := range ids {
			times := map[string]time.Time{}
			if r := c.v.records[c.v.resolve(c.v.ref(kind, id))]; r != nil {
				for _, n := range names {
					if t, ok := r.times[n]; ok {
						times[n] = t
					}
				}
			}
			out = append(out, times)
		}
		return nil
	})
	return out, err
}
