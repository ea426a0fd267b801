package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// An edit that nobody can see, because its field is archived, keeps its time,
// whatever else happens to the record meanwhile.
func TestHiddenEditKeepsItsTime(t *testing.T) {
	for _, reason := range []sync.Reason{sync.ReasonWebhook, sync.ReasonManual} {
		t.Run(string(reason), func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.pair("email", "ana@example.com")
				beta := wither(w)
				alpha := &withering{fake: w.left, gone: map[string]string{}, known: map[string]string{}}
				w.cfg.Peers[leftSystem] = sync.Peer{Source: alpha, Sink: alpha}
				w.start()
				w.right.edit(right, "fullname", "Ana")
				beta.lose("fullname")
				time.Sleep(time.Minute)
				w.left.edit(left, "name", "Eva")
				alpha.lose("name")
				w.takeHooks()
				time.Sleep(time.Minute)
				w.right.edit(right, "unmapped", "x")
				w.takeHooks()
				w.enqueue(sync.Change{ID: "look", Ref: right, Reason: reason})
				w.settle()
				alpha.mend("name")
				beta.mend("fullname")
				w.look(left)
				w.settle()
				w.holds(w.left, left, "name", "Eva")
				w.holds(w.right, right, "fullname", "Eva")
				w.agrees(1)
			}, func(w *world) { w.flow.Fields[3].Policy.Owner = sync.Left })
		})
	}
}
