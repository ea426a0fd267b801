package queuetest

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func testLeaseExpires(b *bench) {
	ctx := context.Background()
	b.push(msgs("k", 2)...)
	old := b.one()
	b.now = b.now.Add(lease - time.Second)
	b.none()
	b.now = b.now.Add(time.Second)
	b.stale(b.q.Done(ctx, b.now, old)) // over, even before anybody else has it
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-0", "k-1")
	if l.Attempts != 0 {
		b.Errorf("an expired lease counted as %d attempts", l.Attempts)
	}
	b.stale(b.q.Done(ctx, b.now, old))
	b.stale(b.q.Retry(ctx, b.now, old, b.now, cause("late")))
	b.stale(b.q.Bury(ctx, b.now, old, cause("late")))
	_, err := b.q.Extend(ctx, b.now, old, lease)
	b.stale(err)
	b.stale(b.q.Done(ctx, b.now, sync.Lane{Key: "k", Token: "nonsense", Messages: l.Messages}))
	b.done(l)
	b.stale(b.q.Done(ctx, b.now, l))
	b.none()
}

func testExtend(b *bench) {
	b.push(msgs("k", 1)...)
	l := b.one()
	for range 10 {
		b.now = b.now.Add(lease - time.Second)
		longer, err := b.q.Extend(context.Background(), b.now, l, lease)
		b.must(err)
		if !longer.Expires.Equal(b.now.Add(lease)) {
			b.Fatalf("extended at %v, the lane expires at %v", b.now, longer.Expires)
		}
		l = longer
		b.none()
	}
	b.done(l)
	b.none()
}

func testPrefix(b *bench) {
	b.push(msgs("k", 5)...)
	l := b.one()
	whole := l.Messages
	l.Messages = whole[1:3]
	if err := b.q.Done(context.Background(), b.now, l); err == nil {
		b.Fatal("messages that do not begin the lane were accepted")
	}
	l.Messages = whole[:2]
	b.done(l)
	b.none() // the rest stays leased
	l.Messages = whole[2:3]
	b.done(l)
	l.Messages = whole[3:]
	b.retry(l, 0)
	again := b.one()
	b.wantIDs(ids(again.Messages), "k-3", "k-4")
	if again.Attempts != 1 {
		b.Fatalf("%d attempts, want 1", again.Attempts)
	}
	again.Messages = again.Messages[:1]
	b.done(again)
	again.Messages = whole[4:]
	b.done(again)
	b.none()
}

// testLengths takes with a long lease soon after a short one, and extends far.
func testLengths(b *bench) {
	ctx := context.Background()
	b.push(msgs("k", 1)...)
	b.push(msgs("l", 1)...)
	short, err := b.q.Take(ctx, b.now, 1, time.Second)
	b.must(err)
	b.now = b.now.Add(500 * time.Millisecond)
	long, err := b.q.Take(ctx, b.now, 1, 10*time.Hour)
	b.must(err)
	if len(short) != 1 || len(long) != 1 || !long[0].Expires.Equal(b.now.Add(10*time.Hour)) {
		b.Fatalf("got %+v and %+v", short, long)
	}
	far, err := b.q.Extend(ctx, b.now, short[0], 100*time.Hour)
	b.must(err)
	b.now = b.now.Add(9 * time.Hour)
	b.none()
	b.done(long[0])
	b.now = b.now.Add(90 * time.Hour)
	b.none()
	b.done(far)
	b.none()
}
