package redisstore

import (
	"errors"
	"log/slog"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// Options tune a store.
type Options struct {
	// Prefix begins every key, in braces, so that several deployments share a
	// server, and so that a commit touches one slot of a cluster. Default:
	// "crmsync". It holds no braces itself. A queue may have the same.
	Prefix string
	// RequireDurable has [Store.Check] refuse a server that may lose what it
	// has acknowledged.
	RequireDurable bool
	// Logger is told what Check found and what is damaged; nil is silent.
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if strings.ContainsAny(c.Prefix, "{}") {
		return c, optionError("Prefix", "braces decide the slot of a key; leave them out")
	}
	return c, nil
}

func optionError(field, hint string) error {
	return &sync.Error{Op: "redisstore: new", Action: sync.Fatal, Field: field, Rule: "options.valid", Hint: hint,
		Err: errors.New("the option is not usable")}
}
