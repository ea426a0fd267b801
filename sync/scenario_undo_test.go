package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The decisions that created a record were noted before it had an id; they are
// found all the same. What is taken back stays away while the flow is
// suspended, and then comes again from the side whose own it is.
func TestUndoOfWhatCreatedTheLeftRecord(t *testing.T) {
	bubble(t, func(w *world) {
		right := w.right.create("mail", "ana@example.com", "fullname", "Ana")
		w.settle()
		left := w.link(right).Left
		stop := sync.Switch{Flow: "people", To: "left"}
		if err := w.engine.Suspend(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"})
		if err != nil || len(list) != 1 || list[0].Ref != left || list[0].Kept != "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.left, left, "name", "")
		w.holds(w.right, right, "fullname", "Ana")
		if err := w.engine.Resume(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.holds(w.left, left, "name", "Ana")
		w.agrees(1)
	})
}

// The pair of one decision is no more: that keeps no other from being undone.
func TestUndoGoesOnAfterAMerge(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		second, _ := w.pair("email", "ana2@example.com", "name", "Ana again")
		eva, right := w.pair("email", "eva@example.com", "name", "Eva")
		since := time.Now()
		for _, ref := range []sync.Ref{ana, second, eva} {
			w.left.edit(ref, "name", "Wrong")
		}
		w.settle()
		until := time.Now().Add(time.Second)
		time.Sleep(time.Minute)
		w.left.merge(ana, second)
		w.settle()
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since, Until: until}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		w.holds(w.left, eva, "name", "Eva")
	})
}

// A store that dies before it can store what was undone.
type dyingStore struct {
	sync.Store
	dead bool
}

func (s *dyingStore) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if s.dead {
		return sync.Link{}, errors.New("the process died")
	}
	return s.Store.Commit(ctx, now, c)
}

// The process dies when the old value is written and nothing is stored yet.
func TestUndoSurvivesACrash(t *testing.T) {
	bubble(t, func(w *world) {
		store := &dyingStore{Store: w.store}
		w.cfg.Store = store
		w.start()
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		store.dead = true
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since}); err == nil {
			t.Fatal("the store did not fail")
		}
		store.dead = false
		w.start()
		time.Sleep(time.Hour) // the intent expires
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		w.holds(w.left, left, "name", "Ana")
	})
}

// One pair is being written to: the others are undone all the same.
func TestUndoLeavesAPairThatIsBeingWrittenTo(t *testing.T) {
	bubble(t, func(w *world) {
		ana, theirs := w.pair("email", "ana@example.com", "name", "Ana")
		eva, right := w.pair("email", "eva@example.com", "name", "Eva")
		since := time.Now()
		w.left.edit(ana, "name", "Wrong")
		w.left.edit(eva, "name", "Wrong")
		w.settle()
		open := sync.Intent{ID: "theirs", Expires: time.Now().Add(time.Minute)}
		if _, err := w.store.Begin(w.ctx, time.Now(), w.link(ana), open); err != nil {
			t.Fatal(err)
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 2 || keptOf(list, right) != "" || keptOf(list, theirs) == "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		w.holds(w.left, ana, "name", "Wrong")
	})
}

// What a creation wrote is the other side's own: it would be written again, so
// it is left, and nothing is taken from the other side.
func TestUndoOfACreationLeavesTheOtherSideAlone(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana", "msisdn", "+573000000001")
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people"})
		if err != nil || len(list) == 0 {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		for _, u := range list {
			if (u.Kept == "") != (u.Field == "alpha id" || u.Field == "beta id") {
				t.Errorf("%s of %s: kept %q", u.Field, u.Ref, u.Kept)
			}
		}
		w.settle()
		for field, want := range map[string]string{"name": "Ana", "email": "ana@example.com", "msisdn": "+573000000001"} {
			w.holds(w.left, left, field, want)
		}
		w.holds(w.right, right, "fullname", "Ana")
		w.agrees(1)
	})
}

// Edits since the creation are taken back, if they alone are selected.
func TestUndoOfEditsSinceTheCreation(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Anna")
		w.settle()
		if list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"}); err != nil || len(list) != 1 || list[0].Kept == "" {
			t.Fatalf("undo of everything: %+v, %v", list, err)
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 1 || list[0].Kept != "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		w.holds(w.left, left, "name", "Ana")
	})
}

// A wrong map filled the records that it created, and blanks of those it met.
// With the map mended they get the right values, whether or not the process
// dies after the wrong ones are taken back; the other side keeps its own.
func TestUndoOfWhatAWrongMapCreated(t *testing.T) {
	for _, dies := range []bool{false, true} {
		t.Run(fmt.Sprint("dies ", dies), func(t *testing.T) {
			bubble(t, func(w *world) {
				store := &dyingStore{Store: w.store}
				w.cfg.Store = store
				met := w.right.create("mail", "eva@example.com")
				w.takeHooks()
				w.flow.Fields[3].Left = lens{"name", func(s string) (string, error) { return "WRONG " + s, nil }}
				w.start()
				ana := w.left.create("email", "ana@example.com", "name", "Ana")
				eva := w.left.create("email", "eva@example.com", "name", "Eva")
				w.settle()
				w.holds(w.right, met, "fullname", "WRONG Eva")
				w.flow.Fields[3].Left = plain("name")
				w.start()
				time.Sleep(time.Minute)
				store.dead = dies
				list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"})
				if (err != nil) != dies || !dies && len(list) != 2 {
					t.Fatalf("undo: %+v, %v", list, err)
				}
				if store.dead = false; dies {
					w.start()
					time.Sleep(time.Hour) // the intent expires
					w.settle()
					if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"}); err != nil {
						t.Fatal(err)
					}
				}
				w.settle()
				w.holds(w.left, ana, "name", "Ana")
				w.holds(w.left, eva, "name", "Eva")
				w.holds(w.right, w.link(ana).Right, "fullname", "Ana")
				w.holds(w.right, met, "fullname", "Eva")
				w.agrees(2)
			})
		})
	}
}

