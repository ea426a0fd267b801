package simtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A vendor is a system in memory with the habits of real ones. It runs one
// call at a time; see [Quirks].
type vendor struct {
	system  sync.System
	prefix  string
	quirks  Quirks
	records map[sync.Ref]*record
	aliases map[sync.Ref]sync.Ref // where a merged record is now
	log     []logged
	minted  int
	shift   time.Duration     // of its clock, see Config.Shift
	down    time.Time         // until when every call fails
	lost    map[string]string // the fields that it cannot hold now, with the rule
	armed   string            // the field that it will lose soon
	noticed map[string]string // the same as adapters know it: recovery a while later
	quiet   bool              // it tells nobody what happens now
	changed func(ref sync.Ref, byEngine bool, fields sync.Fields)
}

// Quirks are a system's habits. The seed draws them.
type Quirks struct {
	Historian bool          // knows when each field was set
	Terse     bool          // answers a write with the id only
	Claims    bool          // its webhooks claim the values that were set
	NewID     bool          // a merge gives the survivor a new id
	Unique    []string      // raw fields of which no two records share a value
	Offset    time.Duration // of its clock
	Tick      time.Duration // the resolution of its times
	Lag       time.Duration // of its feed of changes
	Page      int           // of that feed
	Format    map[string]func(string) string
}

// A record is what a vendor stores.
type record struct {
	kind    sync.Kind
	id      string
	fields  sync.Fields
	times   map[string]time.Time
	edited  map[string]time.Time // when a person set it last, by the true clock
	written map[string]time.Time // and when the engine did
	updated time.Time
	deleted bool
	erased  bool // for good
	related []sync.Ref
}

// A logged change is one line of the feed.
type logged struct {
	ref sync.Ref
	at  time.Time // true time
}

func newVendor(system sync.System, prefix string, q Quirks) *vendor {
	return &vendor{system: system, prefix: prefix, quirks: q, records: map[sync.Ref]*record{},
		aliases: map[sync.Ref]sync.Ref{}, lost: map[string]string{}, noticed: map[string]string{}}
}

func (v *vendor) ref(kind sync.Kind, id string) sync.Ref {
	return sync.Ref{System: v.system, Kind: kind, ID: id}
}

// clock is the vendor's own time.
func (v *vendor) clock() time.Time {
	return time.Now().Add(v.quirks.Offset + v.shift).Truncate(v.quirks.Tick)
}

// skew bounds how far the systems' clocks are from one that they could share.
func (v *vendor) skew() time.Duration { return v.quirks.Offset.Abs() + v.quirks.Tick }

func (v *vendor) mint(kind sync.Kind) sync.Ref {
	v.minted++
	return v.ref(kind, fmt.Sprint(v.prefix, v.minted))
}

// resolve follows merges.
func (v *vendor) resolve(ref sync.Ref) sync.Ref {
	for {
		to, ok := v.aliases[ref]
		if !ok {
			return ref
		}
		ref = to
	}
}

// living returns the records of a kind that exist, in order.
func (v *vendor) living(kind sync.Kind) []sync.Ref {
	var out []sync.Ref
	for ref, r := range v.records {
		if r.kind == kind && !r.deleted {
			out = append(out, ref)
		}
	}
	slices.SortFunc(out, byRef)
	return out
}

// byRef orders records by age.
func byRef(a, b sync.Ref) int {
	if len(a.ID) != len(b.ID) {
		return len(a.ID) - len(b.ID)
	}
	return strings.Compare(a.String(), b.String())
}

// put sets fields, as they are stored.
func (v *vendor) put(ref sync.Ref, fields sync.Fields, byEngine bool) {
	r := v.records[ref]
	if r == nil {
		r = &record{kind: ref.Kind, id: ref.ID, fields: sync.Fields{sync.IDField: sync.Text(ref.ID)},
			times: map[string]time.Time{}, edited: map[string]time.Time{}, written: map[string]time.Time{}}
		v.records[ref] = r
	}
	r.updated = v.clock()
	for name, value := range fields {
		if name != sync.IDField {
			r.fields[name], r.times[name] = v.stored(name, value), r.updated
			if byEngine {
				r.written[name] = time.Now()
			} else {
				r.edited[name] = time.Now()
			}
		}
	}
	if v.quiet {
		return
	}
	v.log = append(v.log, logged{ref, time.Now()})
	v.changed(ref, byEngine, fields)
}

// stored is the form in which the vendor keeps a value.
func (v *vendor) stored(name string, value sync.Value) sync.Value {
	if format := v.quirks.Format[name]; format != nil && !value.Blank() {
		return sync.Text(format(value.String()))
	}
	return value
}

// look returns a record as the API tells it.
func (v *vendor) look(ref sync.Ref) sync.Record {
	ref = v.resolve(ref)
	r := v.records[ref]
	if r == nil || r.deleted {
		return sync.Record{Ref: ref, Deleted: true}
	}
	out := sync.Record{Ref: ref, Fields: r.fields.Clone(), UpdatedAt: r.updated}
	for name := range v.lost {
		delete(out.Fields, name)
	}
	for was := range v.aliases {
		if v.resolve(was) == ref {
			out.Aliases = append(out.Aliases, was.ID)
		}
	}
	slices.Sort(out.Aliases)
	return out
}

