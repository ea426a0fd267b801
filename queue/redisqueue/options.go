package redisqueue

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// Options tune a log.
type Options struct {
	// Prefix begins every key and channel, in braces, so that several queues
	// share a server. Default: "crmsync". It holds no braces itself.
	Prefix string
	// Shards is the number of shards, fixed when the queue is first used.
	// More than the processes over it is enough. Default: 64.
	Shards int
	// Spread gives each shard a slot of its own in a Redis Cluster, so that
	// the masters share the work. The price: a message is known by its ID only
	// within its shard, so an ID pushed under two keys can be two messages.
	// Without it the whole queue is in one slot. Fixed like Shards.
	Spread bool
	// MaxPayload is the longest payload in bytes. Default: 1 MiB.
	MaxPayload int
	// RequireDurable has [Log.Check] refuse a server that may lose what it
	// has acknowledged.
	RequireDurable bool
	// Logger is told what Check found, corrupted entries and a lost
	// subscription; nil is silent.
	Logger *slog.Logger
}

func (o *Options) withDefaults() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
	if c.Prefix == "" {
		c.Prefix = "crmsync"
	}
	if c.Shards == 0 {
		c.Shards = 64
	}
	if c.MaxPayload == 0 {
		c.MaxPayload = 1 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case strings.ContainsAny(c.Prefix, "{}"):
		return c, optionError("Prefix", "braces decide the slot of a key; leave them out")
	case c.Shards < 0 || c.Shards > 4096:
		return c, optionError("Shards", "use 1 to 4096, or 0 for the default")
	case c.MaxPayload < 0:
		return c, optionError("MaxPayload", "use a positive number, or 0 for the default")
	}
	return c, nil
}

// format describes how the log is laid out. It is stored with the first use.
func (o *Options) format() string {
	return fmt.Sprintf("crmsync queue 2, %d shards, spread %v", o.Shards, o.Spread)
}

func optionError(field, hint string) error {
	return &sync.Error{Op: "redisqueue: new", Action: sync.Fatal, Field: field, Rule: "options.valid", Hint: hint,
		Err: errors.New("the option is not usable")}
}
