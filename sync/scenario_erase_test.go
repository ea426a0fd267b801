package sync_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// An erasing fake erases for good, once it can.
type erasing struct {
	*fake
	down bool
}

func (e *erasing) Erase(_ context.Context, _ sync.Kind, ids []string) ([]error, error) {
	if e.down {
		return nil, &sync.Error{Op: "erase", Action: sync.Retry}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range ids {
		delete(e.records, e.resolve(id))
	}
	return make([]error, len(ids)), nil
}

// dump is all that store, queue and dead letters hold.
func (w *world) dump() string {
	w.Helper()
	entries, err := sync.ReadAudit(w.ctx, w.store, sync.AuditFilter{Limit: 1 << 20})
	if err != nil {
		w.Fatal(err)
	}
	links, err := w.store.Links(w.ctx, "people", "", 1000)
	if err != nil {
		w.Fatal(err)
	}
	var bases []sync.Base
	for _, l := range links {
		b, err := w.store.Base(w.ctx, l.ID)
		if err != nil {
			w.Fatal(err)
		}
		bases = append(bases, b)
	}
	dead, payloads := w.dead(), w.waiting()
	for i := range dead {
		payloads = append(payloads, string(dead[i].Message.Payload))
	}
	out, err := json.Marshal([]any{entries, links, bases, dead, payloads})
	if err != nil {
		w.Fatal(err)
	}
	return string(out)
}

// waiting returns the payloads in the queue.
func (w *world) waiting() (payloads []string) {
	w.Helper()
	var spans []queue.Span
	for shard := range w.log.Shards() {
		for p := range sync.Priorities {
			spans = append(spans, queue.Span{Shard: shard, Priority: sync.Priority(p), Limit: 1000})
		}
	}
	pages, err := w.log.Read(w.ctx, spans)
	if err != nil {
		w.Fatal(err)
	}
	for _, page := range pages {
		for i := range page.Entries {
			payloads = append(payloads, string(page.Entries[i].Message.Payload))
		}
	}
	return payloads
}

func TestEraseLeavesNoTraceAndNothingBringsItBack(t *testing.T) {
	bubble(t, func(w *world) {
		beta := &erasing{fake: w.right, down: true}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: beta, Sink: beta}
		alpha := &erasing{fake: w.left}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: alpha, Sink: alpha}
		w.start()
		left, right := w.pair("email", "quetzal@example.com", "name", "Quetzal", "msisdn", "+57 300 000 0001")
		other, otherRight := w.pair("email", "other@example.com", "name", "Other")
		w.left.edit(left, "name", "Quetzal Gil")
		w.settle()
		w.left.edit(left, "msisdn", "call Quetzal")
		w.settle() // ends in the dead letters
		if before := w.dump(); strings.Count(before, "uetzal") == 0 || len(w.dead()) == 0 {
			t.Fatal("there is nothing to erase")
		}

		if _, err := w.engine.Erase(w.ctx, "people", left); err == nil {
			t.Fatal("the right system is down, yet all was erased")
		}
		w.left.edit(other, "name", "Still in step")
		w.settle()
		w.holds(w.right, otherRight, "fullname", "Still in step")
		beta.down = false
		receipt, err := w.engine.Erase(w.ctx, "people", right)
		if err != nil || receipt.Left != left || receipt.Right != right || receipt.Erased != [2]bool{true, true} {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
		if left := w.dump(); strings.Contains(left, "uetzal") || strings.Contains(left, "+57 300") || strings.Contains(left, "+57300") {
			t.Errorf("a trace is left: %s", left)
		}
		if e := w.entries(sync.EntryErased); len(e) != 1 || e[0].Note != receipt.ID {
			t.Errorf("the audit has the receipts %+v", e)
		}

		w.look(left, right) // late webhooks
		late := fact("late", left)
		late.Data = map[string]any{"text": "from Quetzal"}
		w.accept(late)
		time.Sleep(time.Minute)
		w.settle()
		if len(w.right.living()) != 1 || len(w.left.living()) != 1 || len(w.dead()) != 0 {
			t.Errorf("%d left and %d right records, %d dead letters; somebody came back", len(w.left.living()), len(w.right.living()), len(w.dead()))
		}
		if left := w.dump(); strings.Contains(left, "uetzal") {
			t.Errorf("a trace came back: %s", left)
		}
		w.agrees(1)
		if _, err := w.engine.Erase(w.ctx, "people", w.left.ref("L99")); !errors.Is(err, sync.ErrNotFound) {
			t.Errorf("erasing a stranger: %v", err)
		}
	})
}
