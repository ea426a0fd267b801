package simtest

import (
	"testing"
	"testing/synctest"

	"github.com/urbanhub/crmsync/sync"
)

// A record must not be made twice if the store could tell for whom the first was
// made. A link of it alone, which an erasure stores, tells that only as long as
// the record does.
func TestWhatIsMadeTwiceWasKnown(t *testing.T) {
	for _, test := range []struct {
		name             string
		merged, paired   bool
		early, violation bool // the link is stored before the merge
	}{
		{name: "alone", violation: true},
		{name: "alone, merged later", merged: true, early: true, violation: true},
		{name: "alone, merged before", merged: true},
		{name: "paired, merged before", merged: true, paired: true, violation: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(1, Config{}.withDefaults())
			alpha := w.vendors["alpha"]
			create := sync.Write{Ref: sync.Ref{System: "alpha", Kind: "person"}, Key: "beta_id", Fields: sync.Fields{"beta_id": sync.Text("B1")}}
			made, survivor := alpha.write(create).Record.Ref, alpha.mint("person")
			alpha.put(survivor, nil, false)
			w.check.createdOnce(create, made)
			link := sync.Link{Flow: "people", Left: made}
			if test.paired {
				link.Right = sync.Ref{System: "beta", Kind: "person", ID: "B1"}
			}
			if test.early {
				w.check.committed(link)
			}
			if test.merged {
				alpha.merge(survivor, made)
			}
			if !test.early {
				w.check.committed(link)
			}
			w.check.createdOnce(create, alpha.mint("person"))
			if got := len(w.check.violations) > 0; got != test.violation {
				t.Errorf("%s: a violation: %t, want %t", test.name, got, test.violation)
			}
		})
	}
}
