package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// A commitRow is how many commits a store makes a second: each of 64 callers
// commits a pair of its own again and again, with a base of about one kilobyte
// and two entries for the audit.
type commitRow struct {
	Store string  `json:"store"`
	Rate  float64 `json:"commits_per_s"`
	CPU   float64 `json:"cpu_us_per_commit"`
}

// stores are those measured.
var stores = []struct {
	name string
	open func(context.Context, *machine) (sync.Store, func() error, error)
}{
	{"pgstore", openPgstore},
	{"redisstore", openRedisstore},
	{"sqlitestore", openSqlitestore},
	{"memstore", func(context.Context, *machine) (sync.Store, func() error, error) {
		return memstore.New(), func() error { return nil }, nil
	}},
}

// commits measures the stores in rounds, one after the other.
func (b *bench) commits(ctx context.Context) error {
	rates, cpus := make([][]float64, len(stores)), make([][]float64, len(stores))
	for range b.rounds {
		for i, s := range stores {
			rate, cpu, err := b.commit(ctx, s.open)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			rates[i], cpus[i] = append(rates[i], rate), append(cpus[i], cpu)
			progress("commits, %s: %.0f/s", s.name, rate)
		}
	}
	for i, s := range stores {
		b.report.Commits = append(b.report.Commits, commitRow{s.name, median(rates[i]), median(cpus[i])})
	}
	return nil
}

func (b *bench) commit(ctx context.Context, open func(context.Context, *machine) (sync.Store, func() error, error)) (rate, cpu float64, err error) {
	s, done, err := open(ctx, b.machine)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, done()) }()
	used, err := b.cpu(ctx)
	if err != nil {
		return 0, 0, err
	}
	begin := time.Now()
	n, err := commitFor(ctx, s, b.lasting(2*time.Second))
	if err != nil {
		return 0, 0, err
	}
	rate = perSecond(n, begin)
	now, err := b.cpu(ctx)
	return rate, float64((now - used).Microseconds()) / float64(n), err
}

// commitFor commits from 64 callers for a time and counts.
func commitFor(ctx context.Context, s sync.Store, lasts time.Duration) (int, error) {
	var n atomic.Int64
	var all errgroup.Group
	base, end := agreed(), time.Now().Add(lasts)
	for caller := range 64 {
		link := pairOf(caller)
		all.Go(func() (err error) {
			for time.Now().Before(end) && err == nil {
				link, err = s.Commit(ctx, time.Now(), sync.Commit{Link: link, Base: base, Entries: entriesOf(&link)})
				n.Add(1)
			}
			return err
		})
	}
	err := all.Wait()
	return int(n.Load()), err
}

// agreed is a base of about one kilobyte.
func agreed() *sync.Base {
	base := &sync.Base{Left: sync.Shadow{Fields: sync.Fields{}}, Right: sync.Shadow{Fields: sync.Fields{}}}
	for i := range 12 {
		name := fmt.Sprintf("property_%d", i)
		base.Left.Fields[name] = sync.Text("a value of the usual length")
		base.Right.Fields[name] = sync.Text("a value of the usual length")
	}
	return base
}

func pairOf(n int) sync.Link {
	id := fmt.Sprintf("link-%d", n)
	return sync.Link{
		ID: id, Flow: "contacts", State: sync.Active, Evidence: "email", Key: make([]byte, 32), Head: make([]byte, 32),
		Left:  sync.Ref{System: "crm", Kind: "contact", ID: id},
		Right: sync.Ref{System: "chat", Kind: "contact", ID: id},
	}
}

func entriesOf(l *sync.Link) []sync.Entry {
	e := sync.Entry{
		At: time.Now(), Kind: sync.EntryDecided, Flow: l.Flow, Link: l.ID, Left: l.Left, Right: l.Right, Causes: []string{"change"},
		Decision: &sync.Decision{Field: "phone", Outcome: sync.Wrote, Rule: "changed"},
		Sealed:   make([]byte, 90), Prev: make([]byte, 32), Hash: make([]byte, 32),
	}
	return []sync.Entry{e, e}
}

func openPgstore(ctx context.Context, m *machine) (sync.Store, func() error, error) {
	db, err := m.database(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := pgstore.Migrate(ctx, db.Pool, ""); err != nil {
		return nil, nil, errors.Join(err, db.drop())
	}
	return pgstore.New(db.Pool, nil), db.drop, nil
}

func openRedisstore(ctx context.Context, m *machine) (sync.Store, func() error, error) {
	prefix := unique()
	s, err := redisstore.New(m.redis, &redisstore.Options{Prefix: prefix})
	if err == nil {
		_, err = s.Check(ctx)
	}
	return s, func() error { return m.emptyRedis(context.Background(), "*"+prefix+"*") }, err
}

func openSqlitestore(ctx context.Context, m *machine) (sync.Store, func() error, error) {
	s, err := sqlitestore.Open(ctx, filepath.Join(m.dir, unique()), nil)
	if err != nil {
		return nil, nil, err
	}
	return s, s.Close, nil
}
