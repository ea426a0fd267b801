package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// text is a lens on one raw field. "refused" breaks its rule.
type text string

func (l text) Names() []string { return []string{string(l)} }

func (l text) Get(f sync.Fields) (sync.Value, error) {
	v := f[string(l)]
	if v.String() == "refused" {
		return v, &sync.Error{Op: "map", Action: sync.Invalid, Field: string(l), Rule: "text.allowed", Hint: "write something else", Err: errors.New("not allowed")}
	}
	if v.Blank() {
		return sync.Value{}, nil
	}
	return sync.Text(v.String()), nil
}

func (l text) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	return sync.Fields{string(l): v}, nil
}

// A crm is a system in memory.
type crm struct {
	name    sync.System
	mu      stdsync.Mutex
	records map[string]*sync.Record
	lost    bool // answers to writes of notes are
	down    bool // reads fail
}

// lose has the answers to writes of notes lost, and the notes with them.
func (c *crm) lose(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = on
}

// count counts the records of a kind.
func (c *crm) count(kind sync.Kind) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.records {
		if r.Kind == kind {
			n++
		}
	}
	return n
}

func (c *crm) ref(id string) sync.Ref { return sync.Ref{System: c.name, Kind: "contact", ID: id} }

// set gives a record a field and time goes on.
func (c *crm) set(id, field, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records[id] == nil {
		c.records[id] = &sync.Record{Ref: c.ref(id), Fields: sync.Fields{sync.IDField: sync.Text(id)}}
	}
	c.records[id].Fields[field] = sync.Text(value)
	c.records[id].UpdatedAt = time.Now()
}

func (c *crm) get(id, field string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.records[id] == nil {
		return ""
	}
	return c.records[id].Fields[field].String()
}

func (c *crm) Read(_ context.Context, _ sync.Kind, ids []string) ([]sync.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return nil, &sync.Error{Op: "read", Action: sync.Retry, Rule: "server.down", Err: errors.New("no answer")}
	}
	out := make([]sync.Record, len(ids))
	for i, id := range ids {
		out[i] = sync.Record{Ref: c.ref(id), Deleted: true}
		if r := c.records[id]; r != nil {
			out[i] = *r
			out[i].Fields = r.Fields.Clone()
		}
	}
	return out, nil
}

func (c *crm) Changes(context.Context, sync.Cursor) (sync.ChangePage, error) {
	return sync.ChangePage{}, nil
}

func (c *crm) List(context.Context, sync.Kind, sync.Cursor) (sync.ListPage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var page sync.ListPage
	for _, id := range slices.Sorted(maps.Keys(c.records)) {
		page.Records = append(page.Records, *c.records[id])
	}
	return page, nil
}

func (c *crm) Match(_ context.Context, _ sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]sync.Match, len(probes))
	for i, probe := range probes {
		for _, key := range probe {
			for _, id := range slices.Sorted(maps.Keys(c.records)) {
				if r := c.records[id]; r.Fields[key.Name] == key.Value && len(out[i].Candidates) < 2 {
					out[i].By = key.Name
					out[i].Candidates = append(out[i].Candidates, *r)
				}
			}
			if len(out[i].Candidates) > 0 {
				break
			}
		}
	}
	return out, nil
}

func (c *crm) Apply(_ context.Context, writes []sync.Write) ([]sync.Result, error) {
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		id := w.Ref.ID
		c.mu.Lock()
		lost := c.lost && w.Ref.Kind == "note"
		if w.Delete {
			delete(c.records, id)
		}
		c.mu.Unlock()
		if lost {
			out[i].Err = &sync.Error{Op: "write", Action: sync.Retry, Rule: "answer.lost", Err: errors.New("no answer")}
		}
		if lost || w.Delete {
			continue
		}
		if id == "" {
			id = fmt.Sprintf("%s%d", c.name[:1], len(c.records)+1)
		}
		for name, v := range w.Fields {
			c.set(id, name, v.String())
		}
		c.mu.Lock()
		c.records[id].Kind = w.Ref.Kind
		c.mu.Unlock()
		out[i] = sync.Result{Record: sync.Record{Ref: c.ref(id)}, Call: "call-" + id}
	}
	return out, nil
}
