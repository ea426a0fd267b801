package pgstore_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/sync"
)

func opened(b *testing.B) *pgstore.Store {
	b.Helper()
	pool := pgtest.Open(b, func(c *pgxpool.Config) { c.MaxConns = 16 })
	if err := pgstore.Migrate(b.Context(), pool, ""); err != nil {
		b.Fatal(err)
	}
	return pgstore.New(pool, nil)
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

// share runs b.N calls from some goroutines.
func share(b *testing.B, goroutines int, call func(ctx context.Context, worker, i int) error) {
	b.Helper()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(b.Context())
	b.ResetTimer()
	for worker := range goroutines {
		group.Go(func() error {
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return nil
				}
				if err := call(ctx, worker, int(i)); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// BenchmarkStep is what one change of a known pair costs: find the link and
// the base, begin the write, and commit it with two entries.
func BenchmarkStep(b *testing.B) {
	for _, workers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, base := opened(b), agreed()
			share(b, workers, func(ctx context.Context, worker, i int) error { return step(ctx, s, worker, base) })
		})
	}
}

// BenchmarkCommit is one commit of a known pair with a base and two entries.
func BenchmarkCommit(b *testing.B) {
	for _, workers := range []int{1, 8, 64, 256} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, base := opened(b), agreed()
			links := make([]sync.Link, workers)
			for i := range links {
				links[i] = pairOf(i)
			}
			share(b, workers, func(ctx context.Context, worker, i int) (err error) {
				links[worker], err = s.Commit(ctx, time.Now(), sync.Commit{Link: links[worker], Base: base, Entries: entriesOf(&links[worker])})
				return err
			})
		})
	}
}

func BenchmarkPermits(b *testing.B) {
	for _, workers := range []int{1, 8} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s := opened(b)
			share(b, workers, func(ctx context.Context, worker, i int) error {
				_, _, err := s.Take(ctx, time.Now(), "vendor:account:10s", 190, 10*time.Second, 4)
				return err
			})
		})
	}
}

func step(ctx context.Context, s *pgstore.Store, worker int, base *sync.Base) error {
	link := pairOf(worker)
	stored, err := s.Link(ctx, link.Flow, link.Left)
	if err == nil {
		link = stored
	}
	if _, err := s.Base(ctx, link.ID); err != nil {
		return err
	}
	now := time.Now()
	link, err = s.Begin(ctx, now, link, sync.Intent{ID: "i", Expires: now.Add(time.Minute), Writes: [2]sync.Fields{base.Left.Fields, nil}})
	if err != nil {
		return err
	}
	_, err = s.Commit(ctx, now, sync.Commit{Link: link, Base: base, Entries: entriesOf(&link)})
	return err
}

func pairOf(worker int) sync.Link {
	id := fmt.Sprintf("link-%d", worker)
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
