package bird_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// inventory walks through the list of a kind.
func inventory(t *testing.T, a *bird.Adapter, kind sync.Kind) (records []sync.Record) {
	t.Helper()
	for after := sync.Cursor(""); ; {
		page, err := a.List(t.Context(), kind, after)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, page.Records...)
		if after = page.Next; !page.More {
			return records
		}
	}
}

func TestListWalksThroughEveryContact(t *testing.T) {
	s, a := connect(t, &birdtest.Options{Featured: 1, GETPerSecond: -1})
	var want []string
	for i := range 230 {
		want = append(want, create(t, s, map[string]any{"email": fmt.Sprintf("p%d@example.com", i), "msisdn": fmt.Sprintf("+57300%07d", i), "name": "Ana"}))
	}
	if err := s.Delete(want[7]); err != nil {
		t.Fatal(err)
	}
	want = slices.Delete(want, 7, 8)
	got := inventory(t, a, bird.Contact)
	ids := make([]string, len(got))
	for i := range got {
		ids[i] = got[i].ID
		for _, name := range []string{"email", "msisdn", "name"} {
			if got[i].Fields[name].Blank() {
				t.Fatalf("the list leaves out %s", name)
			}
		}
	}
	slices.Sort(ids)
	slices.Sort(want)
	equal(t, "ids", ids, want)
	page, err := a.List(t.Context(), bird.Contact, "")
	for ; err == nil && page.More; page, err = a.List(t.Context(), bird.Contact, page.Next) {
	}
	if page, err = a.List(t.Context(), bird.Contact, page.Next); err != nil || page.More || len(page.Records) != 29 {
		t.Errorf("after the end: %d records, more %v, %v; want the last page", len(page.Records), page.More, err)
	}
	_, err = a.List(t.Context(), "deal", "")
	failure(t, err, sync.Fatal)
	_, err = a.List(t.Context(), bird.Contact, "no token of Bird's")
	failure(t, err, sync.Invalid)
}

func TestListThatGoesInCirclesEnds(t *testing.T) {
	s, a := connect(t, nil)
	for i := range 130 {
		create(t, s, map[string]any{"email": fmt.Sprintf("p%d@example.com", i)})
	}
	page, err := a.List(t.Context(), bird.Contact, "")
	if err != nil || !page.More || len(page.Records) != 100 {
		t.Fatalf("%d records, more %v, %v", len(page.Records), page.More, err)
	}
	s.SetRepeatPageToken(true)
	_, err = a.List(t.Context(), bird.Contact, page.Next)
	failure(t, err, sync.Retry)
}
