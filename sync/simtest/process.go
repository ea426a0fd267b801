package simtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A process is one life of one of the deployment's processes: an engine with
// its queue's dispatcher, and its ways to store, queue and vendors.
type process struct {
	world  *world
	name   string
	dying  chan struct{}
	dead   bool      // guarded by the scheduler's lock
	frozen time.Time // until when it stands still
	ended  chan struct{}
	stop   context.CancelFunc
	queue  *queue.Queue
	ready  chan struct{} // the queue's, as the scheduler lets it through
	engine *sync.Engine
	seen   map[context.Context]map[sync.Ref]sight // when a piece of work last saw a record
}

// start begins a new life of the process with this name.
func (w *world) start(name string) {
	w.lives++
	ctx, stop := context.WithCancel(context.Background())
	p := &process{world: w, name: name, dying: make(chan struct{}), ended: make(chan struct{}), stop: stop, ready: make(chan struct{}, 1),
		seen: map[context.Context]map[sync.Ref]sight{}}
	w.procs[name] = p
	w.trace.add(name, "starts")
	if err := p.build(fmt.Sprintf("%s#%d", name, w.lives)); err != nil {
		w.broken = err
		close(p.ended)
		return
	}
	go p.forward(ctx)
	go func() {
		err := p.engine.Run(ctx)
		close(p.ended)
		if err != nil { // store or queue were out of reach at the start
			w.sched.kill(p)
			w.restart(p)
		}
	}()
}

// forward lets the queue wake the engine only when all else stands still: the
// worker whose settlement made a lane ready may not have given back its slot.
func (p *process) forward(ctx context.Context) {
	for {
		select {
		case <-p.queue.Ready():
			p.world.sched.after(0, func() {
				select {
				case p.ready <- struct{}{}:
				default:
				}
			})
		case <-p.dying:
			return
		case <-ctx.Done():
			return
		}
	}
}

// build makes the engine.
func (p *process) build(owner string) error {
	w := p.world
	q, err := queue.New(&logClient{p, w.log}, &queue.Options{Owner: owner, Pause: time.Second})
	if err != nil {
		return err
	}
	p.queue = q
	cfg := sync.Config{
		Store: &storeClient{p}, Queue: &queueClient{q, p}, Peers: map[sync.System]sync.Peer{},
		Backoff:     sync.Backoff{Max: backoffMost, Attempts: 12},
		Concurrency: many, Lease: lease, PollInterval: 2 * time.Second, SweepInterval: w.cfg.SweepInterval, StopTimeout: 5 * time.Second,
		Observer: p.observe, Logger: w.logger(),
	}
	for _, name := range w.systems {
		v := w.vendors[name]
		cfg.Peers[name] = v.peer(p)
	}
	cfg.Flows, cfg.Activities = w.cfg.Flows, w.activities
	if w.cfg.Wrap != nil {
		w.cfg.Wrap(&cfg)
	}
	p.engine, err = sync.New(cfg)
	return err
}

const (
	// many lanes at once: how many are free would depend on which of two
	// goroutines is quicker, and so must not matter.
	many        = 256
	lease       = 5 * time.Second
	backoffMost = 20 * time.Second
)

// crash ends the process at once, like kill -9.
func (p *process) crash() {
	p.world.trace.add(p.name, "dies")
	p.world.sched.kill(p)
	p.stop()
	p.world.restart(p)
}

// restart gives the process a new life after a while.
func (w *world) restart(p *process) {
	pause := span(w.seed, fmt.Sprintf("restart %s %d", p.name, w.lives), 100*time.Millisecond, 20*time.Second)
	w.sched.after(pause, func() {
		if w.procs[p.name] == p {
			w.start(p.name)
		}
	})
}

// deploy ends the process in good order and starts it anew.
func (p *process) deploy() {
	p.world.trace.add(p.name, "is deployed")
	p.stop()
	go func() {
		<-p.ended
		_ = p.queue.Close(context.Background()) // what is not given back expires
		p.world.sched.kill(p)
		p.world.restart(p)
	}()
}

// observe counts what the engine tells. A dead engine tells nobody.
func (p *process) observe(e sync.Event) {
	p.world.sched.mu.Lock()
	defer p.world.sched.mu.Unlock()
	if e.Err != nil {
		p.world.said.WriteString(e.Err.Error() + "\n")
	}
	if !p.dead {
		p.world.events[e.Type]++
	}
}

