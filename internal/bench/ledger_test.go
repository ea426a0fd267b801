package main

import (
	"errors"
	"testing"
)

func TestLedgerCounts(t *testing.T) {
	p := pattern{"three keys", 3, 0}
	msgs := []message{newMessage(0, 0), newMessage(0, 1), newMessage(1, 2)}
	for _, c := range []struct {
		name           string
		worked         []int
		order, doubled int64
		missing        int
	}{
		{"in order", []int{0, 1, 2}, 0, 0, 0},
		{"another key overtakes", []int{2, 0, 1}, 0, 0, 0},
		{"a key's own overtakes", []int{1, 0, 2}, 1, 0, 0},
		{"one comes again", []int{0, 1, 0, 2}, 0, 1, 0},
		{"one is lost", []int{0, 2}, 0, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLedger(p, len(msgs))
			for _, i := range c.worked {
				l.work(msgs[i].payload)
			}
			if l.order.Load() != c.order || l.doubled.Load() != c.doubled || l.exclusive.Load() != 0 || l.missing() != c.missing {
				t.Errorf("got %d out of order, %d doubled, %d at once, %d missing", l.order.Load(), l.doubled.Load(), l.exclusive.Load(), l.missing())
			}
		})
	}
}

func TestLedgerSeesTwoAtOnce(t *testing.T) {
	l := newLedger(pattern{"one key", 1, 0}, 2)
	l.keys[0].busy.Add(1) // another worker has the key
	l.work(newMessage(0, 0).payload)
	l.keys[0].busy.Add(-1)
	l.work(newMessage(0, 1).payload)
	if got := l.exclusive.Load(); got != 1 {
		t.Errorf("got %d messages at once, want 1", got)
	}
}

func TestLedgerEnds(t *testing.T) {
	l := newLedger(uniform, 2)
	l.done(1)
	select {
	case <-l.all:
		t.Fatal("it ended before all were done")
	default:
	}
	l.done(1)
	<-l.all
	l.fail(errors.New("late"))
	if l.failure() == nil {
		t.Error("a late failure is lost")
	}
}

func TestLedgerRefusesWhatItDidNotSend(t *testing.T) {
	for _, payload := range []string{"", "short", string(make([]byte, payloadSize))} {
		l := newLedger(uniform, 1)
		l.work([]byte(payload))
		<-l.all
		if l.failure() == nil {
			t.Errorf("%q was taken for a message", payload)
		}
	}
}

func TestPatternSpreads(t *testing.T) {
	for _, p := range []pattern{uniform, hot} {
		count := map[int]int{}
		const n = 1_000_000
		for seq := range n {
			count[p.key(seq)]++
		}
		if want := n / 100 * p.Hot; count[0] < want || count[0] > want+n/p.Keys {
			t.Errorf("%s: key 0 has %d of %d messages", p.Name, count[0], n)
		}
		if len(count) != p.Keys {
			t.Errorf("%s: %d keys, want %d", p.Name, len(count), p.Keys)
		}
	}
}
