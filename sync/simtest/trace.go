package simtest

import (
	"fmt"
	"hash"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"time"
)

// A trace is everything that happened in a run, as a hash and, when it is
// kept, as text.
type trace struct {
	hash  hash.Hash64
	lines int
	keep  bool
	text  []string
}

func newTrace(keep bool) *trace { return &trace{hash: fnv.New64a(), keep: keep} }

// add adds one line.
func (t *trace) add(what, how string) {
	t.lines++
	var at [8]byte
	n := time.Since(epoch)
	for i := range at {
		at[i] = byte(n >> (8 * i))
	}
	t.hash.Write(at[:])
	t.hash.Write([]byte(what))
	t.hash.Write([]byte{0})
	t.hash.Write([]byte(how))
	if t.keep {
		t.text = append(t.text, fmt.Sprintf("%12s  %s: %s", time.Since(epoch).Round(time.Microsecond), what, how))
	}
}

// sortedKeys returns keys in order.
func sortedKeys[K ~string](keys iter.Seq[K]) []K { return slices.Sorted(keys) }

// keys returns the keys of a map.
func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }
