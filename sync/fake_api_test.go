package sync_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// call counts a call and plays its faults.
func (f *fake) call(ctx context.Context, op string, ref sync.Ref) error {
	f.mu.Lock()
	f.calls[op]++
	delay := f.delay
	if f.jitter > 0 {
		delay += rand.N(f.jitter)
	}
	f.mu.Unlock()
	if delay > 0 { // a timer of no time crashes Go 1.26's race detector in a bubble
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return f.play(func() fault { return f.before }, op, ref)
}

// play plays a fault, if there is one.
func (f *fake) play(which func() fault, op string, ref sync.Ref) error {
	f.faults.Lock()
	defer f.faults.Unlock()
	if fail := which(); fail != nil {
		return fail(op, ref)
	}
	return nil
}

func (f *fake) record(id string) sync.Record {
	id = f.resolve(id)
	r := f.records[id]
	if r == nil || r.deleted {
		return sync.Record{Ref: f.ref(id), Deleted: true}
	}
	rec := sync.Record{Ref: f.ref(id), Fields: r.fields.Clone(), UpdatedAt: r.updated}
	for _, was := range slices.Sorted(maps.Keys(f.aliases)) {
		if f.resolve(was) == id {
			rec.Aliases = append(rec.Aliases, was)
		}
	}
	return rec
}

func (f *fake) Read(ctx context.Context, _ sync.Kind, ids []string) ([]sync.Record, error) {
	if err := f.call(ctx, "read", f.ref(strings.Join(ids, ","))); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sync.Record, len(ids))
	for i, id := range ids {
		out[i] = f.record(id)
	}
	return out, nil
}

func (f *fake) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	f.mu.Lock()
	feed := f.feed
	f.mu.Unlock()
	if !feed {
		return sync.ChangePage{Next: since}, nil
	}
	if err := f.call(ctx, "changes", sync.Ref{}); err != nil {
		return sync.ChangePage{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	from, _ := strconv.Atoi(string(since))
	page := sync.ChangePage{Next: sync.Cursor(strconv.Itoa(len(f.log)))}
	for i, id := range f.log[from:] {
		page.Changes = append(page.Changes, sync.Change{ID: fmt.Sprintf("sweep:%s:%d", f.system, from+i),
			Ref: f.ref(id), Reason: sync.ReasonSweep, Priority: sync.Sweep})
	}
	return page, nil
}

func (f *fake) Match(ctx context.Context, _ sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	if err := f.call(ctx, "match", sync.Ref{}); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sync.Match, len(probes))
	for i, probe := range probes {
		for _, key := range probe {
			if out[i].By = key.Name; len(out[i].Candidates) == 0 {
				out[i].Candidates = f.holding(key)
			}
			if len(out[i].Candidates) > 0 {
				break
			}
		}
	}
	return out, nil
}

// holderKey ignores case, as the identity of most systems does.
func holderKey(name string, v sync.Value) string { return name + "\x00" + strings.ToLower(v.String()) }

// holding returns the records that hold a key's value.
func (f *fake) holding(key sync.Key) []sync.Record {
	var out []sync.Record
	for _, id := range slices.Compact(slices.Sorted(slices.Values(f.holders[holderKey(key.Name, key.Value)]))) {
		if r := f.records[id]; r != nil && !r.deleted && strings.EqualFold(r.fields[key.Name].String(), key.Value.String()) {
			out = append(out, f.record(id))
		}
	}
	return out
}

func (f *fake) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		out[i] = f.apply(ctx, w)
	}
	return out, nil
}

func (f *fake) apply(ctx context.Context, w sync.Write) sync.Result {
	op := "update"
	if w.Ref.ID == "" {
		op = "create"
	}
	if err := f.call(ctx, op, w.Ref); err != nil {
		return sync.Result{Err: err}
	}
	res := f.write(w)
	if res.Err == nil {
		f.notify(res.Record.Ref)
		res.Err = f.play(func() fault { return f.after }, op, res.Record.Ref)
	}
	return res
}

func (f *fake) write(w sync.Write) sync.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := f.resolve(w.Ref.ID)
	if id == "" {
		if held := f.holding(sync.Key{Name: w.Key, Value: w.Fields[w.Key]}); len(held) > 0 {
			id = held[0].ID
		}
	} else if r := f.records[id]; r == nil || r.deleted {
		return sync.Result{Err: &sync.Error{Op: "fake: write", Action: sync.NotFound, Ref: w.Ref}}
	}
	for _, name := range f.unique {
		held := f.holding(sync.Key{Name: name, Value: w.Fields[name]})
		if !w.Fields[name].Blank() && len(held) > 0 && held[0].ID != id {
			return sync.Result{Err: &sync.Error{Op: "fake: write", Action: sync.Conflict, Field: name, Rule: "unique",
				Existing: held[0].Ref, Err: errors.New("the value is taken")}}
		}
	}
	created := id == ""
	if created {
		id = f.mint()
	}
	was := sync.Fields{}
	if r := f.records[id]; r != nil {
		was = r.fields.Clone()
	}
	f.author = "engine"
	f.set(id, w.Fields)
	f.author = ""
	for _, name := range slices.Sorted(maps.Keys(w.Fields)) {
		f.writes = append(f.writes, sent{f.ref(id), name, w.Fields[name], was[name]})
	}
	if f.terse {
		return sync.Result{Record: sync.Record{Ref: f.ref(id)}, Created: created, Call: "call-" + id}
	}
	return sync.Result{Record: f.record(id), Complete: true, Created: created, Call: "call-" + id}
}

// A historic fake also knows the true time of every field.
type historic struct{ *fake }

func (h historic) Times(_ context.Context, _ sync.Kind, ids, names []string) ([]map[string]time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls["times"]++
	out := make([]map[string]time.Time, len(ids))
	for i, id := range ids {
		out[i] = map[string]time.Time{}
		for _, n := range names {
			if t, ok := h.records[id].times[n]; ok {
				out[i][n] = t
			}
		}
	}
	return out, nil
}

// A chronicled fake knows the earlier values of every field.
type chronicled struct {
	*fake
	nameless bool // does not tell who set them
}

func (c chronicled) History(_ context.Context, _ sync.Kind, ids, names []string) ([]map[string][]sync.Revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls["history"]++
	out := make([]map[string][]sync.Revision, len(ids))
	for i, id := range ids {
		out[i] = map[string][]sync.Revision{}
		for _, n := range names {
			if past := c.records[id].past[n]; past != nil {
				out[i][n] = slices.Clone(past)
				for k := range past {
					if c.nameless {
						out[i][n][k].By = ""
					}
				}
			}
		}
	}
	return out, nil
}

// A skewed fake admits that its clock may be off.
type skewed struct{ *fake }

func (skewed) Skew() time.Duration { return 3 * time.Second }

// A frozen fake offers a snapshot of a record as it was when it was taken.
type frozen struct {
	historic
	snapshot sync.Record
}

func (f *frozen) Snapshot(ref sync.Ref, _ time.Time) (sync.Record, bool) {
	return f.snapshot, f.snapshot.Ref == ref
}
