package memqueue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/queue"
)

// A lease says who owns a shard. The token grows when it is taken and when it
// is given back, so that no old fence holds.
type lease struct {
	owner   string
	token   uint64
	expires time.Time
	unclean int
}

// Lease implements [queue.Log].
func (l *Log) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	if err := ctx.Err(); err != nil {
		return queue.Leases{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	until := now.Add(p.For)
	members := l.join(p.Owner, now, until)
	grants := l.renew(p.Owner, until)
	share := queue.FairShare(len(l.leases), members)
	for i := range l.leases {
		if len(grants) >= share {
			break
		}
		if le := &l.leases[i]; le.owner == "" || le.owner != p.Owner && !now.Before(le.expires) {
			if le.owner != "" {
				le.unclean++
			}
			le.owner, le.expires = p.Owner, until
			le.token++
			grants = append(grants, le.grant(i))
		}
	}
	return queue.Leases{Grants: grants, Members: members}, nil
}

// join notes that the owner is alive and counts all who are.
func (l *Log) join(owner string, now, until time.Time) int {
	if until.After(l.members[owner]) {
		l.members[owner] = until
	}
	for m, alive := range l.members {
		if !now.Before(alive) {
			delete(l.members, m)
		}
	}
	return len(l.members)
}

// renew prolongs what the owner has.
func (l *Log) renew(owner string, until time.Time) []queue.Grant {
	var grants []queue.Grant
	for i := range l.leases {
		le := &l.leases[i]
		if le.owner != owner {
			continue
		}
		if until.After(le.expires) {
			le.expires = until
		}
		grants = append(grants, le.grant(i))
	}
	return grants
}

func (le *lease) grant(shard int) queue.Grant {
	return queue.Grant{Fence: queue.Fence{Shard: shard, Token: le.token}, Expires: le.expires, Unclean: le.unclean}
}

// Release implements [queue.Log].
func (l *Log) Release(ctx context.Context, p queue.ReleaseParams) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free(p.Clean, true)
	l.free(p.Unclean, false)
	if p.Leave {
		delete(l.members, p.Owner)
	}
	return nil
}

func (l *Log) free(fences []queue.Fence, clean bool) {
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
	}
}
