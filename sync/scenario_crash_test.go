package sync_test

import (
	"context"
	"errors"
	"fmt"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var errDead = errors.New("the process is dead")

// A mortal is one process's way to the store and the queue. After it died
// nothing it does has an effect any more, like after kill -9.
type mortal struct {
	sync.Store
	sync.Queue
	mu     stdsync.Mutex
	step   int
	dieAt  int  // the step at which the process dies
	late   bool // it dies after the step took effect, not before
	died   bool
	stepAt []string
}

func (m *mortal) do(name string, effect func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.died {
		return errDead
	}
	m.step++
	m.stepAt = append(m.stepAt, name)
	if m.step == m.dieAt && !m.late {
		m.died = true
		return errDead
	}
	err := effect()
	if m.step == m.dieAt {
		m.died = true
		return errDead
	}
	return err
}

func (m *mortal) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (out sync.Link, err error) {
	err = m.do("begin", func() (err error) { out, err = m.Store.Begin(ctx, now, l, i, es...); return })
	return out, err
}

func (m *mortal) Commit(ctx context.Context, now time.Time, c sync.Commit) (out sync.Link, err error) {
	err = m.do("commit", func() (err error) { out, err = m.Store.Commit(ctx, now, c); return })
	return out, err
}

func (m *mortal) Done(ctx context.Context, now time.Time, lane sync.Lane) error {
	return m.do("done", func() error { return m.Queue.Done(ctx, now, lane) })
}

func (m *mortal) Retry(ctx context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	return m.do("retry", func() error { return m.Queue.Retry(ctx, now, lane, at, cause) })
}

func (m *mortal) Bury(ctx context.Context, now time.Time, lane sync.Lane, cause sync.Failure) error {
	return m.do("bury", func() error { return m.Queue.Bury(ctx, now, lane, cause) })
}

func (m *mortal) Take(ctx context.Context, now time.Time, n int, lease time.Duration) (out []sync.Lane, err error) {
	if m.gone() {
		return nil, nil
	}
	return m.Queue.Take(ctx, now, n, lease)
}

func (m *mortal) gone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.died
}

// sink makes the process's death stop its writes too.
func (m *mortal) sink(f *fake) sync.Sink { return mortalSink{m, f} }

type mortalSink struct {
	*mortal
	fake *fake
}

func (s mortalSink) Apply(ctx context.Context, writes []sync.Write) (out []sync.Result, err error) {
	err = s.do("apply", func() (err error) { out, err = s.fake.Apply(ctx, writes); return })
	return out, err
}

// A script is what happens around a crash, and how often each field may be
// written in all.
type script struct {
	name  string
	setup func(w *world)
	act   func(w *world)
}

var scripts = []script{
	{"update", func(w *world) { w.pair("email", "ana@example.com", "name", "Ana") },
		func(w *world) { w.left.edit(w.left.ref("L1"), "name", "Ana Gil") }},
	{"conflict", func(w *world) { w.pair("email", "ana@example.com", "name", "Ana") },
		func(w *world) {
			w.left.edit(w.left.ref("L1"), "name", "Left")
			w.right.edit(w.right.ref("R1"), "fullname", "Right")
			w.takeHooks()
			w.hook(w.left.ref("L1"))
		}},
	{"create", func(*world) {}, func(w *world) { w.left.create("email", "ana@example.com", "name", "Ana") }},
	{"create without evidence", func(*world) {}, func(w *world) { w.right.create("fullname", "Ana") }},
}

// crash plays a script in a process that dies at a step, then lets another
// process finish the work. It returns whether the process lived to the end.
func crash(w *world, s script, dieAt int, late bool) (survived bool) {
	w.Helper()
	s.setup(w)
	m := &mortal{Store: w.store, Queue: w.queue, dieAt: dieAt, late: late}
	cfg := w.cfg
	cfg.Store, cfg.Queue = m, m
	cfg.Peers = map[sync.System]sync.Peer{leftSystem: {Source: w.left, Sink: m.sink(w.left)}, rightSystem: {Source: w.right, Sink: m.sink(w.right)}}
	doomed, err := sync.New(cfg)
	if err != nil {
		w.Fatal(err)
	}
	s.act(w)
	w.enqueue(w.takeHooks()...)
	if err := doomed.RunOnce(w.ctx); err != nil {
		w.Fatal(err)
	}
	time.Sleep(3 * time.Minute) // its leases end
	w.settle()
	return !m.died
}

// Every step of every script is a crash point, before and after its effect.
func TestCrashAtEveryStepLosesNothingAndRepeatsNothing(t *testing.T) {
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			points := 0
			for survived := false; !survived; points++ {
				for _, late := range []bool{false, true} {
					name := fmt.Sprintf("step %d late %t", points+1, late)
					bubble(t, func(w *world) {
						survived = crash(w, s, points+1, late)
						w.checkCrash(name)
					})
				}
			}
			if points < 4 {
				t.Errorf("only %d steps: the crash points are not reached", points)
			}
		})
	}
}

// checkCrash checks what must hold after any crash.
func (w *world) checkCrash(name string) {
	w.Helper()
	if l, r := len(w.left.living()), len(w.right.living()); l != 1 || r != 1 {
		w.Errorf("%s: %d left and %d right records, want one each", name, l, r)
	}
	w.frugal(name)
	w.agrees(1)
	w.noDead()
	links, err := w.store.Open(w.ctx, time.Now().Add(time.Hour), 10)
	if err != nil || len(links) != 0 {
		w.Errorf("%s: %d intents are still open, %v", name, len(links), err)
	}
}

// frugal checks that no field was written twice and that every value that was
// overwritten is in the audit.
func (w *world) frugal(name string) {
	w.Helper()
	audited := w.audited()
	seen := map[string]bool{}
	for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
		field := s.ref.String() + " " + s.field
		if seen[field] {
			w.Errorf("%s: %s was written twice", name, field)
		}
		seen[field] = true
		if !s.was.Blank() && s.was != s.value && !audited[s.was.String()] {
			w.Errorf("%s: %s was overwritten and the audit does not know what it was", name, field)
		}
	}
}

// audited returns the values that were overwritten by what the audit says.
func (w *world) audited() map[string]bool {
	w.Helper()
	values := map[string]bool{}
	for _, e := range w.entries(sync.EntryDecided) {
		if lost, ok := e.Decision.Lost(); ok {
			values[lost.String()] = true
		}
	}
	return values
}

// The write takes effect but its answer is lost.
func TestLostAnswerIsFoundOutByReading(t *testing.T) {
	for _, s := range scripts {
		for nth := 1; nth <= 3; nth++ {
			t.Run(fmt.Sprintf("%s, answer %d", s.name, nth), func(t *testing.T) {
				bubble(t, func(w *world) {
					s.setup(w)
					answers := 0
					timeout := func(string, sync.Ref) error {
						if answers++; answers == nth {
							return context.DeadlineExceeded
						}
						return nil
					}
					w.left.after, w.right.after = timeout, timeout
					s.act(w)
					w.settle()
					if s.name != "update" && s.name != "conflict" && nth <= 2 && answers < nth {
						t.Errorf("only %d writes: the fault is not reached", answers)
					}
					if l, r := len(w.left.living()), len(w.right.living()); l != 1 || r != 1 {
						t.Errorf("%d left and %d right records, want one each", l, r)
					}
					w.frugal(s.name)
					w.agrees(1)
					w.noDead()
				})
			})
		}
	}
}
