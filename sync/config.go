package sync

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// A Peer is a system as the engine reaches it; an adapter is both. Matcher,
// Historian, Chronicler, Skewer, Snapshotter, Projector and Degrader are looked for on the Source,
// so a wrapper around one must pass on those it should keep.
type Peer struct {
	Source Source
	Sink   Sink
	// Feeds are further streams of the system's changes, such as a journal
	// or a second, slower sweep.
	Feeds []Pull
}

// A Pull is a [Feed] that the engine asks at intervals.
type Pull struct {
	// Name tells the feed's cursor from others of its system.
	Name string
	Feed Feed
	// Every is the interval between two questions when the feed is at its
	// end, Config.SweepInterval by default.
	Every time.Duration
}

// Config is what an engine is made of. Peers, Flows, Store and Queue are
// required; the zero value of every other field means its default.
type Config struct {
	// Flows are what to keep in step.
	Flows []*Flow
	// Activities are what facts are recorded as.
	Activities []*Activity
	// Triggers make facts of transitions.
	Triggers []Trigger
	// Peers are the systems that the flows and activities name.
	Peers map[System]Peer
	Store Store
	Queue Queue

	// Backoff shapes the waits between attempts.
	Backoff Backoff
	// Guard bounds what a flow may do in an hour.
	Guard Guard
	// Concurrency is how many lanes are worked on at once, 512 by default.
	Concurrency int
	// Lease is how long a lane and a pair are held at most, 1 minute by
	// default. Work on one lane is cancelled shortly before it ends.
	Lease time.Duration
	// Logger gets what a person should see; nil is silent.
	Logger *slog.Logger
	// Observer is told everything; nil is nobody.
	Observer Observer
	// Tracer follows work through the engine; nil is nobody.
	Tracer Tracer
	// HistoryByBackfill leaves records that last changed before the first sweep
	// of this deployment to [Engine.Backfill] with its stages and limits. By
	// default, false, the first sweep of a system brings every record that it
	// has. The moment is kept in the store in any case, so that what changes
	// while no process runs is swept, also when this is set later.
	HistoryByBackfill bool
	// InventoryInterval is how often Run takes an [Engine.Inventory] of each
	// system that can list its records. By default, 0, never: an inventory looks
	// at every record that no link knows, and the first load of an account with
	// a history is better done by [Engine.Backfill], in stages. After that a
	// day is a good choice.
	InventoryInterval time.Duration
	// DeadRetention is how long dead letters are kept: Run discards older ones,
	// as [Engine.DiscardDead] does. By default, 0, for ever; give it more than
	// people need to mend a cause and replay, such as 30 days.
	DeadRetention time.Duration
	// PollInterval is how often the queue is asked when it has not hinted at
	// new work, 50 ms by default.
	PollInterval time.Duration
	// SnapshotAge is how old a [Snapshotter]'s state of a record may be to
	// stand for the read before a write to that record. By default, 0, every
	// write is preceded by a read. A longer age saves a call for each write,
	// but an edit made in that time is overwritten, and only a [Chronicler]
	// tells of it afterwards.
	SnapshotAge time.Duration
	// StopTimeout is how long work under way may finish after a context ended,
	// 20 s by default.
	StopTimeout time.Duration
	// SweepInterval is how often each source is asked for changes that no
	// webhook brought, 1 minute by default; negative never.
	SweepInterval time.Duration
}

