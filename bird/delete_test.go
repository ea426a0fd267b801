package bird_test

import (
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// A person is erased by a write that deletes, which must not pass for one that
// changes nothing.
func TestDelete(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane Doe"})
	w := sync.Write{Ref: ref(id), Delete: true}
	if res := apply(t, a, w); res.Err != nil || !res.Record.Deleted {
		t.Errorf("%+v", res)
	}
	equal(t, "contacts", len(s.Contacts()), 0)
	failure(t, apply(t, a, w).Err, sync.NotFound)
	failure(t, apply(t, a, sync.Write{Ref: ref("../x"), Delete: true}).Err, sync.NotFound)
}
