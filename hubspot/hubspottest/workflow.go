package hubspottest

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// SetProperties is what a stub workflow does: it gets the set values of the enrolled record and returns those to write; nil
// writes nothing. It may be called concurrently.
type SetProperties func(values map[string]string) map[string]string

// workflow enrols records and writes to them.
type workflow struct {
	id              string
	typ             *objectType // nil for those that events start
	property, event string
	set             SetProperties
}

// maxChain is the number of runs of which each may start the next, so that workflows that feed one another come to an end.
const maxChain = 25

// workflows are the account's stub workflows. All but the context is guarded by the account's lock.
type workflows struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	all     []*workflow
	chain   int // the length of the chain of the run that writes at present
	pending int
	idle    chan struct{} // closed while nothing is pending
	runs    int
	closed  bool
}

func newWorkflows() *workflows {
	w := &workflows{}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// OnChange adds a workflow that enrols every record of a type whose property changes, whoever changed it, and then writes
// what set returns as AUTOMATION_PLATFORM. It runs Options.WorkflowDelay later, in the background; WaitWebhooks and Idle
// wait for it. A chain of runs that start one another ends after 25.
func (a *Account) OnChange(objectType, property string, set SetProperties) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addWorkflow(&workflow{typ: a.in(objectType).typ, property: property, set: set})
}

// OnEvent adds a workflow like OnChange's that enrols every record to which a custom event of this full name happens.
func (a *Account) OnEvent(eventName string, set SetProperties) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addWorkflow(&workflow{event: eventName, set: set})
}

// WorkflowRuns counts the runs of workflows so far.
func (a *Account) WorkflowRuns() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.workflows.runs
}

func (a *Account) addWorkflow(w *workflow) {
	w.id = fmt.Sprintf("workflow-%d", len(a.workflows.all)+1)
	a.workflows.all = append(a.workflows.all, w)
}

// enrol starts the workflows for a record whose property changed or to which an event happened. The lock is held.
func (a *Account) enrol(o *object, property, event string) {
	ws := a.workflows
	for _, w := range ws.all {
		wanted := event != "" && w.event == event || property != "" && w.typ == o.typ && w.property == property
		if !wanted || ws.chain >= maxChain || ws.closed {
			continue
		}
		if ws.pending == 0 {
			ws.idle = make(chan struct{})
		}
		ws.pending++
		chain := ws.chain + 1
		ws.work.Go(func() { a.runWorkflow(w, o.typ.plural, o.key(), chain) })
	}
}

// runWorkflow waits, asks the workflow what to write, and writes it.
func (a *Account) runWorkflow(w *workflow, objectType, id string, chain int) {
	timer := time.NewTimer(a.opts.WorkflowDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.workflows.ctx.Done():
	}
	var write map[string]string
	if values, ok := a.Object(objectType, id); ok && a.workflows.ctx.Err() == nil {
		write = w.set(values)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	ws := a.workflows
	ws.runs++
	ws.chain = chain
	if o, err := a.live(objectType, id); err == nil && len(write) > 0 {
		if d, bad := a.plan(o.store, o, input{Properties: write}, "", claims{}); bad == nil {
			a.apply(d, Workflow(w.id))
		}
	}
	ws.chain = 0
	if ws.pending--; ws.pending == 0 {
		close(ws.idle)
	}
}

// waitWorkflows returns when no workflow runs, and whether any did.
func (a *Account) waitWorkflows(ctx context.Context) (ran bool, err error) {
	a.mu.Lock()
	idle, pending := a.workflows.idle, a.workflows.pending
	a.mu.Unlock()
	if pending == 0 {
		return false, nil
	}
	select {
	case <-idle:
		return true, nil
	case <-ctx.Done():
		return true, ctx.Err()
	}
}

// stopWorkflows ends the runs under way and waits for them.
func (a *Account) stopWorkflows() {
	a.mu.Lock()
	a.workflows.closed = true
	a.mu.Unlock()
	a.workflows.cancel()
	a.workflows.work.Wait()
}
