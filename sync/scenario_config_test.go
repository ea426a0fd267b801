package sync_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

func usable() sync.Config {
	left, right := newFake(leftSystem, "L"), newFake(rightSystem, "R")
	return sync.Config{Store: memstore.New(), Queue: memqueue.New(nil), Flows: []*sync.Flow{people()},
		Peers: map[sync.System]sync.Peer{leftSystem: {Source: left, Sink: left}, rightSystem: {Source: right, Sink: right}}}
}

func TestConfigErrorsNameTheField(t *testing.T) {
	if _, err := sync.New(usable()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*sync.Config){
		"Config.Store":                     func(c *sync.Config) { c.Store = nil },
		"Config.Queue":                     func(c *sync.Config) { c.Queue = nil },
		"Config.Flows":                     func(c *sync.Config) { c.Flows = nil },
		"Config.Flows: ":                   func(c *sync.Config) { c.Flows = []*sync.Flow{nil} },
		"every flow needs a name":          func(c *sync.Config) { c.Flows = append(c.Flows, people()) },
		"Config.Peers":                     func(c *sync.Config) { delete(c.Peers, rightSystem) },
		`for "alpha"`:                      func(c *sync.Config) { c.Peers[leftSystem] = sync.Peer{Source: c.Peers[leftSystem].Source} },
		"Config.Concurrency":               func(c *sync.Config) { c.Concurrency = -1 },
		"Config.Lease":                     func(c *sync.Config) { c.Lease = time.Millisecond },
		"Config.PollInterval, StopTimeout": func(c *sync.Config) { c.StopTimeout = -1 },
		"Config.Backoff":                   func(c *sync.Config) { c.Backoff.Max = time.Nanosecond },
		"Config.Backoff: ":                 func(c *sync.Config) { c.Backoff.Attempts = -1 },
	} {
		cfg := usable()
		spoil(&cfg)
		_, err := sync.New(cfg)
		var e *sync.Error
		if !errors.As(err, &e) || e.Action != sync.Fatal || e.Hint == "" {
			t.Errorf("%s: got %v, want a fatal error with a hint", want, err)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to say %q", err, want)
		}
	}
}

func TestFlowErrorsNameTheRule(t *testing.T) {
	for rule, spoil := range map[string]func(*sync.Flow){
		"flow.complete":    func(f *sync.Flow) { f.Name = "" },
		"flow.distinct":    func(f *sync.Flow) { f.Right.System = leftSystem },
		"flow.fields":      func(f *sync.Flow) { f.Fields = nil },
		"field.complete":   func(f *sync.Flow) { f.Fields[1].Left = nil },
		"field.unique":     func(f *sync.Flow) { f.Fields[1].Name = f.Fields[0].Name },
		"policy.order":     func(f *sync.Flow) { f.Fields[1].Policy.Kind = sync.Monotonic },
		"policy.known":     func(f *sync.Flow) { f.Fields[1].Policy.Kind = "dice" },
		"identity.single":  func(f *sync.Flow) { f.Identity[0].Left = nil },
		"firstsync.known":  func(f *sync.Flow) { f.FirstSync.Kind = sync.Monotonic },
		"createkey.filled": func(f *sync.Flow) { f.Right.CreateKey = "nonesuch" },
	} {
		cfg := usable()
		spoil(cfg.Flows[0])
		_, err := sync.New(cfg)
		var e *sync.Error
		if !errors.As(err, &e) || e.Rule != rule || e.Hint == "" {
			t.Errorf("%s: got %v", rule, err)
		}
	}
}

func TestLeaveConditionHoldsANewRecordBack(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("name", "Ana", "source", "shop")
		w.settle()
		w.wrote()
		if _, err := w.store.Link(w.ctx, w.flow.Name, left); !errors.Is(err, sync.ErrNotFound) {
			t.Errorf("a record held back is linked: %v", err)
		}
		for _, e := range w.entries(sync.EntryDecided) {
			if e.Decision.Outcome != sync.Filtered || e.Decision.Rule != "leave: only leads" {
				t.Errorf("decision %+v, want filtered", e.Decision)
			}
		}
		w.left.edit(left, "source", "lead")
		w.settle()
		w.holds(w.right, w.link(left).Right, "fullname", "Ana")
		w.agrees(1)
		w.noDead()
	}, func(w *world) {
		w.flow.Left.Leave = func(rec sync.Record, _ []string) (bool, string, error) {
			return rec.Fields["source"].String() == "lead", "only leads", nil
		}
	})
}

func TestOneWayFlowNeverCreatesBack(t *testing.T) {
	bubble(t, func(w *world) {
		right := w.right.create("fullname", "Eva", "mail", "eva@example.com")
		w.settle()
		w.wrote()
		left := w.left.create("email", "eva@example.com") // until the left side knows her
		w.settle()
		if got := w.link(left).Right; got != right {
			t.Errorf("linked to %s, want %s", got, right)
		}
		w.agrees(1)
		w.noDead()
	}, func(w *world) { w.flow.Left.CreateKey = "" })
}
