package sqlitedb

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"
	"testing"
	"time"
)

// An ending context ends when it is asked for the nth time when it does.
type ending struct {
	context.Context
	mu    stdsync.Mutex
	left  int
	ended chan struct{}
}

func (e *ending) Done() <-chan struct{} {
	e.mu.Lock()
	e.left--
	now := e.left == 0
	e.mu.Unlock()
	if now {
		close(e.ended)
		time.Sleep(5 * time.Millisecond) // for those who wait for it
	}
	return e.ended
}

func (e *ending) Err() error {
	select {
	case <-e.ended:
		return context.Canceled
	default:
		return nil
	}
}

// TestSnapshotThatIsCutShort has the context of a snapshot end at every moment:
// none leaves a transaction to those who are given its connection next.
func TestSnapshotThatIsCutShort(t *testing.T) {
	db := openNew(t)
	for n := 1; n <= 8; n++ {
		t.Run(fmt.Sprint("at look ", n), func(t *testing.T) {
			ctx := &ending{Context: t.Context(), left: n, ended: make(chan struct{})}
			count := func(ctx context.Context, rows *int64) func(c *Conn) error {
				return func(c *Conn) error {
					row, err := c.One(ctx, "SELECT count(*) FROM cursor")
					if err == nil {
						*rows = row.Int(0)
					}
					return err
				}
			}
			var rows int64
			if err := db.Snapshot(ctx, "test", count(ctx, &rows)); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("got error %v, want that of the context", err)
			}
			must(t, db.Update(t.Context(), "test", func(tx *Tx) error { return insert(tx, fmt.Sprint("name", n)) }))
			for range readers {
				must(t, db.Snapshot(t.Context(), "test", count(t.Context(), &rows)))
				must(t, db.View(t.Context(), "test", count(t.Context(), &rows)))
				if rows != int64(n) {
					t.Errorf("a read sees %d rows, want %d", rows, n)
				}
			}
		})
	}
}
