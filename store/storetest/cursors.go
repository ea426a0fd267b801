package storetest

import "github.com/urbanhub/crmsync/sync"

var cursors = []scenario{
	{"cursors: begin empty", func(r *rig) { r.at("new", "") }},
	{"cursors: move from where they are", func(r *rig) {
		r.move("feed", "", "one")
		r.at("feed", "one")
		r.move("feed", "one", "two")
		r.at("feed", "two")
		r.move("feed", "two", "two")
		r.move("feed", "two", "")
		r.at("feed", "")
		r.move("feed", "", "again")
		r.at("feed", "again")
	}},
	{"cursors: refuse to move from elsewhere", func(r *rig) {
		for _, from := range []sync.Cursor{"one", " "} {
			r.stale("SetCursor of a new cursor", r.store.SetCursor(r.Context(), "feed", from, "two"))
		}
		r.at("feed", "")
		r.move("feed", "", "one")
		for _, from := range []sync.Cursor{"", "two", "ONE", "one "} {
			r.stale("SetCursor from elsewhere", r.store.SetCursor(r.Context(), "feed", from, "two"))
		}
		r.at("feed", "one")
	}},
	{"cursors: have names of their own", func(r *rig) {
		r.move("feed", "", "one")
		r.move("Feed", "", "two")
		r.move("feed ", "", "three")
		r.at("feed", "one")
		r.at("Feed", "two")
		r.at("feed ", "three")
	}},
	{"cursors: are opaque", func(r *rig) {
		odd := sync.Cursor(`{"after":"2026-03-04T12:00:00Z","ids":["a'b","ñ\\"]}` + "\n\t%")
		r.move("feed", "", odd)
		r.at("feed", odd)
		r.move("feed", odd, "next")
	}},
}

// at checks where a cursor is.
func (r *rig) at(name string, want sync.Cursor) {
	r.Helper()
	got, err := r.store.Cursor(r.Context(), name)
	r.ok("Cursor", err)
	if got != want {
		r.Errorf("cursor %q is at %q, want %q", name, got, want)
	}
}

// move moves a cursor.
func (r *rig) move(name string, from, to sync.Cursor) {
	r.Helper()
	r.ok("SetCursor", r.store.SetCursor(r.Context(), name, from, to))
}
