package queue_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

const laneLease = 10 * time.Second

// A model is what two processes over one log may do, as simply as it can be
// said: a list of messages per key, and who holds which key until when.
type model struct {
	log      *troubled
	mix      mix
	opts     queue.Options
	procs    [2]*queue.Queue
	starts   int
	now      time.Time
	pushed   int
	keys     map[string]*modelKey
	held     []*hold
	dead     map[string]bool
	failures map[string]int // by message
	wakes    map[string]time.Time
	replayed map[string]bool
	late     map[string]bool // messages that were not visible from the start
	owners   map[string]*queue.Queue
}

// A mix says what messages are pushed: of so many keys and priorities, with so
// many of ten that are visible late.
type mix struct{ keys, priorities, late int }

type modelKey struct {
	waiting []sync.Message // in the order pushed, leased ones included
	until   time.Time      // the end of its present lease
}

// A hold is a lease that some worker of a process has, perhaps in vain.
type hold struct {
	proc  *queue.Queue
	lane  sync.Lane
	ended bool
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{now: time.Unix(1e9, 0),
			mix:  mix{rapid.IntRange(1, 6).Draw(t, "keys"), rapid.IntRange(1, sync.Priorities).Draw(t, "priorities"), rapid.IntRange(0, 9).Draw(t, "late")},
			opts: queue.Options{Window: rapid.IntRange(1, 40).Draw(t, "window"), PerKey: rapid.IntRange(1, 8).Draw(t, "perKey"), Crashes: 1000},
			keys: map[string]*modelKey{}, dead: map[string]bool{}, failures: map[string]int{}, wakes: map[string]time.Time{}, replayed: map[string]bool{},
			late: map[string]bool{}, owners: map[string]*queue.Queue{}}
		m.log = newTroubled(memqueue.NewLog(&memqueue.Options{Shards: 3}), m.renumbered)
		for i := range m.procs {
			m.start(t, i)
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": m.push, "take": m.take, "done": m.done, "retry": m.retry, "bury": m.bury, "extend": m.extend,
			"replay": m.replay, "advance": m.advance, "crash": m.crash, "close": m.close,
			"show": m.show, "restart": m.restart, "": m.check,
		})
		m.finish(t)
	})
}

func (m *model) start(t *rapid.T, i int) {
	m.starts++
	o := m.opts
	o.Owner = fmt.Sprint("p", m.starts)
	q, err := queue.New(m.log, &o)
	m.must(t, err)
	m.procs[i], m.owners[o.Owner] = q, q
}

func (m *model) must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) push(t *rapid.T) {
	var msgs []sync.Message
	for range rapid.IntRange(1, 12).Draw(t, "n") {
		k := fmt.Sprint("k", rapid.IntRange(1, m.mix.keys).Draw(t, "key"))
		x := sync.Message{ID: fmt.Sprint(m.pushed), Key: k, Priority: sync.Priority(rapid.IntRange(0, m.mix.priorities-1).Draw(t, "priority"))}
		m.pushed++
		msgs = append(msgs, x)
		if rapid.IntRange(0, 9).Draw(t, "late") < m.mix.late {
			m.late[x.ID], m.log.hidden[x.ID] = true, true
		}
		if m.keys[k] == nil {
			m.keys[k] = &modelKey{}
		}
		m.keys[k].waiting = append(m.keys[k].waiting, x)
	}
	m.must(t, m.procs[0].Push(context.Background(), m.now, append(msgs, msgs[0])...))
}

func (m *model) take(t *rapid.T) {
	p := m.procs[rapid.IntRange(0, 1).Draw(t, "proc")]
	if during := rapid.SampledFrom([]func(*rapid.T){nil, m.done, m.retry, m.bury, m.push}).Draw(t, "during"); during != nil {
		m.log.during = func() { during(t) }
		defer func() { m.log.during = nil }() // there was nothing to read
	}
	lanes, err := p.Take(context.Background(), m.now, rapid.IntRange(1, 4).Draw(t, "n"), laneLease)
	m.must(t, err)
	for _, l := range lanes {
		k := m.keys[l.Key]
		if k.until.After(m.now) {
			t.Fatalf("%s was given out though it is leased until %v", l.Key, k.until)
		}
		m.inOrder(t, l)
		if want := m.failures[l.Messages[0].ID] + crashes(l); l.Attempts != want && !m.replayed[l.Messages[0].ID] {
			t.Fatalf("%s has %d attempts, want %d", l.Key, l.Attempts, want)
		}
		k.until = l.Expires
		m.held = append(m.held, &hold{proc: p, lane: l})
	}
}