// do takes a step: it waits for its turn and carries the effect out, unless a
// fault has it otherwise.
func (p *process) do(ctx context.Context, step, detail string, delay time.Duration, effect func() error) error {
	w := p.world
	label := p.label(ctx, step, detail)
	if err := w.sched.wait(ctx, p, label, delay); err != nil {
		return err
	}
	fault := w.faults.at(p.name, step, StepFaults)
	if fault != "" {
		w.trace.add(label, string(fault))
	}
	switch fault {
	case CrashBefore:
		p.crash()
		return errDead
	case Fail:
		return errUnreachable
	case RateLimit:
		return &sync.Error{Op: step, Action: sync.RetryAt, Rule: "quota", RetryAt: time.Now().Add(w.span("quota", time.Second, 10*time.Second)), Err: errSimulated}
	case Deny:
		return &sync.Error{Op: step, Action: sync.Denied, Rule: "token", Err: errSimulated}
	case Freeze:
		p.frozen = time.Now().Add(w.span("freeze", lease/2, 4*lease))
	}
	if fault == Freeze || fault == Slow {
		if err := w.sched.wait(ctx, p, label, w.span("slow", time.Second, 2*lease)); err != nil {
			return err
		}
	}
	err := effect()
	w.trace.add(label, outcome(err))
	switch fault {
	case CrashAfter:
		p.crash()
		return errDead
	case AnswerLost:
		return errAnswerLost
	}
	return err
}

// label names a step, and so who takes it: two lanes or two errands may ask for
// the same at once, and of steps with one name it would be up to Go's scheduler
// which is the first.
func (p *process) label(ctx context.Context, step, detail string) string {
	label := p.name + " " + step + " " + detail
	if lane := sync.LaneOf(ctx); lane != "" {
		label += " for " + lane
	}
	if errand := errandOf(ctx); errand != "" {
		label += " by " + errand
	}
	return label
}

var (
	errSimulated   = errors.New("simulated")
	errUnreachable = errors.New("simulated: connection refused")
	errAnswerLost  = errors.New("simulated: the answer never came")
)

func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	return sync.ActionOf(err).String()
}

// span returns a duration that depends on the moment in the run.
func (w *world) span(what string, from, to time.Duration) time.Duration {
	return span(w.seed, fmt.Sprintf("%s %d", what, w.trace.lines), from, to)
}

// latency is how long a step takes to begin. It may be asked at any time, so
// it depends on nothing that goes on meanwhile.
func (p *process) latency(step, detail string, most time.Duration) time.Duration {
	return span(p.world.seed, fmt.Sprint(p.name, step, detail, time.Now().UnixNano()), 0, most)
}

// A sight is when a piece of work saw a record first since its last write.
type sight struct {
	at  time.Time
	old bool // it has written since
}

// saw notes that a piece of work knows the state of a record as of now. It
// may go by the first of several reads.
func (p *process) saw(ctx context.Context, ref sync.Ref) {
	if p.seen[ctx] == nil {
		p.seen[ctx] = map[sync.Ref]sight{}
	}
	if was, ok := p.seen[ctx][ref]; !ok || was.old {
		p.seen[ctx][ref] = sight{at: time.Now()}
	}
}

// wrote notes that a piece of work has written to a record, and whether the
// answer showed the record.
func (p *process) wrote(ctx context.Context, ref sync.Ref, shown bool) {
	if _, known := p.seen[ctx][ref]; !known {
		p.saw(ctx, ref)
	}
	for other, s := range p.seen[ctx] {
		s.old = true
		p.seen[ctx][other] = s
	}
	if shown {
		p.seen[ctx][ref] = sight{time.Now(), true}
	}
}

// lastSaw returns when a piece of work saw a record last.
func (p *process) lastSaw(ctx context.Context, ref sync.Ref) time.Time { return p.seen[ctx][ref].at }

// alive lists the names of the processes that live.
func (w *world) alive() []string {
	w.sched.mu.Lock()
	defer w.sched.mu.Unlock()
	var out []string
	for _, name := range sortedKeys(maps.Keys(w.procs)) {
		if !w.procs[name].dead {
			out = append(out, name)
		}
	}
	return out
}
