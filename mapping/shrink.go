package mapping

import (
	"maps"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// maxShrinks bounds the attempts to make one example smaller.
const maxShrinks = 2000

// shrink makes a trial smaller as long as it still fails.
func shrink(t trial, fails func(trial) bool) trial {
	left := maxShrinks
	attempt := func(next trial) bool {
		left--
		return left > 0 && fails(next)
	}
	for smaller := true; smaller && left > 0; {
		t.given, smaller = shrinkFields(t.given, func(f sync.Fields) bool { return attempt(trial{f, t.present}) })
		present, more := shrinkFields(t.present, func(f sync.Fields) bool { return attempt(trial{t.given, f}) })
		t.present, smaller = present, smaller || more
	}
	return t
}

// shrinkFields drops names, then makes the values of the rest smaller.
func shrinkFields(f sync.Fields, fails func(sync.Fields) bool) (sync.Fields, bool) {
	changed := false
	for _, n := range slices.Sorted(maps.Keys(f)) {
		for next := range candidates(f[n]) {
			g := f.Clone()
			g[n] = next
			if next.Null() {
				delete(g, n)
			}
			if fails(g) {
				f, changed = g, true
				break
			}
		}
	}
	return f, changed
}

// candidates yields values that are smaller than v, the smallest first.
func candidates(v sync.Value) func(yield func(sync.Value) bool) {
	return func(yield func(sync.Value) bool) {
		if v.Null() || !yield(sync.Value{}) {
			return
		}
		switch {
		case v.IsList():
			items := v.Items()
			for i := range items {
				if !yield(sync.List(slices.Delete(slices.Clone(items), i, i+1)...)) {
					return
				}
			}
		case v.IsNumber():
			shorter([]rune(v.String()), func(s string) bool { return s == "" || s == "-" || yield(sync.Number(s)) })
		case !v.IsBool():
			shorter([]rune(v.String()), func(s string) bool { return yield(sync.Text(s)) })
		}
	}
}

// shorter yields the text without a stretch of it, long stretches first, and
// then with single characters made plain.
func shorter(s []rune, yield func(string) bool) {
	for size := len(s) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(s); at += size {
			if !yield(string(slices.Concat(s[:at], s[at+size:]))) {
				return
			}
		}
	}
	if len(s) > 40 {
		return
	}
	for i, r := range s {
		if plain, ok := simpler(r); ok {
			t := slices.Clone(s)
			t[i] = plain
			if !yield(string(t)) {
				return
			}
		}
	}
}

// simpler returns a plain character in place of one that is less so.
func simpler(r rune) (rune, bool) {
	switch {
	case r > '0' && r <= '9':
		return '0', true
	case r > 'a' && r <= 'z' || r > 127:
		return 'a', true
	case r > 'A' && r <= 'Z':
		return 'A', true
	}
	return 0, false
}
