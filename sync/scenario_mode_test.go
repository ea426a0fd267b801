package sync_test

import (
	"context"
	"errors"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// A moody fake tells of a mode.
type moody struct{ *fake }

func (moody) Modes() []sync.Mode { return []sync.Mode{{Name: "calls wait", Why: "down"}} }

// Quotas makes it a [sync.Quoter].
func (moody) Quotas() []sync.Quota { return []sync.Quota{{Name: "day", Used: 7, Limit: 10}} }

// A mute store does not answer.
type mute struct{ sync.Store }

func (mute) Cursor(context.Context, string) (sync.Cursor, error) {
	return "", errors.New("no connection")
}

func TestHealthTellsTheModesAndWhetherItIsReady(t *testing.T) {
	bubble(t, func(w *world) {
		if h := w.engine.Health(w.ctx); !h.Ready || len(h.Modes) != 0 {
			t.Errorf("at rest: %+v", h)
		}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: moody{w.left}, Sink: w.left}
		w.start()
		if err := w.engine.Suspend(w.ctx, sync.Switch{Flow: "people", Field: "name", Why: "a wrong map"}); err != nil {
			t.Fatal(err)
		}
		h := w.engine.Health(w.ctx)
		if !h.Ready || len(h.Modes) != 2 || h.Modes[0].Why != "a wrong map" || h.Modes[0].Since.IsZero() || h.Modes[1].System != leftSystem {
			t.Errorf("with a system that is down and a switch: %+v", h)
		}
		if q := w.engine.Quotas(); len(q) != 1 || q[0] != (sync.Quota{System: leftSystem, Name: "day", Used: 7, Limit: 10}) {
			t.Errorf("quotas %+v", q)
		}
		w.cfg.Store = mute{w.store}
		w.start()
		if h := w.engine.Health(w.ctx); h.Ready || h.Store == "" || h.Queue != "" {
			t.Errorf("without a store: %+v", h)
		}
	})
}
