package redisstore

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/sync"
)

// A client gives up long before a call is forgotten.
const remembered = 10 * time.Minute

// Append implements [sync.Audit].
func (s *Store) Append(ctx context.Context, entries ...sync.Entry) error {
	if len(entries) == 0 {
		return ctx.Err()
	}
	call := &redisdb.Call{Script: appendScript, Keys: []string{s.key("calls", newCall())}, Args: []any{remembered.Milliseconds()}}
	if err := s.addEntries("append", call, entries); err != nil {
		return err
	}
	return s.yes(ctx, "append", call)
}

// addEntries gives a call the entries to add.
func (s *Store) addEntries(op string, call *redisdb.Call, entries []sync.Entry) error {
	call.Keys = append(call.Keys, s.key("audit"), s.key("keys"), s.key("seq"))
	call.Args = append(call.Args, len(entries))
	for i := range entries {
		e := entries[i]
		e.Seq = 0
		text, err := encode(op, &e)
		if err != nil {
			return err
		}
		indexes, flows := s.indexes(&e)
		call.Keys = append(append(call.Keys, indexes...), flows...)
		call.Args = append(call.Args, e.Key, text, len(indexes), len(flows))
	}
	return nil
}

// indexes names the lists in which an entry is found by its link and records,
// and the bits by which it is found by its flow.
func (s *Store) indexes(e *sync.Entry) (indexes, flows []string) {
	if e.Link != "" {
		indexes = append(indexes, s.byLink(e.Link))
	}
	if !e.Left.Zero() {
		indexes = append(indexes, s.byRef(e.Left))
	}
	if !e.Right.Zero() && e.Right != e.Left {
		indexes = append(indexes, s.byRef(e.Right))
	}
	if e.Flow != "" {
		flows = append(flows, s.byFlow(e.Flow))
	}
	return indexes, flows
}

func (s *Store) byLink(id string) string   { return s.key("of", "link", id) }
func (s *Store) byRef(r sync.Ref) string   { return s.key("of", "record", name(r)) }
func (s *Store) byFlow(flow string) string { return s.key("of", "flow", flow) }
func entryID(seq int64) string             { return strconv.FormatInt(seq, 10) + "-0" }
func matches(f *sync.AuditFilter) bool     { return f.Link != "" || !f.Ref.Zero() || f.Flow != "" }

// Entries implements [sync.Audit]. The cost is that of the entries that the
// first of link, record and flow selects. One that cannot be read is passed
// over and logged.
func (s *Store) Entries(ctx context.Context, f sync.AuditFilter) ([]sync.Entry, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	f.After = max(f.After, 0)
	var out []sync.Entry
	for after := f.After; ; {
		found, err := s.page(ctx, &f, after)
		if err != nil {
			return nil, s.fail("entries", err)
		}
		for _, m := range found {
			after = max(after, seqOf(m.ID))
			if e, ok := s.decode(m); ok && f.Matches(&e) {
				if out = append(out, e); len(out) == f.Limit {
					return out, nil
				}
			}
		}
		if len(found) < f.Limit {
			return out, nil
		}
	}
}

// page returns the next entries that may match, Limit of them while there are
// more.
func (s *Store) page(ctx context.Context, f *sync.AuditFilter, after int64) ([]redis.XMessage, error) {
	if !matches(f) {
		return s.client.XRangeN(ctx, s.key("audit"), "("+entryID(after), "+", int64(f.Limit)).Result()
	}
	seqs, err := s.seqs(ctx, f, after)
	if err != nil || len(seqs) == 0 {
		return nil, err
	}
	pipe := s.client.Pipeline()
	cmds := make([]*redis.XMessageSliceCmd, len(seqs))
	for i, seq := range seqs {
		cmds[i] = pipe.XRange(ctx, s.key("audit"), entryID(seq), entryID(seq))
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return nil, err
	}
	out := make([]redis.XMessage, len(seqs))
	for i, cmd := range cmds {
		out[i].ID = entryID(seqs[i]) // also of one that is gone, so that the page is full
		for _, m := range cmd.Val() {
			out[i] = m
		}
	}
	return out, nil
}

// seqs lists entries by the narrowest index.
func (s *Store) seqs(ctx context.Context, f *sync.AuditFilter, after int64) ([]int64, error) {
	index := ""
	switch {
	case f.Link != "":
		index = s.byLink(f.Link)
	case !f.Ref.Zero():
		index = s.byRef(f.Ref)
	default:
		call := &redisdb.Call{Script: flowScript, Keys: []string{s.byFlow(f.Flow)}, Args: []any{after, f.Limit}}
		if err := redisdb.Run(ctx, s.client, call); err != nil {
			return nil, err
		}
		reply, _ := call.Reply.([]any)
		seqs := make([]int64, len(reply))
		for i := range reply {
			seqs[i], _ = reply[i].(int64)
		}
		return seqs, nil
	}
	texts, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{Key: index, ByScore: true,
		Start: "(" + strconv.FormatInt(after, 10), Stop: "+inf", Count: int64(f.Limit)}).Result()
	if err != nil {
		return nil, err
	}
	seqs := make([]int64, len(texts))
	for i, text := range texts {
		seqs[i], err = strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, damaged("entries", f.Ref, "an index of the audit")
		}
	}
	return seqs, nil
}

// decode reads an entry. One that is gone is passed over in silence.
func (s *Store) decode(m redis.XMessage) (sync.Entry, bool) {
	var e sync.Entry
	if len(m.Values) == 0 {
		return e, false
	}
	text, _ := m.Values["e"].(string)
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		s.opts.Logger.Error("redis: an audit entry cannot be read", "seq", m.ID)
		return e, false
	}
	e.Seq = seqOf(m.ID)
	return e, true
}

// seqOf is the number of an entry, 0 if it has none.
func seqOf(id string) int64 {
	for i := range len(id) {
		if id[i] == '-' {
			id = id[:i]
			break
		}
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
