package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// A heldRow is how an engine in PostgreSQL fares while a transaction
// elsewhere stays open, which keeps the server from cleaning up: how long
// messages wait, in milliseconds, before it began and while it lasted.
type heldRow struct {
	Engine  string  `json:"engine"`
	Rate    int     `json:"messages_per_s"`
	Held    float64 `json:"held_s"`
	Before  float64 `json:"p99_ms_before"`
	P50     float64 `json:"p50_ms_held"`
	P99     float64 `json:"p99_ms_held"`
	Last    float64 `json:"p99_ms_last_quarter"`
	CPU     float64 `json:"cpu_us_per_message_before"`
	CPUHeld float64 `json:"cpu_us_per_message_held"`
	// Kept is whether the work kept up: when the last message was pushed,
	// not more than a second's worth waited.
	Kept bool `json:"kept_up"`
}

// held sends 3,000 messages a second through the engines in PostgreSQL, at
// first alone, then with a transaction open for 40 s.
func (b *bench) held(ctx context.Context) error {
	for i := range makers {
		k := &makers[i]
		if k.name != "pgqueue" && k.name != "river" && k.name != "skip locked" || !b.takesPart(k.name) {
			continue
		}
		row, err := b.hold(ctx, k, b.lasting(5*time.Second), b.lasting(40*time.Second))
		if err != nil {
			return err
		}
		progress("held, %s: p99 %.1f ms before, %.1f ms held", k.name, row.Before, row.P99)
		b.report.Held = append(b.report.Held, row)
	}
	return nil
}

func (b *bench) hold(ctx context.Context, k *maker, before, held time.Duration) (heldRow, error) {
	const groups, size = 100, 30
	f := flow{groups: groups, size: size, lasts: before + held}
	var used [3]time.Duration
	lags, err := f.run(ctx, b.machine, k, func(ctx context.Context, e engine) (err error) {
		if used[0], err = b.cpu(ctx); err != nil {
			return err
		}
		pause(ctx, before)
		if used[1], err = b.cpu(ctx); err != nil {
			return err
		}
		if err := e.(inPostgres).database().pin(ctx, held); err != nil {
			return err
		}
		used[2], err = b.cpu(ctx)
		return err
	})
	if err != nil {
		return heldRow{}, err
	}
	cut := int(before.Seconds()*groups) * size
	first, rest := lags[:cut], lags[cut:]
	each := func(from, to, n int) float64 { return float64((used[to] - used[from]).Microseconds()) / float64(n) }
	return heldRow{
		Engine: k.name, Rate: groups * size, Held: held.Seconds(), Before: quantile(first, 0.99),
		P50: quantile(rest, 0.5), P99: quantile(rest, 0.99), Last: quantile(rest[len(rest)*3/4:], 0.99),
		CPU: each(0, 1, len(first)), CPUHeld: each(1, 2, len(rest)),
		Kept: quantile(rest[len(rest)-size:], 1) < 1000,
	}, nil
}

// inPostgres is an engine with a database of its own.
type inPostgres interface{ database() *database }

func (o *ours) database() *database        { return o.db }
func (r *riverEngine) database() *database { return r.db }
func (s *skipLocked) database() *database  { return s.db }

// pin holds a snapshot and a transaction number for a time, on a connection
// that is not of the engine's pool.
func (d *database) pin(ctx context.Context, lasts time.Duration) error {
	conn, err := pgx.ConnectConfig(ctx, d.Config().ConnConfig.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_current_xact_id()"); err != nil {
		return err
	}
	pause(ctx, lasts)
	return tx.Rollback(context.WithoutCancel(ctx))
}
