package sync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// counterpart returns the record of a system that an active link of a flow
// joins with another, zero if there is none.
func (e *Engine) counterpart(ctx context.Context, flow string, from Ref, system System) (Ref, error) {
	link, err := e.cfg.Store.Link(ctx, flow, from)
	if errors.Is(err, ErrNotFound) {
		return Ref{}, nil
	}
	if err != nil || link.State != Active {
		return Ref{}, err
	}
	for _, s := range []Side{Left, Right} {
		if end := link.End(s); end.System == system && end != from {
			return end, nil
		}
	}
	return Ref{}, nil
}

// relate finds the records with which a record about to be created on a side
// is to be associated. One that is required and missing has the creation wait.
func (r *reconciliation) relate(ctx context.Context, s Side) error {
	end := r.flow.End(s)
	r.related = nil
	for i := range end.Relate {
		a := &end.Relate[i]
		from, ok := a.Of(r.views[s.Other()].Record)
		if !ok {
			continue
		}
		ref, err := r.engine.counterpart(ctx, a.Flow, from, end.System)
		switch {
		case err != nil:
			return err
		case !ref.Zero():
			r.related = append(r.related, ref)
		case a.Required:
			return &Error{Op: "create", Action: RetryAt, Ref: r.ref, Rule: "association.required", RetryAt: time.Now().Add(r.patience()),
				Hint: fmt.Sprintf("it is created when flow %s links %s", a.Flow, from), Err: errors.New("what it belongs to is not there yet")}
		}
	}
	return nil
}

// patience is how long a creation waits for what it belongs to before it looks
// again: the two often come into being together.
func (r *reconciliation) patience() time.Duration {
	if time.Since(r.since) < 10*time.Second {
		return time.Second
	}
	return 30 * time.Second
}
