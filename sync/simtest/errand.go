package simtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// errand has one of the processes called, and the next one after a while,
// until it is over. What is called may fail or die with its process at any
// step.
func (w *world) errand(what string, do func(context.Context, *sync.Engine) error, over func(error) bool) {
	w.net.flying++
	w.errands++
	w.ask(fmt.Sprintf("%s, errand %d", what, w.errands), do, over, time.Second)
}

func (w *world) ask(what string, do func(context.Context, *sync.Engine) error, over func(error) bool, delay time.Duration) {
	again := func() { w.ask(what, do, over, 5*time.Second) }
	w.sched.after(delay, func() {
		name, up := pick(w.alive(), chance(w.seed, fmt.Sprint("errand ", w.trace.lines)))
		if !up {
			again()
			return
		}
		p := w.procs[name]
		go func() {
			ctx, cancel := context.WithTimeout(context.WithValue(background, errandKey{}, what), 5*time.Minute)
			defer cancel()
			err := do(ctx, p.engine)
			if late := w.sched.wait(ctx, p, p.name+" is done with "+what, 0); late != nil {
				err = late
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if !over(err) {
				again()
				return
			}
			w.net.flying--
		}()
	})
}

// An errandKey is the context's key of the errand that a call is part of.
type errandKey struct{}

// errandOf returns its name, "" if it is part of none.
func errandOf(ctx context.Context) string {
	name, _ := ctx.Value(errandKey{}).(string)
	return name
}

// errEarlier says that a run began before what it shall find.
var errEarlier = errors.New("simtest: it began earlier")

// stocktake has something happen that no webhook and no feed tells of, and an
// inventory that finds it.
func (w *world) stocktake(f *sync.Flow, a Action, v *vendor, ref sync.Ref) {
	w.quietly(v, func() {
		if ref.Zero() || a.What < 0.5 {
			w.unheard[w.register(f, a.Side, nil)] = true
			return
		}
		w.tell(ref, "a person deletes it, and nobody hears of it")
		w.removed[ref] = true
		v.remove(ref, true)
	})
	since := time.Now().UTC()
	w.errand("the inventory of "+string(v.system), func(ctx context.Context, e *sync.Engine) error {
		found, err := e.Inventory(ctx, v.system)
		if err == nil && found.Began.Before(since) {
			return errEarlier // it may have passed the place by then
		}
		return err
	}, func(err error) bool { return err == nil })
}

// load has somebody come in of whom no webhook and no feed tells, and a backfill
// that brings everybody.
func (w *world) load(f *sync.Flow, a Action, v *vendor) {
	w.quietly(v, func() { w.unheard[w.register(f, a.Side, nil)] = true })
	w.loads++
	run := sync.Load{Name: fmt.Sprint("load ", w.loads), Flow: f.Name, From: a.Side, Stages: []int{2, 5, 10},
		Failures: 1, Duplicates: 1, Patience: 20 * time.Second}
	w.errand(run.Name, func(ctx context.Context, e *sync.Engine) error {
		_, err := e.Backfill(ctx, run)
		if ended, ok := errors.AsType[*sync.Error](err); ok && ended.Rule == "backfill.ended" {
			return nil // an earlier try was not told
		}
		return err
	}, func(err error) bool { return err == nil })
}

// undoing marks the work of an Undo.
type undoing struct{}

// takeBack has the last writes to a pair undone. If that is refused, it is left
// at a few tries.
func (w *world) takeBack(f *sync.Flow, a Action, ref sync.Ref) {
	w.undone[ref] = true
	if link, err := w.store.Link(background, f.Name, ref); err == nil {
		w.undone[link.Left], w.undone[link.Right] = true, true
	}
	u := sync.Undo{Flow: f.Name, Ref: ref, Since: time.Now().Add(-time.Duration(a.What * float64(time.Minute)))}
	w.tell(ref, "somebody has it undone since %s", clock(u.Since))
	tries := 0
	w.errand("the undo of "+ref.String(), func(ctx context.Context, e *sync.Engine) error {
		_, err := e.Undo(context.WithValue(ctx, undoing{}, true), u)
		return err
	}, func(err error) bool {
		tries++
		return err == nil || tries > 3
	})
}

// quietly has something happen that a vendor tells nobody of.
func (w *world) quietly(v *vendor, do func()) {
	v.quiet = true
	defer func() { v.quiet = false }()
	do()
}
