package main

import (
	"context"
	"errors"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// waiting are the numbers of messages behind which a claim is measured.
var waiting = []int{1_000, 100_000, 1_000_000}

// A claimRow is what a message costs while so many wait, in microseconds: to
// take it, and all of taking, finishing and pushing one for it.
type claimRow struct {
	Engine  string  `json:"engine"`
	Waiting int     `json:"waiting"`
	Take    float64 `json:"take_us_per_message"`
	CPU     float64 `json:"cpu_us_per_message"`
	// TakeRatio and CPURatio compare with the shortest queue.
	TakeRatio float64 `json:"take_ratio"`
	CPURatio  float64 `json:"cpu_ratio"`
}

// claim fills queues of ours to each length and works them in turns.
func (b *bench) claim(ctx context.Context) error {
	for i := range makers {
		k := &makers[i]
		if !k.ours || !b.takesPart(k.name) {
			continue
		}
		rows, err := b.claims(ctx, k)
		if err != nil {
			return err
		}
		progress("claim, %s: %.1f, %.1f, %.1f µs", k.name, rows[0].Take, rows[1].Take, rows[2].Take)
		b.report.Claim = append(b.report.Claim, rows...)
	}
	return nil
}

func (b *bench) claims(ctx context.Context, k *maker) (rows []claimRow, err error) {
	queues := make([]*steady, len(waiting))
	for i, n := range waiting {
		e, err := k.open(ctx, b.machine)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, e.close()) }()
		queues[i] = &steady{ours: e.(*ours)}
		if err := queues[i].fill(ctx, b.scaled(n)); err != nil {
			return nil, err
		}
	}
	for range b.rounds {
		for _, q := range queues {
			if err := q.measure(ctx, b.machine, b.scaled(20_000)); err != nil {
				return nil, err
			}
		}
	}
	for i, q := range queues {
		r := claimRow{Engine: k.name, Waiting: b.scaled(waiting[i]), Take: median(q.take), CPU: median(q.cpu)}
		r.TakeRatio, r.CPURatio = r.Take/median(queues[0].take), r.CPU/median(queues[0].cpu)
		rows = append(rows, r)
		err = errors.Join(err, q.closeQueue())
	}
	return rows, err
}

// A steady queue gets a message for each that is taken, so that as many wait.
// Each message has a key of its own: a lane is a message.
type steady struct {
	*ours
	next      int
	take, cpu []float64 // µs per message, by round
}

func (q *steady) fill(ctx context.Context, n int) error {
	for left := n; left > 0; left -= batch {
		if err := q.add(ctx, min(left, batch)); err != nil {
			return err
		}
	}
	_, _, err := q.turn(ctx, n/2) // fills the window
	return err
}

func (q *steady) add(ctx context.Context, n int) error {
	msgs := make([]message, n)
	for i := range msgs {
		msgs[i] = newMessage(q.next, q.next)
		q.next++
	}
	return q.push(ctx, msgs)
}

// measure works some messages and notes what each cost.
func (q *steady) measure(ctx context.Context, m *machine, n int) error {
	before, err := m.cpu(ctx)
	if err != nil {
		return err
	}
	took, worked, err := q.turn(ctx, n)
	if err != nil {
		return err
	}
	after, err := m.cpu(ctx)
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(worked) }
	q.take, q.cpu = append(q.take, each(took)), append(q.cpu, each(after-before))
	return err
}

// turn takes, finishes and replaces about n messages and returns how long
// taking took.
func (q *steady) turn(ctx context.Context, n int) (took time.Duration, worked int, err error) {
	for worked < n {
		begin := time.Now()
		lanes, err := q.Take(ctx, begin, 256, lease)
		if err != nil {
			return 0, 0, err
		}
		took += time.Since(begin)
		done, err := q.finishAll(ctx, lanes)
		if err != nil {
			return 0, 0, err
		}
		worked += done
		if err := q.add(ctx, done); err != nil {
			return 0, 0, err
		}
	}
	return took, worked, nil
}

func (q *steady) finishAll(ctx context.Context, lanes []sync.Lane) (done int, err error) {
	errs := make([]error, len(lanes))
	var all stdsync.WaitGroup
	for i, lane := range lanes {
		done += len(lane.Messages)
		all.Go(func() { errs[i] = q.Done(ctx, time.Now(), lane) })
	}
	all.Wait()
	return done, errors.Join(errs...)
}
