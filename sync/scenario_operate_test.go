package sync_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// projecting is a source that reads only some names.
type projecting struct {
	sync.Source
	names []string
}

func (p projecting) Projection(sync.Kind) []string { return p.names }

// An adapter that does not read a mapped field would make it look cleared.
func TestFlowsOfUnreadFieldsAreRefused(t *testing.T) {
	cfg := usable()
	peer := cfg.Peers[leftSystem]
	all := cfg.Flows[0].Names(sync.Left)
	cfg.Peers[leftSystem] = sync.Peer{Source: projecting{peer.Source, all}, Sink: peer.Sink}
	if _, err := sync.New(cfg); err != nil {
		t.Fatalf("all names are read: %v", err)
	}
	cfg.Peers[leftSystem] = sync.Peer{Source: projecting{peer.Source, all[:len(all)-1]}, Sink: peer.Sink}
	_, err := sync.New(cfg)
	if err == nil || !strings.Contains(err.Error(), all[len(all)-1]) || !strings.Contains(err.Error(), "flow.Names(sync.Left)") {
		t.Errorf("got %v, want an error that names the unread field and what to do", err)
	}
}

// A token that is wrong for a while strands nobody.
func TestDeniedIsTriedAgain(t *testing.T) {
	bubble(t, func(w *world) {
		denied := &sync.Error{Op: "write", Action: sync.Denied, Rule: "token", Err: errors.New("the token has expired")}
		until := time.Now().Add(30 * time.Second)
		w.right.before = func(string, sync.Ref) error {
			if time.Now().Before(until) {
				return denied
			}
			return nil
		}
		w.left.create("email", "ana@example.com", "name", "Ana")
		w.settle()
		w.noDead()
		w.agrees(1)
	})
}

// What died of one cause comes back with one call, however much it was.
func TestReplayDead(t *testing.T) {
	bubble(t, func(w *world) {
		invalid := &sync.Error{Op: "write", Action: sync.Invalid, Rule: "schema", Err: errors.New("the property is missing")}
		w.right.before = func(string, sync.Ref) error { return invalid }
		for i := range 250 {
			w.left.create("email", "p"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@example.com", "name", "Ana")
		}
		w.once()
		w.right.before = nil
		n, err := w.engine.ReplayDead(w.ctx, sync.DeadFilter{})
		if err != nil || n != 250 {
			t.Fatalf("replayed %d, error %v; want 250", n, err)
		}
		w.once()
		w.noDead()
		w.agrees(250)
	})
}
