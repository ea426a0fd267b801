package bird_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// walk follows the list from the cursor to the walk's end and returns the
// changes by contact and the cursor. Between pages it calls meanwhile.
func walk(t *testing.T, a *bird.Adapter, since sync.Cursor, meanwhile func()) (map[string]sync.Change, sync.Cursor) {
	t.Helper()
	seen := map[string]sync.Change{}
	for range 20 {
		page, err := a.Changes(context.Background(), since)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			if _, doubled := seen[c.Ref.ID]; doubled {
				t.Errorf("%v is reported twice", c.Ref)
			}
			seen[c.Ref.ID] = c
		}
		if since = page.Next; !page.More {
			return seen, since
		}
		if meanwhile != nil {
			meanwhile()
		}
	}
	t.Fatal("the walk does not end")
	return nil, ""
}

// page returns one page of a walk.
func page(t *testing.T, a *bird.Adapter, since sync.Cursor) sync.ChangePage {
	t.Helper()
	p, err := a.Changes(context.Background(), since)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func edit(t *testing.T, s *birdtest.Server, id, name string) {
	t.Helper()
	if err := s.EditSilently(id, map[string]any{"name": name}); err != nil {
		t.Fatal(err)
	}
}

func TestAWalkReportsOnlyWhatDiffersFromTheLast(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(250)
	first, next := walk(t, a, "", nil)
	equal(t, "never seen", len(first), 250)
	equal(t, "calls", s.Log().Calls("/contacts"), 3)
	quiet, next := walk(t, a, next, nil)
	equal(t, "nothing new", len(quiet), 0)

	edit(t, s, ids[3], "New")
	second, next := walk(t, a, next, nil)
	c := second[ids[3]]
	now, _ := s.Contact(ids[3])
	equal(t, "edited", []any{len(second), c.Ref, c.Reason, c.Priority, c.OccurredAt.Equal(now.UpdatedAt)},
		[]any{1, ref(ids[3]), sync.ReasonSweep, sync.Sweep, true})
	equal(t, "witness", c.Witness["name"], sync.Text("New").Digest())
	if c.ID == first[ids[3]].ID {
		t.Error("two edits have one ID")
	}
	again, _ := walk(t, a, next, nil)
	equal(t, "reported once", len(again), 0)
}

func TestTheShareOfTheWalkIsChecked(t *testing.T) {
	for share, ok := range map[float64]bool{0: true, 0.001: true, 1: true, -0.1: false, 1.1: false, math.Inf(1): false, math.NaN(): false} {
		_, err := bird.New("5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "key", &bird.Options{WalkShare: share})
		if (err == nil) != ok {
			t.Errorf("%v: %v", share, err)
		}
	}
}

// TestAnEditThatIsTakenBackIsReported looks as before but for its time:
// somebody may have taken in what it was in between.
func TestAnEditThatIsTakenBackIsReported(t *testing.T) {
	s, a := connect(t, nil)
	id := s.Fill(1)[0]
	before, _ := s.Contact(id)
	_, next := walk(t, a, "", nil)
	edit(t, s, id, "New")
	edit(t, s, id, before.Field("name").(string))
	seen, _ := walk(t, a, next, nil)
	equal(t, "reported", len(seen), 1)
}

// TestWhatWeReadOrWroteIsReportedAllTheSame because a read by somebody who
// only looked for a person, or the answer to a write, may show an edit that
// nobody took in.
func TestWhatWeReadOrWroteIsReportedAllTheSame(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(2)
	_, next := walk(t, a, "", nil)
	edit(t, s, ids[0], "New")
	if _, err := a.Read(context.Background(), bird.Contact, ids); err != nil {
		t.Fatal(err)
	}
	res := apply(t, a, sync.Write{Ref: ref(ids[1]), Fields: sync.Fields{"property_interest": sync.Text("loft")}})
	seen, _ := walk(t, a, next, nil)
	equal(t, "reported", len(seen), 2)
	for name, v := range res.Record.Fields {
		if seen[ids[1]].Witness[name] != v.Digest() {
			t.Errorf("the echo of our write claims another %s, and would cost a read", name)
		}
	}
}

// TestAPageThatWasNotStoredIsReportedAgain repeats a cursor, as an engine does
// whose queue was down.
func TestAPageThatWasNotStoredIsReportedAgain(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(150)
	first := page(t, a, "")
	lost := page(t, a, first.Next)
	again := page(t, a, first.Next)
	equal(t, "again", []int{len(lost.Changes), len(again.Changes)}, []int{50, 50})
	next := again.Next
	edit(t, s, ids[0], "New")
	lost = page(t, a, page(t, a, next).Next) // the last page, with the edit
	equal(t, "edit", len(lost.Changes), 1)
	s.Down(true)
	_, err := a.Changes(context.Background(), next)
	failure(t, err, sync.Retry)
	s.Down(false)
	seen, _ := walk(t, a, next, nil)
	equal(t, "edit again", len(seen), 1)
}

// TestARestartGoesOnWithTheWalk in another process, which knows nothing.
func TestARestartGoesOnWithTheWalk(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(250)
	first, next := walk(t, a, "", nil)
	next = page(t, a, next).Next
	s.Log().Reset()
	b := attach(t, s)
	rest, next := walk(t, b, next, nil)
	equal(t, "calls", s.Log().Calls("/contacts"), 2)
	equal(t, "the rest is reported", len(rest), 150)
	for id, c := range rest {
		if c.ID != first[id].ID {
			t.Fatal("a known state has another ID, so the queue would not drop it")
		}
	}
	stats := b.Walk(bird.Contact)
	equal(t, "stats", []int{stats.LastRecords, stats.LastPages}, []int{250, 3})
	if _, ok := b.DetectionDelay(bird.Contact); !ok {
		t.Error("no delay is known although a walk came to its end")
	}
	edit(t, s, ids[0], "New")
	second, next := walk(t, b, next, nil)
	equal(t, "what the other process saw and what was edited", len(second), 101)
	if second[ids[0]].ID == rest[ids[0]].ID {
		t.Error("two edits have one ID")
	}
	// the first process, which has missed a walk and a half, trusts what it saw
	third, _ := walk(t, a, next, nil)
	equal(t, "the first process finds the edit too", len(third), 1)
}

// TestAWalkPassesOverNobody adds and removes contacts during the walk.
func TestAWalkPassesOverNobody(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(250)
	n := 0
	seen, next := walk(t, a, "", func() {
		n++
		create(t, s, map[string]any{"name": "New"})
		if err := s.Delete(ids[149+n]); err != nil { // the one the token points at, and one that was listed
			t.Fatal(err)
		}
	})
	for i, id := range ids {
		if _, ok := seen[id]; !ok && i != 150 && i != 151 {
			t.Errorf("contact %d was passed over", i)
		}
	}
	fresh, _ := walk(t, a, next, nil)
	equal(t, "the next walk finds the new ones", len(fresh), 2)
}

// TestAWalkThatIsCutOffStartsFromTheOtherEnd reaches all 250 from two ends.
func TestAWalkThatIsCutOffStartsFromTheOtherEnd(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(250)
	s.SetRepeatPageToken(true)
	front, next := walk(t, a, "", nil)
	equal(t, "from the front", len(front), 200)
	equal(t, "broken", a.Walk(bird.Contact).Broken, 1)
	if _, ok := a.DetectionDelay(bird.Contact); ok {
		t.Error("a delay is told although no walk came to its end")
	}
	back, next := walk(t, a, next, nil)
	equal(t, "from the back", len(back), 50)
	s.SetRepeatPageToken(false)
	edit(t, s, ids[100], "New")
	all, next := walk(t, a, next, nil)
	equal(t, "repaired", []int{len(all), a.Walk(bird.Contact).Broken, a.Walk(bird.Contact).LastRecords}, []int{1, 0, 250})

	token := page(t, a, next).Next
	refused := sync.Cursor(strings.Replace(string(token), `"token":"`, `"token":"!`, 1))
	end := page(t, a, refused)
	equal(t, "refused", []any{end.More, len(end.Changes)}, []any{false, 0})
	all, _ = walk(t, a, end.Next, nil)
	equal(t, "from the start, nothing is new", []int{len(all), a.Walk(bird.Contact).LastRecords}, []int{0, 250})
	all, _ = walk(t, a, "no cursor of ours", nil)
	equal(t, "a foreign cursor is the beginning", len(all), 0)
}

// TestAContactThatTwoWalksNoLongerShowIsReported however it went.
func TestAContactThatTwoWalksNoLongerShowIsReported(t *testing.T) {
	s, a := connect(t, nil)
	ids := s.Fill(150)
	_, next := walk(t, a, "", nil)
	if err := errors.Join(s.Delete(ids[3]), s.Merge(ids[5], ids[6])); err != nil {
		t.Fatal(err)
	}
	one, next := walk(t, a, next, nil)
	equal(t, "after one walk only the survivor", len(one), 1)

	next = page(t, a, next).Next // the last page is repeated: no proof by itself
	s.SetRepeatPageToken(true)
	cut, next := walk(t, a, next, nil)
	s.SetRepeatPageToken(false)
	equal(t, "a walk that is cut off shows nothing missing", len(cut), 0)

	two, next := walk(t, a, next, nil)
	var missing []string
	for id := range two {
		missing = append(missing, id)
	}
	slices.Sort(missing)
	want := []string{ids[3], ids[5]}
	slices.Sort(want)
	equal(t, "after two", missing, want)
	if c := two[ids[3]]; c.Witness != nil || c.Priority != sync.Sweep || c.Reason != sync.ReasonSweep {
		t.Errorf("%+v", c)
	}
	for n := range 3 {
		var again map[string]sync.Change
		again, next = walk(t, a, next, nil)
		equal(t, fmt.Sprint("reported once, walk ", n), len(again), 0)
	}
}

// TestAContactThatIsListedButNotFound is reported until it can be read again.
func TestAContactThatIsListedButNotFound(t *testing.T) {
	s, a := connect(t, nil)
	id := s.Fill(2)[0]
	seen, next := walk(t, a, "", nil)
	s.SetMissing(id, true)
	got, err := a.Read(context.Background(), bird.Contact, []string{seen[id].Ref.ID})
	if err != nil || !got[0].Deleted || got[0].Fields != nil {
		t.Errorf("%+v, %v", got, err)
	}
	s.SetMissing(id, false)
	second, next := walk(t, a, next, nil)
	equal(t, "reported again", len(second), 1)
	if second[id].ID == seen[id].ID {
		t.Error("the queue would drop the second report")
	}
	third, _ := walk(t, a, next, nil)
	equal(t, "once", len(third), 0)
}