// crashes counts the deaths at which the lane's first message was in work.
func crashes(l sync.Lane) int {
	n := 0
	for _, f := range l.History {
		if f.Action == queue.Crashed {
			n++
		}
	}
	return n
}

// inOrder checks that the lane delivers, of each priority, the messages that
// wait longest, and all of them in the order pushed, but for those of which
// nobody can know when they become visible.
func (m *model) inOrder(t *rapid.T, l sync.Lane) {
	last, next, waiting := -1, [sync.Priorities]int{}, m.keys[l.Key].waiting
	for _, x := range l.Messages {
		if m.wakes[x.ID].After(m.now) {
			t.Fatalf("%s delivers %v, which sleeps until %v", l.Key, x, m.wakes[x.ID])
		}
		i := slices.IndexFunc(waiting, func(w sync.Message) bool { return w.ID == x.ID })
		if m.late[x.ID] && i >= 0 {
			continue
		}
		for n := &next[x.Priority]; *n < i; *n++ {
			if waiting[*n].Priority == x.Priority && !m.late[waiting[*n].ID] {
				t.Fatalf("%s delivers %v without %v", l.Key, x, waiting[*n])
			}
		}
		if next[x.Priority]++; i <= last {
			t.Fatalf("%s delivers %v of %v", l.Key, l.Messages, waiting)
		}
		last = i
	}
	if len(l.Messages) == 0 {
		t.Fatalf("%s delivers nothing", l.Key)
	}
}

// settle lets one worker do something with the lane it has, if any does, and
// reports whether it must have succeeded.
func (m *model) settle(t *rapid.T, do func(*hold) error) (*hold, bool) {
	if len(m.held) == 0 {
		return nil, false
	}
	h := rapid.SampledFrom(m.held).Draw(t, "hold")
	valid := !h.ended && h.lane.Expires.After(m.now)
	err := do(h)
	valid = valid && !h.ended // the heartbeat of this call may have brought new tokens
	if valid && err != nil || !valid && !errors.Is(err, sync.ErrStale) {
		t.Fatalf("lane of %s, valid %v: got error %v", h.lane.Key, valid, err)
	}
	return h, valid
}

// cut draws a prefix of the lane's messages.
func (h *hold) cut(t *rapid.T) (sync.Lane, int) {
	n := rapid.IntRange(1, len(h.lane.Messages)).Draw(t, "prefix")
	l := h.lane
	l.Messages = l.Messages[:n]
	return l, n
}

// remove takes the first n messages of the lane from the model.
func (m *model) remove(h *hold, n int) {
	k := m.keys[h.lane.Key]
	k.forget(h.lane.Messages[:n])
	h.lane.Messages = h.lane.Messages[n:]
	if len(h.lane.Messages) == 0 {
		k.until = time.Time{}
		m.drop(h)
	}
}

func (k *modelKey) forget(msgs []sync.Message) {
	for _, x := range msgs {
		k.waiting = slices.DeleteFunc(k.waiting, func(w sync.Message) bool { return w.ID == x.ID })
	}
}

func (m *model) drop(h *hold) {
	h.ended = true
	m.held = slices.DeleteFunc(m.held, func(x *hold) bool { return x == h })
}

func (m *model) done(t *rapid.T) {
	n := 0
	h, ok := m.settle(t, func(h *hold) error {
		var l sync.Lane
		l, n = h.cut(t)
		return h.proc.Done(context.Background(), m.now, l)
	})
	if ok {
		m.remove(h, n)
	}
}

func (m *model) retry(t *rapid.T) {
	free := rapid.Bool().Draw(t, "free")
	at := m.now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "seconds")) * time.Second)
	h, ok := m.settle(t, func(h *hold) error {
		return h.proc.Retry(context.Background(), m.now, h.lane, at, sync.Failure{Free: free})
	})
	if !ok {
		return
	}
	k := m.keys[h.lane.Key]
	k.until = time.Time{}
	m.wakes[h.lane.Messages[0].ID] = at
	if !free {
		m.failures[h.lane.Messages[0].ID]++
	}
	m.drop(h)
}

