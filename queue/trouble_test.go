package queue_test

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/queue"
)

// A troubled log is as unpleasant as a log may be: it shows messages late, as
// transactions do that commit out of order, it gives an owner new tokens, as a
// server does that was restarted, and while it reads, others go on.
type troubled struct {
	queue.Log
	hidden map[string]bool // by ID
	during func()          // done once, between a read and its answer
	anew   map[string]bool // owners that are to get new tokens
	told   func(owner string)
	epochs []uint64 // by shard; the low bits of the tokens given out
}

const epochBits = 16

func newTroubled(log queue.Log, told func(owner string)) *troubled {
	return &troubled{Log: log, hidden: map[string]bool{}, anew: map[string]bool{}, told: told, epochs: make([]uint64, log.Shards())}
}

func (l *troubled) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	pages, err := l.Log.Read(ctx, spans)
	for i := range pages {
		if err == nil {
			err = l.hide(ctx, &spans[i], &pages[i])
		}
	}
	if during := l.during; during != nil {
		l.during = nil
		during()
	}
	return pages, err
}

// hide takes what is hidden from a page, and its promise.
func (l *troubled) hide(ctx context.Context, s *queue.Span, page *queue.Page) error {
	whole, err := l.Log.Read(ctx, []queue.Span{{Shard: s.Shard, Priority: s.Priority, Limit: 1 << 20}})
	if err != nil {
		return err
	}
	for _, e := range whole[0].Entries {
		if l.hidden[e.Message.ID] {
			page.Settled = min(page.Settled, e.Seq-1)
		}
	}
	var shown []queue.Entry
	for _, e := range page.Entries {
		if !l.hidden[e.Message.ID] {
			shown = append(shown, e)
		}
	}
	page.Entries = shown
	return nil
}

func (l *troubled) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	got, err := l.Log.Lease(ctx, now, p)
	anew := l.anew[p.Owner]
	delete(l.anew, p.Owner)
	for i := range got.Grants {
		f := &got.Grants[i].Fence
		if anew {
			l.epochs[f.Shard]++
		}
		f.Token = f.Token<<epochBits | l.epochs[f.Shard]
	}
	if anew {
		l.told(p.Owner)
	}
	return got, err
}

// inner returns the fence as the log below knows it, and whether it holds.
func (l *troubled) inner(f queue.Fence) (queue.Fence, bool) {
	return queue.Fence{Shard: f.Shard, Token: f.Token >> epochBits}, f.Token&(1<<epochBits-1) == l.epochs[f.Shard]
}

func (l *troubled) Release(ctx context.Context, p queue.ReleaseParams) error {
	inner := func(fences []queue.Fence) (out []queue.Fence) {
		for _, f := range fences {
			if f, ok := l.inner(f); ok {
				out = append(out, f)
			}
		}
		return out
	}
	p.Clean, p.Unclean = inner(p.Clean), inner(p.Unclean)
	return l.Log.Release(ctx, p)
}

// fenced does the step behind the fence of the log below.
func (l *troubled) fenced(f queue.Fence, step func(queue.Fence) error) error {
	f, ok := l.inner(f)
	if !ok {
		return queue.ErrFenced
	}
	return step(f)
}

func (l *troubled) Delete(ctx context.Context, f queue.Fence, entries []queue.Pos) error {
	return l.fenced(f, func(f queue.Fence) error { return l.Log.Delete(ctx, f, entries) })
}

func (l *troubled) Hold(ctx context.Context, f queue.Fence, entry queue.Pos, held queue.Held) error {
	return l.fenced(f, func(f queue.Fence) error { return l.Log.Hold(ctx, f, entry, held) })
}

func (l *troubled) Bury(ctx context.Context, f queue.Fence, burials []queue.Burial) error {
	return l.fenced(f, func(f queue.Fence) error { return l.Log.Bury(ctx, f, burials) })
}
