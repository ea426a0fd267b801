package redisstore

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/sync"
)

// A Store is a [sync.Store] and [sync.Permits] on Redis. It is safe for
// concurrent use, by many processes.
type Store struct {
	client redis.UniversalClient
	opts   Options
	known  atomic.Bool // the stored format is ours
}

var (
	_ sync.Store   = (*Store)(nil)
	_ sync.Permits = (*Store)(nil)
)

// New returns a store over the client, which remains its caller's to close. It
// does no I/O: see [Store.Check].
func New(client redis.UniversalClient, opts *Options) (*Store, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, optionError("client", "give a client of go-redis")
	}
	if redisdb.ReadsReplicas(client) {
		return nil, optionError("client", redisdb.MastersHint)
	}
	return &Store{client: client, opts: o}, nil
}

// Check looks at the server, or at every master of a cluster. It fails when a
// server is older than Redis 7 or a replica, or when another version of the
// library laid out what is stored. It returns, and logs, in plain words what
// the server may lose; with [Options].RequireDurable that is an error. Call it
// once at the start.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	h := redisdb.Health{Op: "redisstore: check", RequireDurable: s.opts.RequireDurable, Logger: s.opts.Logger}
	warnings, err := h.Check(ctx, s.client)
	if err != nil {
		return warnings, err
	}
	return warnings, s.ready(ctx, "check")
}

// format describes how the store is laid out. It is stored with the first use.
const format = "crmsync store 1"

// ready makes sure, once, that what is stored has this layout.
func (s *Store) ready(ctx context.Context, op string) error {
	if s.known.Load() {
		return nil
	}
	if err := redisdb.Claim(ctx, s.client, s.key("format"), format); err != nil {
		return s.fail(op, err)
	}
	s.known.Store(true)
	return nil
}

// key names what the store keeps. The braces put all of it into one slot.
func (s *Store) key(parts ...string) string {
	name := "{" + s.opts.Prefix + "}:store"
	for _, p := range parts {
		name += ":" + p
	}
	return name
}

// yes runs a script that says whether things were as the caller believed.
func (s *Store) yes(ctx context.Context, op string, call *redisdb.Call) error {
	if err := s.ready(ctx, op); err != nil {
		return err
	}
	if err := redisdb.Run(ctx, s.client, call); err != nil {
		return s.fail(op, err)
	}
	if n, _ := call.Reply.(int64); n == 0 {
		return sync.ErrStale
	}
	return nil
}

func (s *Store) fail(op string, err error) error { return redisdb.Error("redisstore: "+op, err) }

// damaged is the error of what cannot be read.
func damaged(op string, ref sync.Ref, what string) error {
	return &sync.Error{Op: "redisstore: " + op, Action: sync.Fatal, Ref: ref, Rule: "store.damaged",
		Hint: "look for what else writes to the prefix; restore a snapshot or delete what is damaged",
		Err:  fmt.Errorf("%s cannot be read", what)}
}

// newCall returns a name for a call. A client that gets no answer sends a call
// again; by its name the scripts know that it had its effect.
func newCall() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return string(b[:])
}

// name writes a record's name without ambiguity.
func name(r sync.Ref) string {
	return strconv.Itoa(len(r.System)) + ":" + strconv.Itoa(len(r.Kind)) + ":" + string(r.System) + string(r.Kind) + r.ID
}

// end names a record within a flow, "" if there is none.
func end(flow string, r sync.Ref) string {
	if r.Zero() {
		return ""
	}
	return strconv.Itoa(len(flow)) + ":" + flow + name(r)
}

// place is where a link stands among the IDs: those of a flow follow one
// another in the order of their bytes.
func place(flow, id string) string { return fmt.Sprintf("%08x%s\x00%s", len(flow), flow, id) }

// beyond is above all places of a flow.
func beyond(flow string) string { return fmt.Sprintf("%08x%s\x01", len(flow), flow) }

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// encode writes a value as JSON.
func encode(op string, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, &sync.Error{Op: "redisstore: " + op, Action: sync.Fatal, Rule: "store.encode",
			Hint: "times must lie between the years 0 and 9999", Err: err}
	}
	return text, nil
}

var errReply = errors.New("the script gave another answer than expected")

func isNil(err error) bool { return errors.Is(err, redis.Nil) }