// withDefaults returns a copy with every default filled in.
func (c Config) withDefaults() Config {
	c.Backoff = c.Backoff.withDefaults()
	if c.Concurrency == 0 {
		c.Concurrency = 512
	}
	setDefault(&c.Lease, time.Minute)
	setDefault(&c.PollInterval, 50*time.Millisecond)
	setDefault(&c.StopTimeout, 20*time.Second)
	setDefault(&c.SweepInterval, time.Minute)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = func(Event) {}
	}
	return c
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// validate names the first field that makes the engine unusable.
func (c *Config) validate() error {
	bad := func(field, hint string) error {
		return &Error{Op: "new engine", Action: Fatal, Field: "Config." + field, Rule: "config", Hint: hint,
			Err: errors.New("the configuration is not usable")}
	}
	switch {
	case c.Store == nil:
		return bad("Store", "give the engine a store, such as memstore.New()")
	case c.Queue == nil:
		return bad("Queue", "give the engine a queue, such as memqueue.New(nil)")
	case len(c.Flows) == 0:
		return bad("Flows", "give the engine at least one flow")
	case c.Concurrency < 1:
		return bad("Concurrency", "use 1 or more")
	case !c.Guard.validate():
		return bad("Guard", "use no negative bounds, and shares from 0 to 1")
	case c.Lease < time.Second:
		return bad("Lease", "use 1 s or more")
	case c.PollInterval < 0 || c.StopTimeout < 0 || c.SnapshotAge < 0 || c.InventoryInterval < 0 || c.DeadRetention < 0:
		return bad("PollInterval, StopTimeout, SnapshotAge, InventoryInterval, DeadRetention", "use positive durations")
	}
	names := map[string]bool{}
	for _, f := range c.Flows {
		if f == nil || names[f.Name] {
			return bad("Flows", "every flow needs a name of its own")
		}
		names[f.Name] = true
		if err := f.Validate(); err != nil {
			return err
		}
		for _, s := range []Side{Left, Right} {
			end := f.End(s)
			peer := c.Peers[end.System]
			if peer.Source == nil || peer.Sink == nil {
				return bad("Peers", fmt.Sprintf("flow %s needs a source and a sink for %q", f.Name, end.System))
			}
			if name := badFeed(peer.Feeds); name != "" {
				return bad("Peers", fmt.Sprintf("the feed %q of %q needs a name of its own, a Feed and a positive interval", name, end.System))
			}
			if name := unread(peer.Source, end.Kind, f.Names(s)); name != "" {
				return bad("Peers", fmt.Sprintf("flow %s maps %q, which the adapter of %q does not read; "+
					"give the adapter all the names of flow.Names(sync.%s)", f.Name, name, end.System, title(s)))
			}
		}
	}
	return errors.Join(c.validateAssociations(bad, names), c.validateActivities(bad, names), c.Backoff.validate(bad))
}

// validateAssociations names the first association that leads nowhere.
func (c *Config) validateAssociations(bad func(field, hint string) error, flows map[string]bool) error {
	for _, f := range c.Flows {
		for _, s := range []Side{Left, Right} {
			for _, a := range f.End(s).Relate {
				if a.Of == nil || !flows[a.Flow] || a.Flow == f.Name {
					return bad("Flows", fmt.Sprintf("an association of flow %s needs another flow of the configuration and a function that names the record", f.Name))
				}
			}
		}
	}
	return nil
}

// validateActivities names the first activity or trigger that is not usable.
func (c *Config) validateActivities(bad func(field, hint string) error, flows map[string]bool) error {
	seen := map[string]bool{}
	for _, a := range c.Activities {
		if a == nil || seen[a.Name] {
			return bad("Activities", "every activity needs a name of its own")
		}
		seen[a.Name] = true
		if err := a.validate(c, flows); err != nil {
			return err
		}
	}
	clear(seen)
	for i := range c.Triggers {
		t := &c.Triggers[i]
		if seen[t.Name] {
			return bad("Triggers", "every trigger needs a name of its own")
		}
		seen[t.Name] = true
		if err := t.validate(c.Flows); err != nil {
			return err
		}
	}
	return nil
}

// badFeed returns the name of a feed that is not usable, "" if there is none.
func badFeed(feeds []Pull) string {
	seen := map[string]bool{}
	for i, f := range feeds {
		if f.Name == "" || f.Feed == nil || f.Every < 0 || seen[f.Name] {
			return fmt.Sprintf("%d %s", i, f.Name)
		}
		seen[f.Name] = true
	}
	return ""
}

// unread returns a name that a source does not read, "" if there is none.
func unread(source Source, kind Kind, names []string) string {
	p, ok := source.(Projector)
	if !ok {
		return ""
	}
	reads := p.Projection(kind)
	for _, n := range names {
		if n != IDField && !slices.Contains(reads, n) {
			return n
		}
	}
	return ""
}

// title returns the name of the constant.
func title(s Side) string {
	if s == Left {
		return "Left"
	}
	return "Right"
}