// holding returns the records that hold a key's value, however it is spelled:
// vendors find numbers with spaces, too.
func (v *vendor) holding(kind sync.Kind, name string, value sync.Value) []sync.Ref {
	var out []sync.Ref
	sought := strings.ReplaceAll(value.String(), " ", "")
	for _, ref := range v.living(kind) {
		has := strings.ReplaceAll(v.records[ref].fields[name].String(), " ", "")
		if !value.Blank() && strings.EqualFold(has, sought) {
			out = append(out, ref)
		}
	}
	return out
}

// write carries out one write of the engine.
func (v *vendor) write(w sync.Write) sync.Result {
	ref := v.resolve(w.Ref)
	switch {
	case w.Ref.ID == "":
		ref = v.keyed(w)
	case v.records[ref] == nil || v.records[ref].deleted:
		return sync.Result{Err: &sync.Error{Op: "write", Action: sync.NotFound, Ref: w.Ref, Rule: "record.exists", Err: errSimulated}}
	}
	for _, rel := range w.Related {
		if r := v.records[v.resolve(rel)]; r == nil || r.deleted {
			return sync.Result{Err: &sync.Error{Op: "write", Action: sync.NotFound, Ref: rel, Rule: "related.exists", Err: errSimulated}}
		}
	}
	if err := v.taken(ref, w); err != nil {
		return sync.Result{Err: err}
	}
	created := ref.ID == ""
	if created {
		ref = v.mint(w.Ref.Kind)
	}
	fields, dropped := w.Fields.Clone(), map[string]string{}
	for name := range fields {
		if rule, lost := v.lost[name]; lost {
			delete(fields, name)
			dropped[name] = rule
		}
	}
	v.put(ref, fields, true)
	for _, rel := range w.Related {
		v.records[ref].related = append(v.records[ref].related, v.resolve(rel))
	}
	out := sync.Result{Record: sync.Record{Ref: ref}, Created: created, Dropped: dropped, Call: fmt.Sprint("call-", len(v.log))}
	if !v.quirks.Terse {
		out.Record, out.Complete = v.look(ref), true
	}
	return out
}

// snapshot returns a copy of the record that a write means, nil if it is new.
func (v *vendor) snapshot(w sync.Write) *record {
	ref := v.resolve(w.Ref)
	if ref.ID == "" {
		ref = v.keyed(w)
	}
	r := v.records[ref]
	if r == nil {
		return nil
	}
	return &record{fields: r.fields.Clone(), edited: maps.Clone(r.edited), written: maps.Clone(r.written)}
}

// keyed finds the record that a create with a key means.
func (v *vendor) keyed(w sync.Write) sync.Ref {
	if w.Key != "" {
		if held := v.holding(w.Ref.Kind, w.Key, w.Fields[w.Key]); len(held) > 0 {
			return held[0]
		}
	}
	return sync.Ref{System: v.system, Kind: w.Ref.Kind}
}

// taken is an error when another record holds a unique value.
func (v *vendor) taken(ref sync.Ref, w sync.Write) error {
	for _, name := range v.quirks.Unique {
		value, set := w.Fields[name]
		if !set || v.lost[name] != "" {
			continue
		}
		for _, holder := range v.holding(w.Ref.Kind, name, value) {
			if holder != ref {
				return &sync.Error{Op: "write", Action: sync.Conflict, Ref: w.Ref, Field: name, Rule: "unique", Existing: holder,
					Err: errors.New("the value is taken")}
			}
		}
	}
	return nil
}

// merge folds the second record into the first as a person would, and returns
// the survivor.
func (v *vendor) merge(first, second sync.Ref) sync.Ref {
	r, to := v.records[first], first
	if v.quirks.NewID {
		to = v.mint(first.Kind)
		v.aliases[first] = to
		delete(v.records, first)
		r.id, r.fields[sync.IDField] = to.ID, sync.Text(to.ID)
		v.records[to] = r
	}
	for _, r := range v.records { // activities move along
		for i := range r.related {
			if r.related[i] == first || r.related[i] == second {
				r.related[i] = to
			}
		}
	}
	v.aliases[second] = to
	delete(v.records, second)
	v.put(to, nil, false)
	for _, was := range []sync.Ref{first, second} {
		if was != to {
			v.log = append(v.log, logged{was, time.Now()})
			v.changed(was, false, nil)
		}
	}
	return to
}

// remove deletes a record, or with false restores it.
func (v *vendor) remove(ref sync.Ref, deleted bool) {
	v.records[ref].deleted = deleted
	v.put(ref, nil, false)
}

// erase removes a record for good.
func (v *vendor) erase(ref sync.Ref) {
	ref = v.resolve(ref)
	r := v.records[ref]
	if r == nil || r.erased {
		return
	}
	r.fields, r.deleted, r.erased = sync.Fields{sync.IDField: sync.Text(ref.ID)}, true, true
	v.put(ref, nil, true)
}

// all returns the refs of all records, those deleted included, in order.
func (v *vendor) all() []sync.Ref {
	return slices.SortedFunc(maps.Keys(v.records), byRef)
}
