package main

import (
	"context"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/queue"
)

// An asynqEngine is asynq with 50 workers that look often. It has no keys, takes one task per
// call, and acknowledges behind the worker's back.
type asynqEngine struct {
	m      *machine
	client *asynq.Client
	queue  string
	// unique has it drop doubles, as ours do always.
	unique bool
}

func openAsynq(_ context.Context, m *machine) (engine, error) { return newAsynq(m, false), nil }

func openAsynqUnique(_ context.Context, m *machine) (engine, error) { return newAsynq(m, true), nil }

func newAsynq(m *machine, drop bool) *asynqEngine {
	return &asynqEngine{m: m, client: asynq.NewClientFromRedisClient(m.redis), queue: unique(), unique: drop}
}

// push enqueues by several goroutines, those of a key in order.
func (a *asynqEngine) push(ctx context.Context, msgs []message) error {
	const callers = 16
	var all errgroup.Group
	for caller := range min(callers, len(msgs)) {
		all.Go(func() error {
			for i := range msgs {
				if m := &msgs[i]; len(msgs) < callers && i == caller || len(msgs) >= callers && m.key%callers == caller {
					if err := a.enqueue(ctx, m); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func (a *asynqEngine) enqueue(ctx context.Context, m *message) error {
	opts := []asynq.Option{asynq.Queue(a.queue)}
	if a.unique { // an ID is known as long as its task is kept
		opts = append(opts, asynq.TaskID(m.id()), asynq.Retention(queue.Memory))
	}
	_, err := a.client.EnqueueContext(ctx, asynq.NewTask("message", m.payload), opts...)
	return err
}

func (a *asynqEngine) work(ctx context.Context, l *ledger) error {
	server := asynq.NewServerFromRedisClient(a.m.redis, asynq.Config{
		Concurrency: 50,
		// An idle server looks once a second by default.
		TaskCheckInterval: 10 * time.Millisecond,
		Queues:            map[string]int{a.queue: 1},
		LogLevel:          asynq.FatalLevel,
	})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, t *asynq.Task) error {
		l.work(t.Payload())
		l.done(1)
		return nil
	}))
	if err != nil {
		return err
	}
	<-ctx.Done()
	server.Stop()
	server.Shutdown()
	return nil
}

func (a *asynqEngine) bytes(ctx context.Context) (int64, error) { return a.m.redisBytes(ctx) }

func (a *asynqEngine) close() error {
	if err := a.m.redis.SRem(context.Background(), "asynq:queues", a.queue).Err(); err != nil {
		return err
	}
	return a.m.emptyRedis(context.Background(), "*"+a.queue+"*")
}
