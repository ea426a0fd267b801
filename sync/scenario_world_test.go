package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

const (
	leftSystem  sync.System = "alpha"
	rightSystem sync.System = "beta"
)

// lens sees one text field; fold makes it canonical.
type lens struct {
	name string
	fold func(string) (string, error)
}

func (l lens) Names() []string { return []string{l.name} }

func (l lens) Get(f sync.Fields) (sync.Value, error) {
	if f[l.name].Blank() {
		return sync.Value{}, nil
	}
	s, err := l.fold(f[l.name].String())
	if s == "" {
		return sync.Value{}, err
	}
	return sync.Text(s), err
}

func (l lens) Put(v sync.Value, _ sync.Fields) (sync.Fields, error) {
	if v.Blank() {
		return sync.Fields{l.name: sync.Value{}}, nil
	}
	return sync.Fields{l.name: v}, nil
}

func plain(name string) lens {
	return lens{name, func(s string) (string, error) { return s, nil }}
}

// folded ignores case.
func folded(name string) lens {
	return lens{name, func(s string) (string, error) { return strings.ToLower(s), nil }}
}

// phone ignores blanks and refuses letters.
func phone(name string) lens {
	return lens{name, func(s string) (string, error) {
		s = strings.ReplaceAll(s, " ", "")
		if strings.Trim(s, "+0123456789") != "" {
			return "", &sync.Error{Op: "map", Action: sync.Invalid, Rule: "phone.digits", Err: errors.New("not a phone number")}
		}
		return s, nil
	}}
}

// people is the flow of the scenarios: each side keeps the other's id.
func people() *sync.Flow {
	own := func(s sync.Side) sync.Policy { return sync.Policy{Kind: sync.Own, Owner: s} }
	return &sync.Flow{
		Name:  "people",
		Left:  sync.Endpoint{System: leftSystem, Kind: contact, CreateKey: "beta_id"},
		Right: sync.Endpoint{System: rightSystem, Kind: contact, CreateKey: "alpha_id"},
		Fields: []sync.Field{
			{Name: "alpha id", Left: plain("id"), Right: plain("alpha_id"), Direction: sync.ToRight, Policy: own(sync.Left)},
			{Name: "beta id", Left: plain("beta_id"), Right: plain("id"), Direction: sync.ToLeft, Policy: own(sync.Right)},
			{Name: "email", Left: folded("email"), Right: folded("mail"), Policy: sync.Policy{Owner: sync.Right}},
			{Name: "name", Left: plain("name"), Right: plain("fullname"), Policy: sync.Policy{Owner: sync.Right}},
			{Name: "phone", Left: phone("msisdn"), Right: phone("phone"), Policy: sync.Policy{Owner: sync.Left}},
		},
		Identity: []sync.Identity{
			{Name: "alpha id", Left: plain("id"), Right: plain("alpha_id")},
			{Name: "beta id", Left: plain("beta_id"), Right: plain("id")},
			{Name: "email", Left: folded("email"), Right: folded("mail")},
		},
		FirstSync: sync.Policy{Kind: sync.Own, Owner: sync.Right},
	}
}

// A strict store refuses to change anything for a context that has ended, as
// one behind a network would.
type strict struct{ sync.Store }

func (s strict) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	if ctx.Err() != nil {
		return sync.Link{}, ctx.Err()
	}
	return s.Store.Begin(ctx, now, l, i, es...)
}

func (s strict) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if ctx.Err() != nil {
		return sync.Link{}, ctx.Err()
	}
	return s.Store.Commit(ctx, now, c)
}

// tb is what a world reports to: a test or one example of a law.
type tb interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// A world is two fakes, a store, a queue and an engine between them.
type world struct {
	tb
	ctx         context.Context
	left, right *fake
	store       sync.Store
	log         queue.Log
	queue       sync.Queue
	engine      *sync.Engine
	cfg         sync.Config
	flow        *sync.Flow

	mu     stdsync.Mutex
	hooks  []sync.Change // webhooks on their way
	hooked int
	events []sync.Event
}

// bubble runs a scenario in virtual time.
func bubble(t *testing.T, scenario func(w *world), options ...func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.Context(), options...)
		scenario(w)
		w.auditWhole()
	})
}

// auditWhole checks that no entry of the audit was changed or is missing.
func (w *world) auditWhole() {
	w.Helper()
	report, err := sync.VerifyAudit(w.ctx, w.store, w.flow.Name)
	if err != nil || len(report.Faults) > 0 {
		w.Errorf("the audit: %+v, %v", report, err)
	}
}

