package sqlitequeue

import (
	"context"
	"maps"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
)

// A lease says who owns a shard. The token grows when it is taken and when it
// is given back, so that no old fence holds. The file knows only whether
// somebody owns it: a process that opens the file is the only one.
type lease struct {
	owner   string
	token   uint64
	expires time.Time
	unclean int
}

// loadLeases takes the shards from a process that died.
func (l *Log) loadLeases(tx *sqlitedb.Tx) error {
	var died []int
	err := tx.Query(func(r sqlitedb.Row) error {
		shard := int(r.Int(0))
		l.leases[shard] = lease{token: uint64(r.Int(2)), unclean: int(r.Int(3))}
		if r.Int(1) != 0 {
			l.leases[shard].unclean++
			l.leases[shard].token++
			died = append(died, shard)
		}
		return nil
	}, "SELECT shard, leased, token, unclean FROM shard WHERE shard < ?", int64(shards))
	for _, shard := range died {
		if err == nil {
			err = l.save(tx, shard)
		}
	}
	return err
}

// save writes who has a shard.
func (l *Log) save(tx *sqlitedb.Tx, shard int) error {
	le, leased := &l.leases[shard], int64(0)
	if le.owner != "" {
		leased = 1
	}
	_, err := tx.Exec("REPLACE INTO shard (shard, leased, token, unclean) VALUES (?, ?, ?, ?)", int64(shard), leased, int64(le.token), int64(le.unclean))
	return err
}

// keep has the leases and members restored should the step not take effect.
func (l *Log) keep(tx *sqlitedb.Tx) {
	leases, members := l.leases, maps.Clone(l.members)
	tx.Undo(func() { l.leases, l.members = leases, members })
}

// Lease implements [queue.Log]. It also forgets IDs that were remembered long
// enough, and what is done of packs of which the rest waits on.
func (l *Log) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	var out queue.Leases
	err := l.db.Update(ctx, "sqlitequeue: lease", func(tx *sqlitedb.Tx) error {
		l.keep(tx)
		l.clock(now)
		until := now.Add(p.For)
		out = queue.Leases{Members: l.join(p.Owner, now, until), Grants: l.renew(p.Owner, until)}
		for shard := range l.leases {
			if len(out.Grants) >= queue.FairShare(shards, out.Members) {
				break
			}
			if !l.take(shard, p.Owner, now, until) {
				continue
			}
			out.Grants = append(out.Grants, l.leases[shard].grant(shard))
			if err := l.save(tx, shard); err != nil {
				return err
			}
		}
		if err := l.trim(tx); err != nil {
			return err
		}
		if err := l.findHeld(tx); err != nil {
			return err
		}
		return l.seen.sweep(tx, now)
	})
	if err != nil {
		return queue.Leases{}, err
	}
	return out, nil
}

// join notes that the owner is alive and counts all who are.
func (l *Log) join(owner string, now, until time.Time) int {
	if until.After(l.members[owner]) {
		l.members[owner] = until
	}
	maps.DeleteFunc(l.members, func(_ string, alive time.Time) bool { return !now.Before(alive) })
	return len(l.members)
}

// renew prolongs what the owner has.
func (l *Log) renew(owner string, until time.Time) []queue.Grant {
	var grants []queue.Grant
	for shard := range l.leases {
		le := &l.leases[shard]
		if le.owner != owner {
			continue
		}
		if until.After(le.expires) {
			le.expires = until
		}
		grants = append(grants, le.grant(shard))
	}
	return grants
}

// take gives the owner a shard that is free or whose lease is over.
func (l *Log) take(shard int, owner string, now, until time.Time) bool {
	le := &l.leases[shard]
	switch {
	case le.owner == owner, le.owner != "" && now.Before(le.expires):
		return false
	case le.owner != "":
		le.unclean++
	}
	le.owner, le.expires = owner, until
	le.token++
	return true
}

func (le *lease) grant(shard int) queue.Grant {
	return queue.Grant{Fence: queue.Fence{Shard: shard, Token: le.token}, Expires: le.expires, Unclean: le.unclean}
}

// Release implements [queue.Log].
func (l *Log) Release(ctx context.Context, p queue.ReleaseParams) error {
	return l.db.Update(ctx, "sqlitequeue: release", func(tx *sqlitedb.Tx) error {
		l.keep(tx)
		if p.Leave {
			delete(l.members, p.Owner)
		}
		if err := l.free(tx, p.Clean, true); err != nil {
			return err
		}
		return l.free(tx, p.Unclean, false)
	})
}

func (l *Log) free(tx *sqlitedb.Tx, fences []queue.Fence, clean bool) error {
	for _, f := range fences {
		le := &l.leases[f.Shard]
		if le.owner == "" || le.token != f.Token {
			continue
		}
		le.owner, le.expires = "", time.Time{}
		le.token++
		if clean {
			le.unclean = 0
		}
		if err := l.save(tx, f.Shard); err != nil {
			return err
		}
	}
	return nil
}