func (m *model) bury(t *rapid.T) {
	n := 0
	h, ok := m.settle(t, func(h *hold) error {
		var l sync.Lane
		l, n = h.cut(t)
		return h.proc.Bury(context.Background(), m.now, l, sync.Failure{})
	})
	if ok {
		for _, x := range h.lane.Messages[:n] {
			m.dead[x.ID] = true
		}
		m.remove(h, n)
	}
}

func (m *model) extend(t *rapid.T) {
	var longer sync.Lane
	h, ok := m.settle(t, func(h *hold) (err error) {
		longer, err = h.proc.Extend(context.Background(), m.now, h.lane, laneLease)
		return err
	})
	if ok {
		h.lane = longer
		m.keys[h.lane.Key].until = longer.Expires
	}
}

func (m *model) replay(t *rapid.T) {
	letters, err := m.procs[0].Dead(context.Background(), sync.DeadFilter{Limit: 1})
	m.must(t, err)
	for _, d := range letters {
		n, err := m.procs[1].Replay(context.Background(), m.now, d.Message.ID)
		m.must(t, err)
		if n != 1 {
			t.Fatalf("replayed %d letters, want 1", n)
		}
		delete(m.dead, d.Message.ID)
		delete(m.wakes, d.Message.ID)
		m.replayed[d.Message.ID] = true // its history no longer says how many attempts count
		k := m.keys[d.Message.Key]
		k.waiting = append(k.waiting, d.Message)
	}
}

func (m *model) advance(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 4, 9, 10, 25, 3600}).Draw(t, "seconds")) * time.Second)
}

// crash replaces a process; its workers die with it.
func (m *model) crash(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "proc")
	m.held = slices.DeleteFunc(m.held, func(h *hold) bool { return h.proc == m.procs[i] })
	m.start(t, i)
}

func (m *model) close(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "proc")
	m.must(t, m.procs[i].Close(context.Background()))
}

// show makes messages visible that were not: one, or all.
func (m *model) show(t *rapid.T) {
	if ids := slices.Sorted(maps.Keys(m.log.hidden)); len(ids) > 0 && rapid.Bool().Draw(t, "one") {
		delete(m.log.hidden, rapid.SampledFrom(ids).Draw(t, "id"))
		return
	}
	clear(m.log.hidden)
}

// restart has the log give a process new tokens at its next heartbeat.
func (m *model) restart(t *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(t, "proc")
	for owner, q := range m.owners {
		if q == m.procs[i] {
			m.log.anew[owner] = true
		}
	}
}

// renumbered ends what the process has, as far as the queue knows. Its workers
// do not know of it, so that nobody else may have their keys yet.
func (m *model) renumbered(owner string) {
	for _, h := range m.held {
		if h.proc == m.owners[owner] {
			h.ended = true
		}
	}
}

// check counts what is there.
func (m *model) check(t *rapid.T) {
	for _, p := range m.procs {
		if _, ok := queue.Lanes(p); !ok {
			t.Fatal("the accounts of a stream are wrong")
		}
	}
	st, err := m.procs[0].Stats(context.Background(), m.now)
	m.must(t, err)
	waiting := 0
	for _, k := range m.keys {
		waiting += len(k.waiting)
	}
	if st.Waiting+st.Leased != waiting || st.Dead != len(m.dead) {
		t.Fatalf("%d waiting and %d dead, want %d and %d", st.Waiting+st.Leased, st.Dead, waiting, len(m.dead))
	}
}

// finish lets everything run out: whatever was pushed must come.
func (m *model) finish(t *rapid.T) {
	m.held = nil
	clear(m.log.hidden)
	for idle := 0; idle < 5; {
		m.now = m.now.Add(time.Minute)
		idle++
		for _, p := range m.procs {
			for {
				lanes, err := p.Take(context.Background(), m.now, 100, laneLease)
				m.must(t, err)
				if len(lanes) == 0 {
					break
				}
				idle = 0
				for _, l := range lanes {
					m.inOrder(t, l)
					m.keys[l.Key].forget(l.Messages)
					m.must(t, p.Done(context.Background(), m.now, l))
				}
			}
		}
	}
	m.check(t)
	for _, p := range m.procs {
		if n, _ := queue.Lanes(p); n > 0 {
			t.Fatalf("%d keys are left in memory", n)
		}
	}
	for name, k := range m.keys {
		if len(k.waiting) > 0 {
			t.Fatalf("%s never delivered %v", name, k.waiting)
		}
	}
}
