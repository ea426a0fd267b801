package sync_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// beside adds a flow between two other systems.
func (w *world) beside() (left, right *fake) {
	left, right = newFake("gamma", "G", "email"), newFake("delta", "D", "mail")
	left.notify, right.notify = w.hook, w.hook
	flow := people()
	flow.Name, flow.Left.System, flow.Right.System = "others", left.system, right.system
	w.cfg.Flows = append(w.cfg.Flows, flow)
	w.cfg.Peers[left.system], w.cfg.Peers[right.system] = sync.Peer{Source: left, Sink: left}, sync.Peer{Source: right, Sink: right}
	return left, right
}

// A system is down, and hundreds wait for it. What concerns other systems is as
// prompt as ever, urgent or not.
func TestAnOutageHoldsUpNoOtherSystem(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Concurrency, w.cfg.SweepInterval = 8, -1
		near, far := w.beside()
		w.start()
		for i := range 300 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i))
		}
		waiting := w.takeHooks()
		for i := range waiting[:150] {
			waiting[i].Priority = sync.Backfill
		}
		w.right.before = func(op string, ref sync.Ref) error {
			return &sync.Error{Op: op, Action: sync.RetryAt, Ref: ref, Rule: sync.RuleBreakerOpen, RetryAt: time.Now().Add(30 * time.Second), Err: errors.New("down")}
		}
		stop := w.run()
		w.enqueue(waiting...)
		for i, p := range []sync.Priority{sync.Live, sync.Backfill} {
			time.Sleep(10 * time.Second)
			for k := range 5 {
				near.create("email", fmt.Sprintf("q%d-%d@example.com", i, k))
			}
			others := w.takeHooks()
			for k := range others {
				others[k].Priority = p
			}
			w.enqueue(others...)
			time.Sleep(time.Second)
			if n := len(far.living()); n != 5*(i+1) {
				t.Errorf("%d of %d records went to a system that is up, by priority %s", n, 5*(i+1), p)
			}
		}
		w.right.tune(func() { w.right.before = nil })
		time.Sleep(5 * time.Minute)
		stop()
		w.agrees(300)
		w.noDead()
	})
}
