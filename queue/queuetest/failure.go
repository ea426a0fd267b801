package queuetest

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func testRetry(b *bench) {
	b.push(msgs("k", 3)...)
	b.push(msg("o", "other", sync.Live))
	for i := range 3 {
		for _, l := range b.take(5) {
			if l.Key == "k" {
				b.retry(l, time.Hour)
			} else {
				b.done(l)
			}
		}
		b.none()
		b.now = b.now.Add(time.Hour - time.Second)
		b.push(msg(fmt.Sprint("more", i), "k", sync.Live))
		b.none() // new messages do not wake the key
		b.now = b.now.Add(time.Second)
	}
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-0", "k-1", "k-2", "more0", "more1", "more2")
	if l.Attempts != 3 || len(l.History) != 3 {
		b.Fatalf("%d attempts and %d failures, want 3 and 3", l.Attempts, len(l.History))
	}
	for i, f := range l.History {
		if !f.At.Equal(start.Add(time.Duration(i)*time.Hour)) || f.Error != "try again" {
			b.Errorf("failure %d is %+v", i, f)
		}
	}
	l.Messages = l.Messages[:1]
	b.done(l)
	b.now = b.now.Add(lease)
	if next := b.one(); next.Attempts != 0 || len(next.History) != 0 {
		b.Errorf("the next message inherited %d attempts and %d failures", next.Attempts, len(next.History))
	}
}

func testFree(b *bench) {
	b.push(msgs("k", 1)...)
	for range 3 {
		f := cause("quota")
		f.Free = true
		b.must(b.q.Retry(context.Background(), b.now, b.one(), b.now.Add(time.Minute), f))
		b.now = b.now.Add(time.Minute)
	}
	if l := b.one(); l.Attempts != 0 || len(l.History) != 3 || !l.History[2].Free {
		b.Fatalf("%d attempts, history %v; want 0 and three free failures", l.Attempts, l.History)
	}
}

func testBury(b *bench) {
	ctx := context.Background()
	b.push(msgs("k", 2)...)
	b.push(msg("x", "x", sync.Backfill))
	b.retry(b.take(1)[0], time.Minute)
	b.now = b.now.Add(time.Minute)
	for _, l := range b.take(5) {
		b.bury(l)
	}
	b.none()
	dead := b.dead(sync.DeadFilter{Key: "k"})
	if len(dead) != 2 || dead[0].Attempts != 2 || len(dead[0].History) != 2 || dead[1].Attempts != 1 ||
		!dead[0].DiedAt.Equal(b.now) || string(dead[0].Message.Payload) != "k-0" {
		b.Fatalf("dead letters: %+v", dead)
	}
	b.push(msg("k-9", "k", sync.Live))
	n, err := b.q.Replay(ctx, b.now, "k-0", "unknown", "k-0")
	b.must(err)
	if n != 1 {
		b.Fatalf("replayed %d, want 1", n)
	}
	l := b.one()
	b.wantIDs(ids(l.Messages), "k-9", "k-0")
	l.Messages = l.Messages[:1]
	b.done(l)
	b.now = b.now.Add(lease)
	if l = b.one(); l.Attempts != 0 || len(l.History) != 2 {
		b.Fatalf("the replayed message has %d attempts and %d failures, want 0 and 2", l.Attempts, len(l.History))
	}
	b.bury(l)
	if d := b.dead(sync.DeadFilter{Key: "k"}); len(d) != 2 || d[1].Message.ID != "k-0" || d[1].Attempts != 1 || len(d[1].History) != 3 {
		b.Fatalf("after dying again: %+v", d)
	}
	n, err = b.q.Discard(ctx, b.now, "k-0", "x", "unknown")
	b.must(err)
	if n != 2 || len(b.dead(sync.DeadFilter{})) != 1 {
		b.Fatalf("discarded %d, want 2 and one left", n)
	}
}

func testBuryPrefix(b *bench) {
	b.push(msgs("k", 3)...)
	l := b.one()
	rest := l.Messages[1:]
	l.Messages = l.Messages[:1]
	b.bury(l)
	l.Messages = rest
	b.done(l)
	b.none()
	if d := b.dead(sync.DeadFilter{}); len(d) != 1 || d[0].Message.ID != "k-0" {
		b.Fatalf("dead letters: %+v", d)
	}
}

func testDeadPages(b *bench) {
	for i := range 7 {
		b.push(msg(fmt.Sprintf("m%d", 6-i), fmt.Sprint("k", i%2), sync.Live))
		b.bury(b.one())
		b.now = b.now.Add(time.Duration(i%2) * time.Second) // some die at the same time
	}
	whole := b.dead(sync.DeadFilter{})
	var paged []sync.DeadLetter
	after := ""
	for {
		page := b.dead(sync.DeadFilter{After: after, Limit: 3})
		if len(page) == 0 {
			break
		}
		paged, after = append(paged, page...), page[len(page)-1].Message.ID
	}
	if len(whole) != 7 || len(paged) != 7 {
		b.Fatalf("%d letters at once and %d by pages, want 7", len(whole), len(paged))
	}
	for i := range whole {
		if whole[i].Message.ID != paged[i].Message.ID || i > 0 && whole[i].DiedAt.Before(whole[i-1].DiedAt) {
			b.Errorf("letter %d is out of order", i)
		}
	}
}

// testPoison has one key that always fails among others.
func testPoison(b *bench) {
	b.push(msgs("poison", 3)...)
	for round := range 20 {
		b.push(msg(fmt.Sprint("good", round), "good", sync.Live))
		b.push(msg(fmt.Sprint("fresh", round), fmt.Sprint("fresh", round), sync.Live))
		good := 0
		for _, l := range b.take(10) {
			if l.Key == "poison" {
				b.retry(l, 2*time.Second)
				continue
			}
			good++
			b.done(l)
		}
		if good != 2 {
			b.Fatalf("round %d: %d good keys came, want 2", round, good)
		}
		b.now = b.now.Add(time.Second)
	}
}
