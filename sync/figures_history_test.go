package sync_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// C2. After 10,000 random events the steps that Explain tells of a field,
// taken one after the other from the first sight of the record, end at the
// value that both systems have now, for every field.
func TestExplanationReproducesEveryField(t *testing.T) {
	bubble(t, func(w *world) {
		lefts := w.simulate(rand.New(rand.NewPCG(2, 2)), 200, 10_000)
		steps := 0
		for _, left := range lefts {
			out, err := w.engine.Explain(w.ctx, "people", left)
			if err != nil {
				w.Fatal(err)
			}
			for i, story := range out.Fields {
				field := &w.flow.Fields[i]
				for s, f := range map[sync.Side]*fake{sync.Left: w.left, sync.Right: w.right} {
					lens := field.Left
					if s == sync.Right {
						lens = field.Right
					}
					now, err := lens.Get(f.record(out.Link.End(s).ID).Fields)
					if got := replayed(story.Steps); err != nil || got != now || story.Agreed != now {
						t.Errorf("%s of %s: the steps lead to %s, agreed is %s, it is %s, %v", story.Field, out.Link.End(s),
							got, story.Agreed, now, err)
					}
				}
				steps += len(story.Steps)
			}
		}
		if steps < 2_000 {
			t.Errorf("%d steps explain 10,000 events", steps)
		}
	})
}

// replayed takes the steps of a field one after the other.
func replayed(steps []sync.Step) (v sync.Value) {
	for _, s := range steps {
		if s.Written || s.Outcome == sync.Adopted {
			v = s.After
		}
	}
	return v
}

// C5. A wrong map runs over 5,000 records, of which people then edit 50. Undo
// restores 4,950, lists 50, and changes nothing else.
func TestUndoOfAWrongMapOverManyRecords(t *testing.T) {
	bubble(t, func(w *world) {
		lefts := w.crowd(wrongRecords)
		since := time.Now()
		w.flow.Fields[3].Left = lens{"name", func(s string) (string, error) { return "WRONG " + s, nil }}
		w.start()
		for _, left := range lefts { // an import touches everybody's name
			w.left.edit(left, "name", w.left.get(left, "name")+" Gil")
		}
		w.rest()
		until := time.Now().Add(time.Second)
		w.flow.Fields[3].Left = plain("name")
		w.start()
		time.Sleep(time.Minute)
		edited := map[sync.Ref]bool{}
		for _, left := range lefts[:50] {
			right := w.link(left).Right
			w.right.edit(right, "fullname", "A person's")
			edited[right] = true
		}
		w.rest()
		time.Sleep(time.Minute)
		w.takeWritesOf()

		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Since: since, Until: until})
		if err != nil {
			w.Fatal(err)
		}
		kept := 0
		for _, u := range list {
			if (u.Kept != "") != edited[u.Ref] {
				t.Errorf("%s of %s: kept %q", u.Field, u.Ref, u.Kept)
			}
			if u.Kept != "" {
				kept++
			}
		}
		if len(list) != len(lefts) || kept != 50 {
			t.Errorf("%d listed, %d kept", len(list), kept)
		}
		restored := 0
		for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
			if restored++; s.field != "fullname" || edited[s.ref] {
				t.Errorf("undo wrote %s of %s", s.field, s.ref)
			}
		}
		if restored != len(lefts)-50 {
			t.Errorf("%d fields restored, want %d", restored, len(lefts)-50)
		}
		for i, left := range lefts {
			want := "A person's"
			if i >= 50 {
				want = w.left.get(left, "name")
				want = want[:len(want)-len(" Gil")]
			}
			w.holds(w.right, w.link(left).Right, "fullname", want)
		}
	})
}
