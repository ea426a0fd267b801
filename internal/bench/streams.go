package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"
)

// A stream is the queue one writes by hand in Redis: a stream and a group of
// consumers that read, work, acknowledge and delete, 500 at a time. It has no
// keys and forgets nothing that was pushed twice.
type stream struct {
	m    *machine
	name string
}

const group = "workers"

func openStreams(ctx context.Context, m *machine) (engine, error) {
	s := &stream{m, unique()}
	return s, m.redis.XGroupCreateMkStream(ctx, s.name, group, "0").Err()
}

func (s *stream) push(ctx context.Context, msgs []message) error {
	_, err := s.m.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range msgs {
			p.XAdd(ctx, &redis.XAddArgs{Stream: s.name, Values: []any{"payload", msgs[i].payload}})
		}
		return nil
	})
	return err
}

func (s *stream) work(ctx context.Context, l *ledger) error {
	const consumers = 8
	var all errgroup.Group
	for consumer := range consumers {
		all.Go(func() error {
			for ctx.Err() == nil {
				if err := s.consume(context.WithoutCancel(ctx), strconv.Itoa(consumer), l); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return all.Wait()
}

// consume works one page, waiting for it a little.
func (s *stream) consume(ctx context.Context, consumer string, l *ledger) error {
	got, err := s.m.redis.XReadGroup(ctx, &redis.XReadGroupArgs{
		Group: group, Consumer: consumer, Streams: []string{s.name, ">"}, Count: 500, Block: 20 * time.Millisecond,
	}).Result()
	if errors.Is(err, redis.Nil) {
		return nil
	}
	if err != nil {
		return err
	}
	var ids []string
	for _, m := range got[0].Messages {
		payload, _ := m.Values["payload"].(string) // the ledger refuses what is none
		l.work([]byte(payload))
		ids = append(ids, m.ID)
	}
	_, err = s.m.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.XAck(ctx, s.name, group, ids...)
		p.XDel(ctx, s.name, ids...)
		return nil
	})
	l.done(len(ids))
	return err
}

func (s *stream) bytes(ctx context.Context) (int64, error) { return s.m.redisBytes(ctx) }

func (s *stream) close() error { return s.m.redis.Del(context.Background(), s.name).Err() }
