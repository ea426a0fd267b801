package sync

import (
	"sync"
	"time"
)

// When a field of a pair goes back to a value that it had moments ago more
// than this often in this time, something on the other side, a workflow or a
// second integration, sets it back each time.
const (
	flipsAllowed = 3
	flipsWithin  = 10 * time.Minute
	flipsKept    = 10_000 // fields that are watched at most
)

// A breaker holds fields that oscillate. The zero value is ready; methods may
// be called concurrently. It watches this process's writes, and is told of those
// of others.
type breaker struct {
	mu     sync.Mutex
	fields map[fieldOf][]flip
}

type fieldOf struct{ link, field string }

// A flip is a value that was written.
type flip struct {
	at    time.Time
	value string
}

// wrote notes a write and returns how often the field has flipped by now.
func (b *breaker) wrote(link, field, value string, now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fields == nil || len(b.fields) >= flipsKept {
		b.sweep(now)
	}
	key := fieldOf{link, field}
	b.fields[key] = append(recent(b.fields[key], now), flip{now, value})
	return flips(b.fields[key])
}

// learn replaces what is known of a field by what all processes wrote, and
// returns how often it has flipped.
func (b *breaker) learn(link, field string, all []flip, now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := fieldOf{link, field}
	if all = recent(all, now); flips(all) > flips(b.fields[key]) {
		b.fields[key] = all
	}
	return flips(b.fields[key])
}

// tripped reports whether a field is held.
func (b *breaker) tripped(link, field string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return flips(recent(b.fields[fieldOf{link, field}], now)) >= flipsAllowed
}

// sweep forgets the fields that were quiet, or all if none was.
func (b *breaker) sweep(now time.Time) {
	kept := map[fieldOf][]flip{}
	for key, list := range b.fields {
		if list = recent(list, now); len(list) > 1 {
			kept[key] = list
		}
	}
	if len(kept) >= flipsKept {
		clear(kept)
	}
	b.fields = kept
}

func recent(list []flip, now time.Time) []flip {
	for len(list) > 0 && now.Sub(list[0].at) >= flipsWithin {
		list = list[1:]
	}
	return list
}

// flips counts the writes of a value that had been written before.
func flips(list []flip) int {
	n, seen := 0, map[string]bool{}
	for _, f := range list {
		if seen[f.value] {
			n++
		}
		seen[f.value] = true
	}
	return n
}
