package redisstore

import (
	"context"
	"encoding/json"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/sync"
)

// Link implements [sync.Links].
func (s *Store) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	call := &redisdb.Call{Script: linkScript, Keys: []string{s.key("ends"), s.key("links")}, Args: []any{end(flow, ref)}}
	switch err := redisdb.Run(ctx, s.client, call); {
	case isNil(err):
		return sync.Link{}, sync.ErrNotFound
	case err != nil:
		return sync.Link{}, s.fail("link", err)
	}
	var l sync.Link
	text, _ := call.Reply.(string)
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return sync.Link{}, damaged("link", ref, "the link")
	}
	return l, nil
}

// Links implements [sync.Links]. A link that cannot be read is passed over and
// logged.
func (s *Store) Links(ctx context.Context, flow, after string, limit int) ([]sync.Link, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	start := place(flow, after)
	first := len(start) - len(after)
	for {
		places, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("ids"), ByLex: true,
			Start: "(" + start, Stop: "(" + beyond(flow), Count: int64(limit)}).Result()
		if err != nil {
			return nil, s.fail("links", err)
		}
		if len(places) == 0 {
			return nil, nil
		}
		start = places[len(places)-1]
		for i := range places {
			places[i] = places[i][first:]
		}
		links, err := s.read(ctx, "links", places)
		if err != nil || len(links) > 0 { // none only if all of them are damaged
			return links, err
		}
	}
}

// Open implements [sync.Intents].
func (s *Store) Open(ctx context.Context, now time.Time, limit int) ([]sync.Link, error) {
	if limit <= 0 {
		return nil, ctx.Err()
	}
	ids, err := s.client.ZRangeArgs(ctx, redis.ZRangeArgs{Key: s.key("open"), ByScore: true,
		Start: "-inf", Stop: micros(now), Count: int64(limit)}).Result()
	if err != nil {
		return nil, s.fail("open", err)
	}
	return s.read(ctx, "open", ids)
}

// read returns the links of the IDs.
func (s *Store) read(ctx context.Context, op string, ids []string) ([]sync.Link, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	texts, err := s.client.HMGet(ctx, s.key("links"), ids...).Result()
	if err != nil {
		return nil, s.fail(op, err)
	}
	links := make([]sync.Link, 0, len(texts))
	for i, v := range texts {
		var l sync.Link
		text, _ := v.(string)
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			s.opts.Logger.Error("redis: a link cannot be read", "link", ids[i])
			continue
		}
		links = append(links, l)
	}
	return links, nil
}

// Base implements [sync.Bases].
func (s *Store) Base(ctx context.Context, linkID string) (sync.Base, error) {
	text, err := s.client.HGet(ctx, s.key("bases"), linkID).Result()
	switch {
	case isNil(err):
		return sync.Base{}, nil
	case err != nil:
		return sync.Base{}, s.fail("base", err)
	}
	var b sync.Base
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return sync.Base{}, damaged("base", sync.Ref{}, "the base of link "+linkID)
	}
	return b, nil
}
