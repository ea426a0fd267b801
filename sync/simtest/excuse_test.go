package simtest

import (
	"context"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// pairOf returns a world with a linked pair, and a second record on the left.
func pairOf(t *testing.T, email, mail, other string) (w *world, left, right, second sync.Ref) {
	t.Helper()
	w = newWorld(1, Config{}.withDefaults())
	alpha, beta := w.vendors["alpha"], w.vendors["beta"]
	alpha.quiet, beta.quiet = true, true
	left, second, right = alpha.mint("person"), alpha.mint("person"), beta.mint("person")
	alpha.put(left, sync.Fields{"email": sync.Text(email), "beta_id": sync.Text(right.ID)}, false)
	alpha.put(second, sync.Fields{"email": sync.Text(other)}, false)
	beta.put(right, sync.Fields{"mail": sync.Text(mail)}, false)
	link := sync.Link{ID: "link", Flow: "people", Left: left, Right: right, State: sync.Active}
	if _, err := w.store.Commit(background, time.Now(), sync.Commit{Link: link}); err != nil {
		t.Fatal(err)
	}
	return w, left, right, second
}

// A unique value is excused when an undo brought it back, it belongs to somebody
// else, and people enter it. Nothing less is.
func TestDisputedValues(t *testing.T) {
	for name, c := range map[string]struct {
		other, rule, field string
		undone, want       bool
	}{
		"an undo brought it back":  {"ana@example.com", "unique", "email", true, true},
		"nothing was undone":       {"ana@example.com", "unique", "email", false, false},
		"nobody else has it":       {"eva@example.com", "unique", "email", true, false},
		"another field is refused": {"ana@example.com", "unique", "beta_id", true, false},
		"by another rule":          {"ana@example.com", "rounds", "email", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, left, right, _ := pairOf(t, "ana.gil@example.com", "ana@example.com", c.other)
			w.undone[left], w.undone[right] = c.undone, c.undone
			letter := sync.DeadLetter{History: []sync.Failure{{Rule: c.rule, Field: c.field}}}
			if got := w.check.disputed(&letter, []sync.Ref{left, right}); got != c.want {
				t.Errorf("disputed: %t", got)
			}
		})
	}
}

// What a record holds already is an echo, unless the record that was written to
// has become another.
func TestEchoOfAMerge(t *testing.T) {
	for name, merged := range map[string]bool{"the same record": false, "merged since": true} {
		t.Run(name, func(t *testing.T) {
			w, left, _, second := pairOf(t, "ana@example.com", "ana@example.com", "eva@example.com")
			alpha := w.vendors["alpha"]
			p := &process{world: w, name: "p1", seen: map[context.Context]map[sync.Ref]sight{}}
			cl := &client{p, alpha}
			time.Sleep(time.Millisecond)
			cl.saw(background, left)
			cl.saw(background, second)
			write := sync.Write{Ref: left, Fields: sync.Fields{"email": sync.Text("ana@example.com")}}
			if merged {
				write.Ref = second
				alpha.quirks.NewID = false
				alpha.merge(left, second)
			}
			was := alpha.snapshot(write)
			w.check.wrote(background, cl, write, was, alpha.write(write))
			if echo := len(w.check.violations) > 0; echo == merged {
				t.Errorf("violations: %v", w.check.violations)
			}
		})
	}
}
