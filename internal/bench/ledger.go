package main

import (
	stdsync "sync"
	"sync/atomic"
	"time"
)

// A ledger is told of every message that is worked and counts what should not
// happen: a message that starts after a later one of its key (order), one that
// starts while another of its key is in work (exclusivity), one that comes
// again.
type ledger struct {
	order, exclusive, doubled atomic.Int64

	takes  time.Duration // how long the work on a message takes
	keys   []keyState
	worked []atomic.Bool // by sequence number
	left   atomic.Int64
	all    chan struct{}
	once   stdsync.Once
	err    atomic.Pointer[error]
	// began, if set, hears when the work on a message begins.
	began func(seq int)
}

type keyState struct {
	last atomic.Int64 // the greatest sequence number begun, plus 1
	busy atomic.Int32
}

// newLedger is for messages 0 to n-1 of a pattern.
func newLedger(p pattern, n int) *ledger {
	l := &ledger{keys: make([]keyState, p.Keys), worked: make([]atomic.Bool, n), all: make(chan struct{})}
	l.left.Store(int64(n))
	return l
}

// work does the work on a message.
func (l *ledger) work(payload []byte) {
	key, seq, err := parse(payload)
	if err != nil {
		l.fail(err)
		return
	}
	if l.began != nil {
		l.began(seq)
	}
	k := &l.keys[key]
	if k.busy.Add(1) > 1 {
		l.exclusive.Add(1)
	}
	if l.worked[seq].Swap(true) {
		l.doubled.Add(1)
	} else if !k.advance(int64(seq) + 1) {
		l.order.Add(1)
	}
	if l.takes > 0 {
		time.Sleep(l.takes)
	}
	k.busy.Add(-1)
}

// advance reports whether the message comes after all that began before.
func (k *keyState) advance(to int64) bool {
	for {
		last := k.last.Load()
		if to < last {
			return false
		}
		if k.last.CompareAndSwap(last, to) {
			return true
		}
	}
}

// done says that n messages are finished: acknowledged where the engine waits
// for it, worked where the engine acknowledges behind the worker's back.
func (l *ledger) done(n int) {
	if l.left.Add(-int64(n)) <= 0 {
		l.once.Do(func() { close(l.all) })
	}
}

// fail ends the run.
func (l *ledger) fail(err error) {
	l.err.CompareAndSwap(nil, &err)
	l.once.Do(func() { close(l.all) })
}

// missing counts the messages that never came.
func (l *ledger) missing() (n int) {
	for i := range l.worked {
		if !l.worked[i].Load() {
			n++
		}
	}
	return n
}

// failure is the error that ended the run, nil if none did.
func (l *ledger) failure() error {
	if err := l.err.Load(); err != nil {
		return *err
	}
	return nil
}
