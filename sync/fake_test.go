package sync_test

import (
	"maps"
	"slices"
	"strconv"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A fake is a system in memory. Its clock is the bubble's; it keeps the true
// time of every field, logs every call and every field it was sent, and tells
// the world about each change like a system that sends webhooks.
type fake struct {
	system sync.System
	kind   sync.Kind
	prefix string                         // of the ids it mints
	unique []string                       // fields of which no two records share a value
	format map[string]func(string) string // how it reformats what it is given
	before fault                          // before the effect
	after  fault                          // after the effect
	notify func(sync.Ref)
	delay  time.Duration // of every call
	jitter time.Duration // at most this much more
	terse  bool          // answers writes with the id only
	feed   bool          // reports changes to sweeps
	author string        // of what is set

	faults  stdsync.Mutex // one fault at a time
	mu      stdsync.Mutex
	minted  int
	records map[string]*stored
	holders map[string][]string // ids that ever had a value in a field
	aliases map[string]string
	log     []string // ids in the order they changed
	writes  []sent
	calls   map[string]int
}

// A fault makes a call fail.
type fault func(op string, ref sync.Ref) error

type stored struct {
	fields  sync.Fields
	times   map[string]time.Time
	past    map[string][]sync.Revision
	updated time.Time
	deleted bool
}

// sent is one field of one write that took effect.
type sent struct {
	ref        sync.Ref
	field      string
	value, was sync.Value
}

const contact sync.Kind = "contact"

func newFake(system sync.System, prefix string, unique ...string) *fake {
	return &fake{system: system, kind: contact, prefix: prefix, unique: unique, records: map[string]*stored{}, holders: map[string][]string{},
		aliases: map[string]string{}, calls: map[string]int{}, notify: func(sync.Ref) {}}
}

func (f *fake) ref(id string) sync.Ref { return sync.Ref{System: f.system, Kind: f.kind, ID: id} }

// tune changes how the system behaves while an engine runs.
func (f *fake) tune(change func()) {
	f.faults.Lock()
	defer f.faults.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// create adds a record as a person would and returns its ref.
func (f *fake) create(pairs ...string) sync.Ref {
	f.mu.Lock()
	id := f.mint()
	f.set(id, texts(pairs...))
	f.mu.Unlock()
	f.notify(f.ref(id))
	return f.ref(id)
}

// edit changes a record as a person would.
func (f *fake) edit(ref sync.Ref, pairs ...string) {
	f.mu.Lock()
	f.set(ref.ID, texts(pairs...))
	f.mu.Unlock()
	f.notify(ref)
}

// corrupt changes a record and tells nobody.
func (f *fake) corrupt(ref sync.Ref, pairs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set(ref.ID, texts(pairs...))
	f.log = f.log[:len(f.log)-1]
}

// remove deletes a record, or with false restores it.
func (f *fake) remove(ref sync.Ref, deleted bool) {
	f.mu.Lock()
	f.records[ref.ID].deleted = deleted
	f.set(ref.ID, nil)
	f.mu.Unlock()
	f.notify(ref)
}

// merge folds two records into a new one that has the values of the first;
// their ids lead to it from now on.
func (f *fake) merge(first, second sync.Ref) sync.Ref {
	f.mu.Lock()
	fields := f.records[first.ID].fields.Clone()
	delete(f.records, first.ID)
	delete(f.records, second.ID)
	id := f.mint()
	f.aliases[first.ID], f.aliases[second.ID] = id, id
	delete(fields, sync.IDField)
	f.set(id, fields)
	f.mu.Unlock()
	f.notify(first)
	f.notify(second)
	f.notify(f.ref(id))
	return f.ref(id)
}

// get returns a field's present text.
func (f *fake) get(ref sync.Ref, field string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.records[f.resolve(ref.ID)]; r != nil {
		return r.fields[field].String()
	}
	return "no such record"
}

// living returns the refs of the records that exist, in order.
func (f *fake) living() []sync.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	var refs []sync.Ref
	for _, id := range slices.Sorted(maps.Keys(f.records)) {
		if !f.records[id].deleted {
			refs = append(refs, f.ref(id))
		}
	}
	return refs
}

// takeWrites returns the writes so far and forgets them.
func (f *fake) takeWrites() []sent {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.writes
	f.writes = nil
	return out
}

func (f *fake) mint() string {
	f.minted++
	return f.prefix + strconv.Itoa(f.minted)
}

func (f *fake) resolve(id string) string {
	for f.aliases[id] != "" {
		id = f.aliases[id]
	}
	return id
}

func (f *fake) set(id string, fields sync.Fields) {
	r := f.records[id]
	if r == nil {
		r = &stored{fields: sync.Fields{sync.IDField: sync.Text(id)}, times: map[string]time.Time{}, past: map[string][]sync.Revision{}}
		f.records[id], f.holders[holderKey(sync.IDField, sync.Text(id))] = r, []string{id}
	}
	r.updated = time.Now()
	for name, v := range fields {
		if format := f.format[name]; format != nil {
			v = sync.Text(format(v.String()))
		}
		r.fields[name], r.times[name] = v, r.updated
		r.past[name] = append(r.past[name], sync.Revision{Value: v, At: r.updated, By: f.author})
		f.holders[holderKey(name, v)] = append(f.holders[holderKey(name, v)], id)
	}
	f.log = append(f.log, id)
}

// texts turns name, value, name, value … into fields.
func texts(pairs ...string) sync.Fields {
	fields := sync.Fields{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = sync.Text(pairs[i+1])
	}
	return fields
}
