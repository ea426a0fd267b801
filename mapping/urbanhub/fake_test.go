package urbanhub_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A fake is a system in memory with records of every kind. It tells of every
// change as a webhook would, and no two records of a kind share a unique field.
type fake struct {
	system sync.System
	unique map[sync.Kind]string
	notify func(sync.Ref)

	mu      stdsync.Mutex
	minted  int
	records map[sync.Ref]*sync.Record
	related map[sync.Ref][]sync.Ref // by what was created, in order
	created []sync.Ref
	written map[string]int // how often a field of a record was
}

func newFake(system sync.System, unique map[sync.Kind]string) *fake {
	return &fake{system: system, unique: unique, records: map[sync.Ref]*sync.Record{}, related: map[sync.Ref][]sync.Ref{}, written: map[string]int{}}
}

// writes returns how often a field of a record was written by the engine.
func (f *fake) writes(ref sync.Ref, name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.written[ref.String()+" "+name]
}

// edit changes a record as a person or the vendor's own agent would, and makes
// it when it is not there.
func (f *fake) edit(kind sync.Kind, id string, pairs ...string) sync.Ref {
	ref := sync.Ref{System: f.system, Kind: kind, ID: id}
	f.mu.Lock()
	f.set(ref, fields(pairs...))
	f.mu.Unlock()
	f.notify(ref)
	return ref
}

// set is called with the lock held.
func (f *fake) set(ref sync.Ref, values sync.Fields) *sync.Record {
	rec := f.records[ref]
	if rec == nil {
		rec = &sync.Record{Ref: ref, Fields: sync.Fields{sync.IDField: sync.Text(ref.ID)}}
		f.records[ref] = rec
		f.created = append(f.created, ref)
	}
	for n, v := range values {
		rec.Fields[n] = v
	}
	rec.UpdatedAt = time.Now()
	return rec
}

// get returns a field of a record.
func (f *fake) get(ref sync.Ref, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if rec := f.records[ref]; rec != nil {
		return rec.Fields[name].String()
	}
	return "no such record"
}

// of returns the records of a kind, oldest first.
func (f *fake) of(kind sync.Kind) []sync.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.created), func(r sync.Ref) bool { return r.Kind != kind })
}

func (f *fake) copyOf(ref sync.Ref) sync.Record {
	rec := f.records[ref]
	if rec == nil {
		return sync.Record{Ref: ref, Deleted: true}
	}
	out := *rec
	out.Fields = rec.Fields.Clone()
	return out
}

func (f *fake) Read(_ context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sync.Record, len(ids))
	for i, id := range ids {
		out[i] = f.copyOf(sync.Ref{System: f.system, Kind: kind, ID: id})
	}
	return out, nil
}

func (f *fake) Changes(_ context.Context, since sync.Cursor) (sync.ChangePage, error) {
	return sync.ChangePage{Next: since}, nil
}

func (f *fake) Match(_ context.Context, kind sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]sync.Match, len(probes))
	for i, probe := range probes {
		for _, key := range probe {
			if found := f.find(kind, key.Name, key.Value); len(found) > 0 {
				out[i] = sync.Match{Candidates: found, By: key.Name}
				break
			}
		}
	}
	return out, nil
}

func (f *fake) find(kind sync.Kind, name string, v sync.Value) []sync.Record {
	var out []sync.Record
	for _, ref := range f.created {
		if ref.Kind == kind && f.records[ref].Fields[name] == v {
			out = append(out, f.copyOf(ref))
		}
	}
	return out
}

// Related makes the fake a [sync.Relater].
func (f *fake) Related(_ context.Context, ref sync.Ref, kind sync.Kind) ([]sync.Ref, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []sync.Ref
	for _, made := range f.created {
		if made.Kind == kind && slices.Contains(f.related[made], ref) {
			out = append(out, made)
		}
	}
	return out, nil
}

func (f *fake) Apply(_ context.Context, writes []sync.Write) ([]sync.Result, error) {
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		out[i] = f.write(w)
		f.notify(out[i].Record.Ref)
	}
	return out, nil
}

func (f *fake) write(w sync.Write) sync.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.Ref.ID == "" {
		w.Ref.ID = f.place(w)
	}
	_, known := f.records[w.Ref]
	f.set(w.Ref, w.Fields)
	for n := range w.Fields {
		f.written[w.Ref.String()+" "+n]++
	}
	if !known {
		f.related[w.Ref] = slices.Clone(w.Related)
	}
	return sync.Result{Record: f.copyOf(w.Ref), Complete: true, Created: !known, Call: fmt.Sprint("call-", len(f.created))}
}

// place is the id of the record that has the write's key, or a new one.
func (f *fake) place(w sync.Write) string {
	if w.Key != "" {
		if found := f.find(w.Ref.Kind, w.Key, w.Fields[w.Key]); len(found) > 0 {
			return found[0].ID
		}
	}
	f.minted++
	return strconv.Itoa(500 + f.minted)
}
