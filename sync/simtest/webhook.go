package simtest

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A network carries the vendors' webhooks to the receivers.
type network struct {
	w      *world
	sent   int
	flying int // on their way, or waiting to be sent again
}

// resend is when a vendor sends a webhook again that was refused.
var resend = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second}

// changed tells the world of a change to a record.
func (n *network) changed(v *vendor, ref sync.Ref, fields sync.Fields) {
	if !n.w.syncs(ref) {
		return
	}
	n.sent++
	c := sync.Change{ID: fmt.Sprintf("hook:%d", n.sent), Ref: ref, Reason: sync.ReasonWebhook, OccurredAt: v.clock()}
	if v.quirks.Claims && len(fields) > 0 && v.records[ref] != nil {
		c.Witness = map[string]string{}
		for name := range fields {
			c.Witness[name] = v.records[ref].fields[name].Digest()
		}
	}
	n.send(c)
}

// send sends an item, by way of the faults of networks. Facts are not lost:
// nobody would ever know of them again.
func (n *network) send(item sync.Item) {
	w, step, actor := n.w, "hook.change", "net"
	if f, ok := item.(sync.Fact); ok {
		step, w.check.told[f.ID] = "hook.fact", f
	}
	delay := w.span("hook", 10*time.Millisecond, 1500*time.Millisecond)
	kind := w.faults.at(actor, step, HookFaults)
	w.trace.add(step, id(item)+" "+string(kind))
	tries := len(resend)
	switch kind {
	case Lose:
		return
	case Double:
		n.fly(item, w.span("double", 0, 10*time.Second), tries)
	case Repeat:
		if c, ok := item.(sync.Change); ok {
			c.ID += ":again"
			n.fly(c, w.span("repeat", 0, time.Minute), tries)
		}
	case Delay:
		delay = w.span("delay", 5*time.Second, 2*time.Minute)
	case NoAgain:
		tries = 0
	}
	n.fly(item, delay, tries)
}

func id(item sync.Item) string {
	switch it := item.(type) {
	case sync.Change:
		return it.ID + " " + it.Ref.String()
	case sync.Fact:
		return it.ID
	}
	return ""
}

// fly delivers an item after a while to one of the processes that live.
func (n *network) fly(item sync.Item, delay time.Duration, tries int) {
	n.flying++
	w := n.w
	w.sched.after(delay, func() {
		name, up := pick(w.alive(), chance(w.seed, fmt.Sprint("receiver ", w.trace.lines)))
		if !up {
			n.refused(item, tries)
			return
		}
		p := w.procs[name]
		go func() {
			ctx, cancel := context.WithTimeout(background, 5*time.Second)
			defer cancel()
			err := p.engine.Enqueue(ctx, item)
			// The answer is a step of its own: it may never be sent.
			if err == nil {
				err = w.sched.wait(ctx, p, p.name+" answers "+id(item), 0)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if err != nil {
				n.refused(item, tries)
				return
			}
			n.flying--
			w.check.answered(item)
		}()
	})
}

// refused has an item sent again, unless its vendor has given up.
func (n *network) refused(item sync.Item, tries int) {
	n.flying--
	if tries > 0 {
		pause := resend[len(resend)-tries]
		n.fly(item, span(n.w.seed, fmt.Sprint("resend ", id(item), tries), pause, 2*pause), tries-1)
		return
	}
	if _, ok := item.(sync.Fact); ok && !n.w.faults.over {
		n.fly(item, span(n.w.seed, "keep "+id(item), time.Minute, 2*time.Minute), 0) // a vendor keeps facts until somebody takes them
	}
}
