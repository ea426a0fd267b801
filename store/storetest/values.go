package storetest

import (
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var values = []scenario{
	{"values: bases come back", func(r *rig) {
		base := sync.Base{Unsettled: true, Fired: map[string]int{"won": 2}, Unfinished: [2]sync.Fields{nil, {"mail": sync.Text("ana@example.com")}},
			Left:  sync.Shadow{Fields: everyValue(), UpdatedAt: noon},
			Right: sync.Shadow{Fields: sync.Fields{}, UpdatedAt: noon.In(time.FixedZone("-05", -5*3600))},
		}
		r.commit(sync.Commit{Link: pair("a", "ana"), Base: &base})
		r.same("the base", r.base("a"), base)
	}},
	{"values: links and intents come back", func(r *rig) {
		in := intent("write")
		in.Writes = [2]sync.Fields{everyValue(), nil}
		l := pair("a", "ana")
		l.Evidence = "ñ \"mail\" o'clock"
		l.Key, l.Head = []byte("a key\x00\xff"), []byte("\x80 a hash")
		l = r.begin(noon, l, in)
		r.same("the intent", l.Intent, &in)
		r.holds(left("ana"), l)
		open, err := r.store.Open(r.Context(), in.Expires, 1)
		r.ok("Open", err)
		r.same("the open links", open, []sync.Link{l})
	}},
	{"values: entries come back", entriesComeBack},
	{"values: times keep a microsecond", func(r *rig) {
		e := entry("precise")
		e.At = time.Date(2026, 3, 4, 23, 59, 59, 999999999, time.UTC)
		r.ok("Append", r.store.Append(r.Context(), e))
		r.same("the time", r.entries(sync.AuditFilter{})[0].At, e.At)
	}},
}

// oddText holds what breaks quoting, encodings and C strings.
const oddText = "o'hara \"ñandú\" \\ <b>&amp;</b> 日本 🙂 \r\n\t %s $1 {x} [\x00] \u2028"

// everyValue has a field for every type of value and its odd cases.
func everyValue() sync.Fields {
	return sync.Fields{
		"null":          {},
		"empty text":    sync.Text(""),
		"blank text":    sync.Text(" "),
		"odd text":      sync.Text(oddText),
		"long text":     sync.Text(strings.Repeat("ñ", 1<<16)),
		"digits":        sync.Text("0012"),
		"null as text":  sync.Text("null"),
		"true as text":  sync.Text("true"),
		"list as text":  sync.Text(`["a"]`),
		"number":        sync.Number("12.50"),
		"large number":  sync.Number("123456789012345678901234567890.10"),
		"small number":  sync.Number("-0.000"),
		"exponent":      sync.Number("1E+2"),
		"true":          sync.Bool(true),
		"false":         sync.Bool(false),
		"list":          sync.List("a", "", "b;c", oddText),
		"list of one":   sync.List("a"),
		"empty list":    sync.List(),
		"":              sync.Text("no name"),
		"Name":          sync.Text("upper"),
		"name":          sync.Text("lower"),
		"a.b['c'].ñ{}$": sync.Text("odd name"),
	}
}

// entriesComeBack stores an entry with everything in it, in all three ways.
func entriesComeBack(r *rig) {
	all := everyValue()
	var want []sync.Entry
	for _, n := range []string{"null", "empty text", "odd text", "number", "large number", "true", "list", "empty list"} {
		e := fullEntry()
		e.Key = "field " + n
		e.Decision.Field, e.Decision.Before[sync.Left], e.Decision.After = n, all[n], all[n]
		want = append(want, e)
	}
	want = append(want, entry("nearly empty"), sync.Entry{})
	r.ok("Append", r.store.Append(r.Context(), want[:4]...))
	l := r.begin(noon, pair("a", "ana"), intent("write"), want[4:6]...)
	r.commit(sync.Commit{Link: l, Entries: want[6:]})
	for i := range want {
		if want[i].Seq != 0 {
			r.Errorf("the store changed entry %d, which belongs to its caller", i)
		}
		want[i].Seq = int64(i) + 1
	}
	r.same("the audit", r.entries(sync.AuditFilter{}), want)
}

// fullEntry has something in every field but Key and Seq.
func fullEntry() sync.Entry {
	return sync.Entry{
		At: noon, Kind: sync.EntryDecided, Flow: flow, Link: "a", Left: left("ana"), Right: right("ana"),
		Decision: &sync.Decision{
			Outcome: sync.Wrote, Rule: "policy.last-write", Winner: sync.Right,
			Merged: true, Conflict: true, Ambiguous: true,
			Before: [2]sync.Value{{}, sync.Text("before")},
			Times: [2]sync.Interval{
				{Earliest: noon.Add(-time.Hour), Latest: noon},
				{Latest: noon.Add(time.Microsecond)},
			},
		},
		Note: oddText, Causes: []string{"change-1", "change:2", "ñ"}, Intent: "write", Calls: [2]string{"", "call-7"},
		Sealed: []byte("\xff sealed\x00"), Prev: []byte("\x00 hash"), Hash: []byte("hash \xc3"),
	}
}
