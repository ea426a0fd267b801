package pgqueue

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
)

// upkeep is how often Run does the housekeeping.
const upkeep = time.Hour

// keep does the housekeeping until ctx ends.
func (l *Log) keep(ctx context.Context) {
	for ctx.Err() == nil {
		if err := l.Maintain(ctx, time.Now()); err != nil && ctx.Err() == nil {
			l.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "pgqueue could not forget old IDs", slog.Any("error", err))
		}
		pause(ctx, upkeep)
	}
}

// Maintain empties the part of the memory of IDs that next week will use, if
// all in it is older than [queue.Memory]. Nothing depends on when it is
// called, once a week or so, nor on how many processes do. It empties the
// table as a whole, which costs nothing however much it holds.
func (l *Log) Maintain(ctx context.Context, now time.Time) error {
	p := pageOf(now)
	table := l.sql.Replace(fmt.Sprintf("@seen_%d", part(p.week+1)))
	var old bool
	err := l.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+")").Scan(&old)
	if err == nil && old {
		err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error { return empty(ctx, tx, table, p.day-memoryDays) })
	}
	return pgerror.Wrap("pgqueue: maintain", err)
}

// empty truncates a table unless somebody is at it or something in it is of
// the day or younger: clocks may differ.
func empty(ctx context.Context, tx pgx.Tx, table string, day int32) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '1s', true)"); err != nil {
		return err
	}
	var young bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+" WHERE day >= $1)", day).Scan(&young); err != nil || young {
		return err
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	// Again, now that nobody can add to it: what is there is in the cache.
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+" WHERE day >= $1)", day).Scan(&young); err != nil || young {
		return err
	}
	_, err := tx.Exec(ctx, "TRUNCATE "+table)
	return err
}
