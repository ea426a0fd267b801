package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// A riverEngine is River, configured as in River's own benchmark. It has no
// keys, keeps finished jobs for a day, and acknowledges behind the worker's
// back, in batches.
type riverEngine struct {
	db       *database
	inserter *river.Client[pgx.Tx]
	// unique has it drop doubles, as ours do always.
	unique bool
}

// riverJob is a message as River carries it.
type riverJob struct {
	Payload string `json:"payload"`
}

// Kind implements river.JobArgs.
func (riverJob) Kind() string { return "message" }

type riverWorker struct {
	river.WorkerDefaults[riverJob]
	ledger *ledger
}

// Work implements river.Worker.
func (w *riverWorker) Work(_ context.Context, job *river.Job[riverJob]) error {
	w.ledger.work([]byte(job.Args.Payload))
	w.ledger.done(1)
	return nil
}

func openRiver(ctx context.Context, m *machine) (engine, error) { return newRiver(ctx, m, false) }

func openRiverUnique(ctx context.Context, m *machine) (engine, error) { return newRiver(ctx, m, true) }

func newRiver(ctx context.Context, m *machine, unique bool) (engine, error) {
	db, err := m.database(ctx)
	if err != nil {
		return nil, err
	}
	r := &riverEngine{db: db, unique: unique}
	migrator, err := rivermigrate.New(riverpgxv5.New(db.Pool), &rivermigrate.Config{Logger: silent()})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	if err == nil {
		r.inserter, err = river.NewClient(riverpgxv5.New(db.Pool), &river.Config{Logger: silent()})
	}
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *riverEngine) push(ctx context.Context, msgs []message) error {
	jobs := make([]river.InsertManyParams, len(msgs))
	for i := range msgs {
		jobs[i].Args = riverJob{string(msgs[i].payload)}
	}
	if !r.unique {
		_, err := r.inserter.InsertManyFast(ctx, jobs)
		return err
	}
	for i := range jobs { // the fast way fails where there is a double
		jobs[i].InsertOpts = &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
	}
	_, err := r.inserter.InsertMany(ctx, jobs)
	return err
}

func (r *riverEngine) work(ctx context.Context, l *ledger) error {
	known := river.NewWorkers()
	river.AddWorker(known, &riverWorker{ledger: l})
	client, err := river.NewClient(riverpgxv5.New(r.db.Pool), &river.Config{
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2000}},
		FetchCooldown:     2 * time.Millisecond,
		FetchPollInterval: 20 * time.Millisecond,
		Workers:           known,
		Logger:            silent(),
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	<-ctx.Done()
	return client.Stop(context.WithoutCancel(ctx))
}

func (r *riverEngine) bytes(ctx context.Context) (int64, error) { return r.db.bytes(ctx) }

func (r *riverEngine) close() error { return r.db.drop() }

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }
