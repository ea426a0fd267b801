package trace_test

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"

	"github.com/urbanhub/crmsync/sync"
)

// text is a lens on one raw field.
type text string

func (l text) Names() []string                       { return []string{string(l)} }
func (l text) Get(f sync.Fields) (sync.Value, error) { return f[string(l)], nil }
func (l text) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	return sync.Fields{string(l): v}, nil
}

// A crm is a system in memory.
type crm struct {
	name    sync.System
	mu      stdsync.Mutex
	records map[string]sync.Fields
	refuses string // a value
}

func (c *crm) Read(_ context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]sync.Record, len(ids))
	for i, id := range ids {
		ref := sync.Ref{System: c.name, Kind: kind, ID: id}
		out[i] = sync.Record{Ref: ref, Fields: c.records[id].Clone(), Deleted: c.records[id] == nil}
	}
	return out, nil
}

func (c *crm) Changes(context.Context, sync.Cursor) (sync.ChangePage, error) {
	return sync.ChangePage{}, nil
}

func (c *crm) Apply(_ context.Context, writes []sync.Write) ([]sync.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		for _, v := range w.Fields {
			if c.refuses != "" && v.String() == c.refuses {
				out[i].Err = &sync.Error{Op: "apply", Action: sync.Invalid, Ref: w.Ref, Field: "name", Rule: "name.allowed",
					Err: errors.New("the name " + c.refuses + " is refused")}
			}
		}
		if out[i].Err != nil {
			continue
		}
		if w.Ref.ID == "" {
			w.Ref.ID = fmt.Sprintf("%s-%d", c.name, len(c.records)+1)
			out[i].Created = true
		}
		if c.records[w.Ref.ID] == nil {
			c.records[w.Ref.ID] = sync.Fields{sync.IDField: sync.Text(w.Ref.ID)}
		}
		for n, v := range w.Fields {
			c.records[w.Ref.ID][n] = v
		}
		out[i].Record = sync.Record{Ref: w.Ref, Fields: c.records[w.Ref.ID].Clone()}
		out[i].Complete = true
	}
	return out, nil
}
