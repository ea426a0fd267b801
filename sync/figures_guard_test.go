package sync_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// C13. A map that would blank 30 % of 1,000 phones is halted within the first
// 100 records, and two calls take back what it did and let the mended flow go
// on.
func TestMapThatWouldBlankPhonesIsHalted(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Guard = sync.Guard{Overwrites: 20}
		w.start()
		lefts := w.crowd(1_000)
		time.Sleep(2 * time.Hour)
		good := w.flow.Fields[4].Left
		w.flow.Fields[4].Left = lens{"msisdn", func(s string) (string, error) {
			if strings.HasPrefix(s, "+57400") {
				return "", nil // "cannot be dialled"
			}
			return s, nil
		}}
		w.start()
		looked, began := 0, time.Now()
		for i, left := range lefts { // an import touches everybody
			if i%10 >= 7 {
				w.left.edit(left, "msisdn", fmt.Sprint("+57400", i, 0))
			} else {
				w.left.edit(left, "unmapped", "touched")
			}
			w.once()
			if thrown, err := w.engine.Suspended(w.ctx); err != nil || len(thrown) > 0 {
				looked = i + 1
				break
			}
		}
		blanked := 0
		for _, s := range w.right.takeWrites() {
			if s.field == "phone" && s.value.Blank() {
				blanked++
			}
		}
		if looked == 0 || looked > 100 || blanked != 20 || w.count(sync.EventTripped) != 1 {
			t.Errorf("halted after %d records and %d blanked phones, told %d times", looked, blanked, w.count(sync.EventTripped))
		}
		for _, left := range lefts[looked:] {
			w.left.edit(left, "name", "Eva")
		}
		w.once()
		if wrote := len(w.right.takeWrites()); wrote > 0 {
			t.Errorf("%d fields were written after the halt", wrote)
		}
		w.flow.Fields[4].Left = good
		w.cfg.Guard = sync.Guard{}
		w.start()
		undone, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "phone", Since: began})
		if err != nil || len(undone) != blanked {
			t.Errorf("%d fields were undone, %v; want %d", len(undone), err, blanked)
		}
		if err := w.engine.Resume(w.ctx, sync.Switch{Flow: "people"}); err != nil {
			w.Fatal(err)
		}
		w.rest()
		w.agrees(1_000)
		w.noDead()
	})
}
