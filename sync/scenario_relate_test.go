package sync_test

import (
	"context"
	"slices"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const deal sync.Kind = "deal"

// A house has records of two kinds: contacts, and deals that belong to them.
type house struct {
	*fake
	deals *fake
	mu    stdsync.Mutex
	made  []sync.Write // the deals that were created
}

// created returns the writes that created deals so far.
func (h *house) created() []sync.Write {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.made)
}

func (h *house) of(kind sync.Kind) *fake {
	if kind == deal {
		return h.deals
	}
	return h.fake
}

func (h *house) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	return h.of(kind).Read(ctx, kind, ids)
}

func (h *house) Match(ctx context.Context, kind sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	return h.of(kind).Match(ctx, kind, probes)
}

func (h *house) note(writes []sync.Write) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range writes {
		if w.Ref.Kind == deal && w.Ref.ID == "" {
			h.made = append(h.made, w)
		}
	}
}

func (h *house) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	h.note(writes)
	return h.of(writes[0].Ref.Kind).Apply(ctx, writes)
}

// dealing adds a flow of deals, which are created on the right with the
// contact that they name on the left.
func dealing(alpha, beta *house, required bool) func(*world) {
	return func(w *world) {
		for _, h := range []struct {
			house *house
			fake  *fake
		}{{alpha, w.left}, {beta, w.right}} {
			h.house.fake, h.house.deals = h.fake, newFake(h.fake.system, "D"+h.fake.prefix)
			h.house.deals.kind, h.house.deals.notify = deal, w.hook
			w.cfg.Peers[h.fake.system] = sync.Peer{Source: h.house, Sink: h.house}
		}
		w.cfg.Flows = append(w.cfg.Flows, &sync.Flow{
			Name: "deals",
			Left: sync.Endpoint{System: leftSystem, Kind: deal},
			Right: sync.Endpoint{System: rightSystem, Kind: deal, CreateKey: "alpha_id", Relate: []sync.Association{{
				Flow: "people", Required: required,
				Of: func(rec sync.Record) (sync.Ref, bool) {
					id := rec.Fields["contact"].String()
					return sync.Ref{System: leftSystem, Kind: contact, ID: id}, id != ""
				},
			}}},
			Fields: []sync.Field{
				{Name: "alpha id", Left: plain("id"), Right: plain("alpha_id"), Direction: sync.ToRight},
				{Name: "stage", Left: plain("stage"), Right: plain("dealstage")},
			},
		})
	}
}

func TestDealIsCreatedWithItsContact(t *testing.T) {
	var alpha, beta house
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana")
		w.look(alpha.deals.create("stage", "new", "contact", left.ID))
		w.settle()
		if len(beta.created()) != 1 || !slices.Equal(beta.created()[0].Related, []sync.Ref{right}) {
			t.Errorf("deals made %+v, want one associated with %s", beta.created(), right)
		}
		w.noDead()
	}, dealing(&alpha, &beta, true))
}

func TestDealWaitsForItsContact(t *testing.T) {
	for _, required := range []bool{true, false} {
		var alpha, beta house
		bubble(t, func(w *world) {
			left := w.left.create("name", "Ana")
			w.takeHooks() // nobody tells of the contact yet
			w.look(alpha.deals.create("stage", "new", "contact", left.ID))
			stop := w.run()
			defer stop()
			time.Sleep(10 * time.Minute)
			if made := len(beta.created()); (made == 0) != required {
				t.Fatalf("%d deals made without their contact, required: %v", made, required)
			}
			w.look(left)
			time.Sleep(time.Minute)
			if required && (len(beta.created()) != 1 || !slices.Equal(beta.created()[0].Related, []sync.Ref{w.link(left).Right})) {
				t.Errorf("deals made %+v, want one with its contact", beta.created())
			}
			w.noDead()
		}, dealing(&alpha, &beta, required))
	}
}
