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
	oldest := p.day - memoryDays
	old, err := allOlder(ctx, l.pool, table, oldest)
	if err == nil && old {
		err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error { return empty(ctx, tx, table, oldest) })
	}
	return pgerror.Wrap("pgqueue: maintain", err)
}

// empty truncates a table if, now that nobody else can add to it, all in it is
// still older than the day: clocks may differ. The lock comes first, so that
// processes wait for each other and not in a circle.
func empty(ctx context.Context, tx pgx.Tx, table string, day int32) error {
	if _, err := tx.Exec(ctx, "SELECT set_config('lock_timeout', '5s', true)"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	old, err := allOlder(ctx, tx, table, day)
	if err == nil && old {
		_, err = tx.Exec(ctx, "TRUNCATE "+table)
	}
	return err
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// allOlder reports whether there are IDs in a table and all are from before
// the day.
func allOlder(ctx context.Context, db querier, table string, day int32) (old bool, err error) {
	err = db.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+") AND NOT EXISTS (SELECT FROM "+table+" WHERE day >= $1)", day).Scan(&old)
	return old, err
}