// A record that refuses its old value keeps no other from being undone.
func TestUndoGoesOnAfterARefusal(t *testing.T) {
	bubble(t, func(w *world) {
		ana, refuses := w.pair("email", "ana@example.com", "name", "Ana")
		eva, right := w.pair("email", "eva@example.com", "name", "Eva")
		since := time.Now()
		w.left.edit(ana, "name", "Wrong")
		w.left.edit(eva, "name", "Wrong")
		w.settle()
		w.right.before = func(op string, ref sync.Ref) error {
			if op == "update" && ref == refuses {
				return &sync.Error{Op: op, Action: sync.Invalid, Ref: ref, Rule: "name.frozen", Err: errors.New("refused")}
			}
			return nil
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 2 || keptOf(list, right) != "" || keptOf(list, refuses) == "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		w.holds(w.left, eva, "name", "Eva")
		w.holds(w.left, ana, "name", "Wrong")
	})
}

// keptOf returns why the only field of a record was kept.
func keptOf(list []sync.Undone, ref sync.Ref) string {
	i := slices.IndexFunc(list, func(u sync.Undone) bool { return u.Ref == ref })
	return list[i].Kept
}

// A pair is found by either of its records, also by the one that did not exist
// yet when it was decided what to write to it.
func TestUndoByEitherRecordOfAPair(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.pair("email", "eva@example.com", "name", "Eva")
		w.left.edit(left, "name", "Anna")
		w.settle()
		time.Sleep(time.Minute)
		if err := w.engine.Suspend(w.ctx, sync.Switch{Flow: "people", To: "right"}); err != nil {
			t.Fatal(err)
		}
		for _, ref := range []sync.Ref{left, right} {
			list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Ref: ref, Field: "name", DryRun: true})
			if err != nil || len(list) != 1 || list[0].Ref != right || list[0].From != sync.Text("Anna") || !list[0].To.Blank() || list[0].Kept != "" {
				t.Errorf("undo of %s: %+v, %v", ref, list, err)
			}
		}
	})
}

// Another record has got the old value, which is unique, meanwhile. The list
// says so.
func TestUndoTellsARefusal(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "email", "anna@example.com")
		w.settle()
		w.right.create("mail", "ana@example.com")
		w.takeHooks()
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "email", Since: since})
		if err != nil || len(list) != 1 || keptOf(list, right) != "its system refuses it: unique" {
			t.Errorf("undo: %+v, %v", list, err)
		}
	})
}

// The call lasts so long that somebody else takes the pair over. The value was
// taken back all the same, and the audit has it.
func TestUndoThatIsOvertakenAfterItsWrite(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		w.right.after = func(string, sync.Ref) error {
			time.Sleep(2 * time.Minute)
			_, err := w.store.Begin(w.ctx, time.Now(), w.link(left), sync.Intent{ID: "theirs", Expires: time.Now().Add(time.Second)})
			return err
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 1 || keptOf(list, right) != "" {
			t.Errorf("undo: %+v, %v", list, err)
		}
		if n := len(w.entries(sync.EntryUndone)); n != 1 {
			t.Errorf("%d undone in the audit", n)
		}
		w.right.after = nil
		time.Sleep(time.Minute)
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		w.holds(w.left, left, "name", "Ana")
	})
}

// A tallying store counts how often a base is loaded.
type tallying struct {
	sync.Store
	bases int
}

func (c *tallying) Base(ctx context.Context, link string) (sync.Base, error) {
	c.bases++
	return c.Store.Base(ctx, link)
}

func TestUndoLoadsTheBaseOnce(t *testing.T) {
	bubble(t, func(w *world) {
		store := &tallying{Store: w.store}
		w.cfg.Store = store
		w.start()
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		store.bases = 0
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 1 || store.bases != 1 {
			t.Errorf("undo: %+v, %v; the base is loaded %d times", list, err, store.bases)
		}
	})
}

// The answer to an undo's intent is lost. Nobody calls again, and yet the pair
// is not left with an intent that nothing closes.
func TestUndoOfWhichTheIntentIsNotAnswered(t *testing.T) {
	bubble(t, func(w *world) {
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		w.cfg.Store = unanswered{w.store}
		w.start()
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since}); err == nil {
			t.Fatal("the store answered")
		}
		if w.link(left).Intent == nil {
			t.Fatal("no intent is open")
		}
		w.cfg.Store = w.store
		w.start()
		time.Sleep(time.Hour)
		w.settle()
		if w.link(left).Intent != nil {
			t.Error("the intent was never closed")
		}
	})
}

// So it is of a pair whose other record is gone (found by simtest, seed 236).
func TestUndoOfADetachedPairIsClosed(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		w.left.remove(left, true)
		w.settle()
		if w.link(right).State != sync.Detached {
			t.Fatal("the pair is not detached")
		}
		w.cfg.Store = unanswered{w.store}
		w.start()
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since}); err == nil {
			t.Fatal("the store answered")
		}
		w.cfg.Store = w.store
		w.start()
		time.Sleep(time.Hour)
		w.settle()
		if w.link(right).Intent != nil {
			t.Error("the intent was never closed")
		}
	})
}

// An unanswered store begins writes and does not say so.
type unanswered struct{ sync.Store }

func (s unanswered) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	if _, err := s.Store.Begin(ctx, now, l, i, es...); err != nil {
		return sync.Link{}, err
	}
	return sync.Link{}, errors.New("no answer")
}
