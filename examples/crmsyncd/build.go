package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/trace"
)

// A deployment is everything that a configuration describes, composed. Nothing
// in it runs before serve does.
type deployment struct {
	cfg     *config
	log     *slog.Logger
	storage *storage
	set     *mapping.Compiled
	bird    *bird.Adapter
	hubspot *hubspot.Adapter
	settled sync.Config // of the engine
	engine  *sync.Engine
	watch   *watch
	tracer  *trace.Tracer // nil if nobody follows
	closers []func(ctx context.Context) error
}

// newDeployment opens the storage and composes the rest over it.
func newDeployment(ctx context.Context, c *config, log *slog.Logger) (*deployment, error) {
	for _, name := range c.strangers {
		log.WarnContext(ctx, "a variable is not read by anything; compare its name with crmsyncd.yaml", slog.String("variable", name))
	}
	d := &deployment{cfg: c, log: log}
	var err error
	if d.storage, err = openStorage(ctx, c, log); err != nil {
		return nil, err
	}
	d.onClose(d.storage.close)
	if err = d.compose(ctx); err != nil {
		return nil, errors.Join(err, d.close(ctx))
	}
	return d, nil
}

// compose makes the vendors' adapters, who watches, and the engine.
func (d *deployment) compose(ctx context.Context) error {
	var err error
	if d.set, err = d.cfg.compile(d.capabilities(ctx)); err != nil {
		return err
	}
	if d.bird, err = d.newBird(); err != nil {
		return problems{{Key: "bird", Hint: err.Error()}}
	}
	if d.hubspot, err = d.newHubSpot(); err != nil {
		return problems{{Key: "hubspot", Hint: err.Error()}}
	}
	d.onClose(d.hubspot.Close)
	feeds, err := d.feeds()
	if err != nil {
		return problems{{Key: "hubspot.journal", Hint: err.Error()}}
	}
	if d.watch, err = d.newWatch(); err != nil {
		return err
	}
	if d.tracer, err = d.newTracer(ctx); err != nil {
		return problems{{Key: "tracing", Hint: err.Error()}}
	}
	g := d.cfg.Engine.Guard
	d.settled = sync.Config{
		Peers: map[sync.System]sync.Peer{
			bird.System:    {Source: d.bird, Sink: d.bird},
			hubspot.System: {Source: d.hubspot, Sink: d.hubspot, Feeds: feeds},
		},
		Store: d.storage.store, Queue: d.storage.queue, Observer: d.watch.observe, Logger: d.log,
		Guard:             sync.Guard{Detachments: g.Detachments, Creations: g.Creations, Overwrites: g.Overwrites, Conflicts: g.Conflicts, Duplicates: g.Duplicates},
		HistoryByBackfill: d.cfg.Engine.HistoryByBackfill, Concurrency: d.cfg.Engine.Concurrency, SweepInterval: d.cfg.Engine.SweepInterval,
		InventoryInterval: d.cfg.Engine.InventoryInterval, StopTimeout: d.cfg.Engine.StopTimeout,
	}
	if d.tracer != nil { // a nil one in an interface is not nobody
		d.settled.Tracer = d.tracer
	}
	d.set.AddTo(&d.settled)
	if d.engine, err = sync.New(d.settled); err != nil {
		return problems{{Key: "mapping", Hint: err.Error()}}
	}
	return nil
}

// learned is the cursor under which setup keeps what the account can do, for
// the other commands and processes.
const learned = "crmsyncd:unique activities"

// capabilities tells of which activities HubSpot keeps the key unique. Where
// nobody knows, they are looked for before they are made again.
func (d *deployment) capabilities(ctx context.Context) map[sync.Kind]bool {
	var unique map[sync.Kind]bool
	cursor, err := d.storage.store.Cursor(ctx, learned)
	if err != nil || cursor == "" || json.Unmarshal([]byte(cursor), &unique) != nil {
		return nil
	}
	return unique
}

// learn keeps them.
func (d *deployment) learn(ctx context.Context, unique map[sync.Kind]bool) error {
	text, err := json.Marshal(unique)
	if err != nil {
		return err
	}
	before, err := d.storage.store.Cursor(ctx, learned)
	if err != nil || before == sync.Cursor(text) {
		return err
	}
	return d.storage.store.SetCursor(ctx, learned, before, sync.Cursor(text))
}

func (d *deployment) onClose(f func(ctx context.Context) error) { d.closers = append(d.closers, f) }

// close closes everything in the reverse order.
func (d *deployment) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer cancel()
	var err error
	for _, f := range slices.Backward(d.closers) {
		err = errors.Join(err, f(ctx))
	}
	return err
}
