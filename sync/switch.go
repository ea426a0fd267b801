package sync

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// A Switch suspends what a flow writes: all of it, one field, one direction.
// Activities of its records wait while all fields towards their system do.
type Switch struct {
	Flow string `json:"flow"`
	// Field is a field of the flow, "" for all.
	Field string `json:"field,omitempty"`
	// To is "left" or "right", "" for both.
	To string `json:"to,omitempty"`
	// Why is for those who find it thrown.
	Why string    `json:"why,omitempty"`
	At  time.Time `json:"at,omitzero"`
}

// same reports whether two switches suspend the same.
func (s Switch) same(o Switch) bool { return s.Flow == o.Flow && s.Field == o.Field && s.To == o.To }

func (s Switch) String() string {
	return fmt.Sprintf("flow %s, field %s, to %s", s.Flow, cmp.Or(s.Field, "(all)"), cmp.Or(s.To, "(both)"))
}

// switches are those that are thrown, by flow, as this process last saw them.
type switches struct {
	mu   sync.RWMutex
	flow map[string][]Switch // a flow whose switches were never read is missing
	read time.Time           // when those of all flows were read last
}

func (s *switches) suspended(flow, field string, to Side) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.ContainsFunc(s.flow[flow], func(w Switch) bool {
		return (w.Field == "" || w.Field == field) && (w.To == "" || w.To == to.String())
	})
}

// of returns the switches of a flow that are thrown.
func (s *switches) of(flow string) []Switch {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.flow[flow])
}

// known reports whether the switches of a flow were ever read.
func (s *switches) known(flow string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, known := s.flow[flow]
	return known
}

// fresh reports whether all were read a moment ago.
func (s *switches) fresh() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return time.Since(s.read) < healthInterval
}

// wereRead notes that all were read, since that moment.
func (s *switches) wereRead(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read = since
}

// set replaces the switches of a flow.
func (s *switches) set(flow string, thrown []Switch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flow == nil {
		s.flow = map[string][]Switch{}
	}
	s.flow[flow] = thrown
}

// Suspend throws a switch. It is stored, so that it holds in every process
// within seconds and after a restart. What changes meanwhile is compared and
// told, waits, and is caught up with after [Engine.Resume].
func (e *Engine) Suspend(ctx context.Context, s Switch) error {
	s.At = time.Now().UTC()
	err := e.throw(ctx, s, func(thrown []Switch) []Switch {
		return append(slices.DeleteFunc(thrown, s.same), s)
	})
	if err != nil {
		return err
	}
	return e.behind(ctx, s.Flow, waiting)
}

// Resume puts a switch back, and verifies the flow so that what waited is
// caught up with. If it fails or is cut off after the switch was put back, a
// process that Runs does that.
func (e *Engine) Resume(ctx context.Context, s Switch) error {
	if err := e.checkSwitch(s); err != nil {
		return err
	}
	p, err := e.plannerOf(s.Flow)
	if err != nil {
		return err
	}
	if err := e.behind(ctx, s.Flow, waiting); err != nil {
		return err
	}
	if err := e.throw(ctx, s, func(thrown []Switch) []Switch { return slices.DeleteFunc(thrown, s.same) }); err != nil {
		return err
	}
	e.guarded.forget(s.Flow)
	if err := e.behind(ctx, s.Flow, due); err != nil {
		return err
	}
	v := &catchUp{engine: e, flow: p.flow, at: due}
	if err := v.beat(ctx); err != nil && !errors.Is(err, ErrStale) { // another process may verify it as well
		return err
	}
	return v.run(ctx)
}

// Suspended lists the switches that are thrown.
func (e *Engine) Suspended(ctx context.Context) ([]Switch, error) {
	var all []Switch
	for _, p := range e.planners {
		thrown, _, err := e.thrown(ctx, p.flow.Name)
		if err != nil {
			return nil, err
		}
		all = append(all, thrown...)
	}
	return all, nil
}

// throw changes the stored switches of a flow.
func (e *Engine) throw(ctx context.Context, s Switch, change func([]Switch) []Switch) error {
	if err := e.checkSwitch(s); err != nil {
		return err
	}
	for {
		thrown, was, err := e.thrown(ctx, s.Flow)
		if err != nil {
			return err
		}
		is, err := json.Marshal(change(thrown))
		if err != nil {
			return err
		}
		err = e.cfg.Store.SetCursor(ctx, switchesOf(s.Flow), was, Cursor(is))
		if errors.Is(err, ErrStale) {
			continue // somebody else changed them
		}
		if err != nil {
			return err
		}
		return e.refresh(ctx, s.Flow)
	}
}

func (e *Engine) checkSwitch(s Switch) error {
	bad := func(hint string) error {
		return &Error{Op: "switch", Action: Invalid, Rule: "switch.known", Field: s.Field, Hint: hint, Err: errors.New("there is no such switch")}
	}
	i := slices.IndexFunc(e.planners, func(p *Planner) bool { return p.flow.Name == s.Flow })
	switch {
	case i < 0:
		return bad("name one of the engine's flows")
	case s.Field != "" && !slices.ContainsFunc(e.planners[i].flow.Fields, func(f Field) bool { return f.Name == s.Field }):
		return bad("name one of the flow's fields, or none for all")
	case s.To != "" && s.To != Left.String() && s.To != Right.String():
		return bad(`say "left" or "right", or nothing for both`)
	}
	return nil
}

func switchesOf(flow string) string { return "switches:" + flow }

// thrown reads the stored switches of a flow.
func (e *Engine) thrown(ctx context.Context, flow string) ([]Switch, Cursor, error) {
	stored, err := e.cfg.Store.Cursor(ctx, switchesOf(flow))
	if err != nil || stored == "" {
		return nil, stored, err
	}
	var thrown []Switch
	if err := json.Unmarshal([]byte(stored), &thrown); err != nil {
		return nil, stored, &Error{Op: "switch", Action: Fatal, Rule: "switch.json",
			Hint: "the store holds something the engine did not write; delete the cursor " + switchesOf(flow), Err: err}
	}
	return thrown, stored, nil
}

// refresh takes over the stored switches of a flow. The guard's counts begin
// anew with a flow that was resumed, here or in another process.
func (e *Engine) refresh(ctx context.Context, flow string) error {
	thrown, _, err := e.thrown(ctx, flow)
	if err != nil {
		return err
	}
	whole := Switch{Flow: flow}.same
	was := e.switches.of(flow)
	e.switches.set(flow, thrown)
	if slices.ContainsFunc(was, whole) && !slices.ContainsFunc(thrown, whole) {
		e.guarded.forget(flow)
	}
	return nil
}

// refreshSwitches does so for all flows. Those last seen hold where they cannot
// be read; it is an error if there are none.
func (e *Engine) refreshSwitches(ctx context.Context) error {
	since := time.Now()
	for _, p := range e.planners {
		err := e.refresh(ctx, p.flow.Name)
		if err == nil {
			continue
		}
		if !e.switches.known(p.flow.Name) || ctx.Err() != nil {
			return err
		}
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "the switches cannot be read; those last seen hold",
			slog.String("flow", p.flow.Name), slog.Any("error", err))
	}
	e.switches.wereRead(since)
	return nil
}

// knowSwitches does so unless it was done a moment ago, by [Engine.Run] for one:
// whoever writes must know what was suspended in another process.
func (e *Engine) knowSwitches(ctx context.Context) error {
	if e.switches.fresh() {
		return nil
	}
	return e.refreshSwitches(ctx)
}
