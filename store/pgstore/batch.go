package pgstore

import (
	"context"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/internal/pgerror"
	"github.com/urbanhub/crmsync/sync"
)

// An outcome is what came of one call of a batch.
type outcome[T any] struct {
	value T
	err   error
}

// run carries out calls that came together.
type run[In, Out any] func(context.Context, []In) ([]outcome[Out], error)

// A batcher has calls that come together carried out together.
type batcher[In, Out any] struct {
	*microbatch.Batcher[In, outcome[Out]]
}

// newBatcher returns a batcher of at most so many batches at a time.
func newBatcher[In, Out any](inFlight int, all run[In, Out]) batcher[In, Out] {
	return batcher[In, Out]{microbatch.New(microbatch.Config[In, outcome[Out]]{Max: 256, InFlight: inFlight, Run: all.apart})}
}

// do has one call carried out.
func (b batcher[In, Out]) do(ctx context.Context, op string, in In) (Out, error) {
	outs, err := b.Do(ctx, in)
	if err != nil {
		var none Out
		return none, pgerror.Wrap(op, err)
	}
	return outs[0].value, pgerror.Wrap(op, outs[0].err)
}

// apart carries out the calls together or, if the data of one are at fault,
// each alone.
func (all run[In, Out]) apart(ctx context.Context, calls []In) ([]outcome[Out], error) {
	outs, err := all(ctx, calls)
	if err == nil || len(calls) == 1 || sync.ActionOf(pgerror.Wrap("", err)) != sync.Invalid {
		return outs, err
	}
	outs = make([]outcome[Out], len(calls))
	for i := range calls {
		one, err := all(ctx, calls[i:i+1])
		if err != nil {
			outs[i].err = err
			continue
		}
		outs[i] = one[0]
	}
	return outs, nil
}