func newWorld(t tb, ctx context.Context, options ...func(*world)) *world {
	log := memqueue.NewLog(nil)
	q, err := queue.New(log, &queue.Options{Pause: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{tb: t, ctx: ctx, store: strict{memstore.New()}, log: log, queue: q, flow: people(),
		left: newFake(leftSystem, "L", "email"), right: newFake(rightSystem, "R", "mail")}
	w.left.format = map[string]func(string) string{"msisdn": func(s string) string { return strings.ReplaceAll(s, " ", "") }}
	w.right.format = map[string]func(string) string{"mail": strings.ToLower}
	w.left.notify, w.right.notify = w.hook, w.hook
	w.cfg = sync.Config{Store: w.store, Queue: w.queue, Flows: []*sync.Flow{w.flow}, Observer: w.observe,
		Peers: map[sync.System]sync.Peer{leftSystem: {Source: w.left, Sink: w.left}, rightSystem: {Source: w.right, Sink: w.right}}}
	for _, o := range options {
		o(w)
	}
	w.start()
	return w
}

// start makes the engine anew from the configuration.
func (w *world) start() {
	w.Helper()
	engine, err := sync.New(w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	w.engine = engine
}

func (w *world) hook(ref sync.Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hooked++
	w.hooks = append(w.hooks, sync.Change{ID: fmt.Sprintf("hook:%d", w.hooked), Ref: ref, Reason: sync.ReasonWebhook})
}

// takeHooks takes the webhooks off their way: the test loses them or
// delivers them itself.
func (w *world) takeHooks() []sync.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	hooks := w.hooks
	w.hooks = nil
	return hooks
}

func (w *world) observe(e sync.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, e)
}

// count counts the events of a type so far.
func (w *world) count(t sync.EventType) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for i := range w.events {
		if w.events[i].Type == t {
			n++
		}
	}
	return n
}

func (w *world) enqueue(changes ...sync.Change) {
	w.Helper()
	for _, c := range changes {
		if err := w.engine.Enqueue(w.ctx, c); err != nil {
			w.Fatal(err)
		}
	}
}

// enqueueQuietly enqueues in a process that may die of it.
func (w *world) enqueueQuietly(changes ...sync.Change) {
	for _, c := range changes {
		_ = w.engine.Enqueue(w.ctx, c)
	}
}

// look enqueues a look at each record.
func (w *world) look(refs ...sync.Ref) {
	w.Helper()
	for _, ref := range refs {
		w.hook(ref)
	}
	w.enqueue(w.takeHooks()...)
}

// once delivers the webhooks and works until nothing is ready.
func (w *world) once() {
	w.Helper()
	w.enqueue(w.takeHooks()...)
	if err := w.engine.RunOnce(w.ctx); err != nil {
		w.Fatal(err)
	}
}

// settle works until nothing is left to do, however long retries sleep.
func (w *world) settle() {
	w.Helper()
	for range 1000 {
		w.once()
		s := w.stats()
		w.mu.Lock()
		waiting := len(w.hooks) + s.Waiting + s.Leased
		w.mu.Unlock()
		if waiting == 0 {
			return
		}
		time.Sleep(max(time.Until(s.NextAt), 10*time.Millisecond))
	}
	w.Fatal("the world does not settle")
}

func (w *world) stats() sync.QueueStats {
	w.Helper()
	s, err := w.queue.Stats(w.ctx, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// pair makes a linked pair at rest and returns its ends.
func (w *world) pair(pairs ...string) (left, right sync.Ref) {
	w.Helper()
	left = w.left.create(pairs...)
	w.settle()
	link := w.link(left)
	w.left.takeWrites()
	w.right.takeWrites()
	time.Sleep(time.Minute)
	return left, link.Right
}

func (w *world) link(ref sync.Ref) sync.Link {
	w.Helper()
	link, err := w.store.Link(w.ctx, w.flow.Name, ref)
	if err != nil {
		w.Fatalf("link of %s: %v", ref, err)
	}
	return link
}

func (w *world) dead() []sync.DeadLetter {
	w.Helper()
	dead, err := w.queue.Dead(w.ctx, sync.DeadFilter{Limit: 1000})
	if err != nil {
		w.Fatal(err)
	}
	return dead
}

func (w *world) noDead() {
	w.Helper()
	for _, d := range w.dead() {
		w.Errorf("dead letter %s: %s", d.Message.Key, d.History[len(d.History)-1].Error)
	}
}

func (w *world) entries(kind sync.EntryKind) []sync.Entry {
	w.Helper()
	all, err := sync.ReadAudit(w.ctx, w.store, sync.AuditFilter{Limit: 1 << 20})
	if err != nil {
		w.Fatal(err)
	}
	return slices.DeleteFunc(all, func(e sync.Entry) bool { return e.Kind != kind })
}

// holds checks one field of one record.
func (w *world) holds(f *fake, ref sync.Ref, field, want string) {
	w.Helper()
	if got := f.get(ref, field); got != want {
		w.Errorf("%s %s = %q, want %q", ref, field, got, want)
	}
}

// wrote checks the fields written since the last check, as "ref field".
func (w *world) wrote(want ...string) {
	w.Helper()
	var got []string
	for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
		got = append(got, s.ref.ID+" "+s.field)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("writes %q, want %q", got, want)
	}
}

// agrees checks that every linked pair agrees in every field.
func (w *world) agrees(pairs int) {
	w.Helper()
	a, err := w.engine.Verify(w.ctx, w.flow.Name)
	if err != nil {
		w.Fatal(err)
	}
	if a.Pairs != pairs || a.Ratio() != 1 || a.Missing != 0 || len(a.Differences) != 0 {
		w.Errorf("agreement %+v, want %d pairs without differences", a, pairs)
	}
}
