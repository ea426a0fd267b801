package pgqueue

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/queue"
)

// deleteSQL removes the entries of those fences that hold, and returns these.
// The shards' rows are locked, in order, so that none changes hands before the
// entries are gone. The entries are found one by one: a join against a table
// that is almost always empty would be planned badly.
const deleteSQL = `
WITH held AS MATERIALIZED (
	SELECT f.n FROM unnest($1::int2[], $2::int8[]) WITH ORDINALITY f(shard, token, n)
	CROSS JOIN LATERAL (SELECT FROM @shard s WHERE s.shard = f.shard AND s.token = f.token FOR SHARE) s
), gone AS (
	DELETE FROM @message WHERE ctid = ANY (ARRAY(
		SELECT m.ctid FROM unnest($3::int8[], $4::int2[], $5::int2[], $6::int8[]) d(n, shard, priority, seq)
		CROSS JOIN LATERAL (SELECT m.ctid FROM @message m
			WHERE m.shard = d.shard AND m.priority = d.priority AND m.seq = d.seq LIMIT 1) m
		WHERE (d.n IN (SELECT h.n FROM held h)) IS TRUE))
)
SELECT n FROM held`

// deletion is a call of Delete that waits for company.
type deletion struct {
	fence   queue.Fence
	entries []queue.Pos
}

// Delete implements [queue.Log]. Calls that come while another is under way
// share the next transaction.
func (l *Log) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	held, err := l.deletes.Do(ctx, deletion{fence, slices.Clone(entries)})
	if err != nil {
		return pgerror.Wrap("pgqueue: delete", err)
	}
	return fenced(held[0])
}

func fenced(held bool) error {
	if !held {
		return queue.ErrFenced
	}
	return nil
}

// deleteAll carries out calls that came together and tells of each whether
// its fence held.
func (l *Log) deleteAll(ctx context.Context, calls []deletion) ([]bool, error) {
	var d deletes
	index := d.fences(calls)
	for i, c := range calls {
		for _, e := range c.entries {
			d.add(index[i], c.fence.Shard, e)
		}
	}
	held := make([]bool, len(d.shard)+1)
	err := l.guarded(ctx, func(b *pgx.Batch) {
		b.Queue(l.sql.Replace(deleteSQL), d.shard, d.token, d.n, d.of, d.priority, d.seq).Query(func(rows pgx.Rows) error {
			ns, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			for _, n := range ns {
				held[n] = true
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(calls))
	for i := range calls {
		out[i] = held[index[i]]
	}
	return out, nil
}

// deletes are the arguments of deleteSQL.
type deletes struct {
	shard    []int16 // of the fences
	token    []int64
	n        []int64 // the entry's fence, from 1
	of       []int16 // the entry's shard
	priority []int16
	seq      []int64
}

// fences lists the distinct fences in the order in which their shards are
// locked, and returns the number of each call's.
func (d *deletes) fences(calls []deletion) []int64 {
	order := make([]queue.Fence, len(calls))
	for i, c := range calls {
		order[i] = c.fence
	}
	compare := func(a, b queue.Fence) int { return cmp.Or(a.Shard-b.Shard, cmp.Compare(a.Token, b.Token)) }
	slices.SortFunc(order, compare)
	order = slices.Compact(order)
	for _, f := range order {
		d.shard, d.token = append(d.shard, int16(f.Shard)), append(d.token, int64(f.Token))
	}
	index := make([]int64, len(calls))
	for i, c := range calls {
		n, _ := slices.BinarySearchFunc(order, c.fence, compare)
		index[i] = int64(n + 1)
	}
	return index
}

func (d *deletes) add(n int64, shard int, e queue.Pos) {
	d.n, d.of = append(d.n, n), append(d.of, int16(shard))
	d.priority, d.seq = append(d.priority, int16(e.Priority)), append(d.seq, int64(e.Seq))
}
