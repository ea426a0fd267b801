package pgstore

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// write makes changes in two round trips: one takes the lock and reads what
// the changes depend on, the other stores what became of it. A connection that
// fails in between is closed by the pool, and the server takes it back.
func (s *Store) write(ctx context.Context, changes []*change) ([]outcome[struct{}], error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	st, err := s.load(ctx, conn, changes)
	if err != nil {
		return nil, err
	}
	refused := st.apply(changes)
	err = s.save(ctx, conn, st)
	if pgerror.Is(err, "23505") { // somebody wrote past the lock
		err = sync.ErrStale
	}
	return refused, err
}

const (
	// A process that stands still in the middle is put out, so that it does
	// not hold up the others. Plans made while the tables are small must do
	// when they are not. The lock is a statement of its own: those after it
	// see what the holder before has committed.
	beginSQL = `SELECT set_config('idle_in_transaction_session_timeout', '5s', true), set_config('jit', 'off', true),
		set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`
	lockSQL = `SELECT pg_advisory_xact_lock($1)`
	linkSQL = `SELECT id, generation, coalesce(intent, ''), expires FROM @link WHERE id = ANY ($1)`
	endsSQL = `SELECT flow, ref, link FROM @end WHERE link = ANY ($1)
		UNION SELECT e.flow, e.ref, e.link FROM unnest($2::text[], $3::text[]) u(flow, ref) JOIN @end e USING (flow, ref)`
	keysSQL = `SELECT key FROM @audit WHERE key = ANY ($1)`
	lastSQL = `SELECT coalesce(max(seq), 0) FROM @audit`
)

// load begins the transaction, takes the lock and reads the state.
func (s *Store) load(ctx context.Context, conn *pgxpool.Conn, changes []*change) (*state, error) {
	var ids, flows, refs, keys []string
	for _, ch := range changes {
		if ch.link != nil {
			ids = append(ids, ch.link.ID)
		}
		for _, e := range ch.ends {
			flows, refs = append(flows, e.flow), append(refs, e.ref)
		}
		for _, e := range ch.entries {
			if e.key != nil {
				keys = append(keys, *e.key)
			}
		}
	}
	st := newState()
	var b pgx.Batch
	b.Queue("BEGIN ISOLATION LEVEL READ COMMITTED")
	b.Queue(beginSQL)
	b.Queue(lockSQL, s.lock)
	b.Queue(s.sql.Replace(linkSQL), ids).Query(st.readLinks)
	b.Queue(s.sql.Replace(endsSQL), ids, flows, refs).Query(st.readEnds)
	if len(keys) > 0 {
		b.Queue(s.sql.Replace(keysSQL), keys).Query(st.readKeys)
	}
	b.Queue(s.sql.Replace(lastSQL)).QueryRow(func(row pgx.Row) error { return row.Scan(&st.seq) })
	return st, conn.SendBatch(ctx, &b).Close()
}

func (st *state) readLinks(rows pgx.Rows) error {
	var id string
	var l standing
	var expires *time.Time
	_, err := pgx.ForEachRow(rows, []any{&id, &l.generation, &l.intent, &expires}, func() error {
		if l.expires = (time.Time{}); expires != nil {
			l.expires = *expires
		}
		st.links[id] = l
		return nil
	})
	return err
}

func (st *state) readEnds(rows pgx.Rows) error {
	var e end
	var link string
	_, err := pgx.ForEachRow(rows, []any{&e.flow, &e.ref, &link}, func() error {
		st.ends[e] = link
		l := st.links[link]
		l.ends = append(l.ends, e)
		st.links[link] = l
		return nil
	})
	return err
}

func (st *state) readKeys(rows pgx.Rows) error {
	var key string
	_, err := pgx.ForEachRow(rows, []any{&key}, func() error {
		st.keys[key] = true
		return nil
	})
	return err
}

// save stores what the changes made and ends the transaction.
func (s *Store) save(ctx context.Context, conn *pgxpool.Conn, st *state) error {
	if st.idle() {
		_, err := conn.Exec(ctx, "ROLLBACK")
		return err
	}
	var b pgx.Batch
	s.saveEnds(&b, st)
	s.saveLinks(&b, st)
	s.saveBases(&b, st)
	s.saveEntries(&b, st)
	committed := false
	b.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		committed = tag.String() == "COMMIT"
		return nil
	})
	err := conn.SendBatch(ctx, &b).Close()
	if err == nil && !committed {
		err = errors.New("the server took the transaction back")
	}
	return err
}
