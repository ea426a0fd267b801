package bird_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// walk follows the list from the cursor to its end and returns the changes by
// contact. Between pages it calls meanwhile.
func walk(t *testing.T, a *bird.Adapter, since sync.Cursor, meanwhile func()) map[string]sync.Change {
	t.Helper()
	seen := map[string]sync.Change{}
	for range 20 {
		page, err := a.Changes(context.Background(), since)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Changes {
			seen[c.Ref.ID] = c
		}
		if !page.More {
			equal(t, "the walk ends at the beginning", page.Next, sync.Cursor(""))
			return seen
		}
		since = page.Next
		if meanwhile != nil {
			meanwhile()
		}
	}
	t.Fatal("the walk does not end")
	return nil
}

func fill(t *testing.T, s *birdtest.Server, n int) []string {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, create(t, s, map[string]any{"name": fmt.Sprint("Person ", i)}))
	}
	return ids
}

func TestChangesWalksTheWholeListAndRepeats(t *testing.T) {
	s, a := connect(t, nil)
	ids := fill(t, s, 250)
	first := walk(t, a, "", nil)
	equal(t, "contacts", len(first), 250)
	equal(t, "calls", s.Log().Calls("/contacts"), 3)
	if err := s.Edit(ids[3], map[string]any{"name": "New"}); err != nil {
		t.Fatal(err)
	}
	second := walk(t, a, "", nil)
	for _, id := range ids {
		same := first[id].ID == second[id].ID
		if same != (id != ids[3]) {
			t.Errorf("contact edited %v, change id the same %v", id == ids[3], same)
		}
	}
	c := second[ids[3]]
	now, _ := s.Contact(ids[3])
	equal(t, "change", []any{c.Ref, c.Reason, c.Priority, c.OccurredAt.Equal(now.UpdatedAt)}, []any{ref(ids[3]), sync.ReasonSweep, sync.Sweep, true})
}

// TestChangesPassesOverNobody adds and removes contacts during the walk.
func TestChangesPassesOverNobody(t *testing.T) {
	s, a := connect(t, nil)
	ids := fill(t, s, 250)
	n := 0
	seen := walk(t, a, "", func() {
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
	equal(t, "the next walk finds the new ones", len(walk(t, a, "", nil)), len(s.Contacts()))
}

func TestChangesEndsOnARepeatedOrRefusedToken(t *testing.T) {
	s, a := connect(t, nil)
	fill(t, s, 250)
	s.SetRepeatPageToken(true)
	equal(t, "repeated", len(walk(t, a, "", nil)), 200)
	s.SetRepeatPageToken(false)
	page, err := a.Changes(context.Background(), "no token of Bird's")
	equal(t, "refused", []any{page.More, page.Next, err}, []any{false, sync.Cursor(""), nil})
	s.Down(true)
	_, err = a.Changes(context.Background(), "")
	failure(t, err, sync.Retry)
}

// TestAContactMissingAfterTheList is deleted between list and read.
func TestAContactMissingAfterTheList(t *testing.T) {
	s, a := connect(t, nil)
	id := fill(t, s, 1)[0]
	seen := walk(t, a, "", nil)
	if err := s.Delete(id); err != nil {
		t.Fatal(err)
	}
	got, err := a.Read(context.Background(), bird.Contact, []string{seen[id].Ref.ID})
	if err != nil || !got[0].Deleted || got[0].Fields != nil {
		t.Errorf("%+v, %v", got, err)
	}
}
