package dashboard

import (
	"context"
	"fmt"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// runsKept is how many runs are remembered.
const runsKept = 50

// A job is what a run does.
type job struct {
	kind, scope string
	flow        string
	progress    string // the name under which the feed knows the progress
	do          func(context.Context) (any, error)
}

// A run is a job that somebody started, under way or over.
type run struct {
	ID          int
	Kind, Scope string
	Flow, By    string
	Started     time.Time
	Ended       time.Time // zero while it is under way
	Err         string
	Result      any // of the job, nil while it is under way
	Progress    sync.Progress
	Told        bool // whether Progress tells anything
	progress    string
	cancel      context.CancelFunc
}

// State returns how the run stands, in a word.
func (r run) State() string {
	switch {
	case r.Ended.IsZero():
		return "running"
	case r.Err != "":
		return "stopped"
	}
	return "done"
}

// Took returns how long the run took so far.
func (r run) Took() time.Duration {
	if r.Ended.IsZero() {
		return time.Since(r.Started)
	}
	return r.Ended.Sub(r.Started)
}

// Reached returns how many records are done, those of earlier calls included.
func (r run) Reached() int { return r.Progress.Earlier + r.Progress.Done }

// Forecast returns the result of a dry run, nil for any other.
func (r run) Forecast() *sync.Forecast {
	if f, ok := r.Result.(sync.Forecast); ok {
		return &f
	}
	return nil
}

// Agreement returns the result of a verification.
func (r run) Agreement() *sync.Agreement {
	if a, ok := r.Result.(sync.Agreement); ok {
		return &a
	}
	return nil
}

// Audit returns the result of a check of the audit.
func (r run) Audit() *sync.AuditReport {
	if a, ok := r.Result.(sync.AuditReport); ok {
		return &a
	}
	return nil
}

// Text returns any other result.
func (r run) Text() string {
	text, _ := r.Result.(string)
	return text
}

// runs are those of this process. Its context ends with the dashboard.
type runs struct {
	ctx  context.Context
	stop context.CancelFunc
	work stdsync.WaitGroup

	mu   stdsync.Mutex
	last int
	list []*run // the newest first
}

// start begins a job unless the same is under way.
func (rs *runs) start(j job, by string, changed func()) (int, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.ctx.Err() != nil {
		return 0, &refusal{503, "the dashboard is closing"}
	}
	for _, r := range rs.list {
		if r.Kind == j.kind && r.Scope == j.scope && r.Ended.IsZero() {
			return 0, &refusal{409, fmt.Sprintf("the same is under way: run %d", r.ID)}
		}
	}
	ctx, cancel := context.WithCancel(rs.ctx)
	rs.last++
	r := &run{ID: rs.last, Kind: j.kind, Scope: j.scope, Flow: j.flow, By: by, Started: time.Now(), progress: j.progress, cancel: cancel}
	rs.list = append([]*run{r}, rs.list...)
	rs.list = rs.list[:min(len(rs.list), runsKept)]
	rs.work.Go(func() {
		defer cancel()
		result, err := j.do(ctx)
		rs.end(r, result, err)
		changed()
	})
	return r.ID, nil
}

// end notes how a run ended.
func (rs *runs) end(r *run, result any, err error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r.Result, r.Ended = result, time.Now()
	if err != nil {
		r.Err = err.Error()
	}
}

// all returns copies of the runs, the newest first.
func (rs *runs) all(feed *Feed) []run {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	out := make([]run, len(rs.list))
	for i, r := range rs.list {
		out[i] = *r
		out[i].Progress, out[i].Told = feed.progressOf(r)
	}
	return out
}

// one returns a copy of a run.
func (rs *runs) one(id int, feed *Feed) (run, error) {
	for _, r := range rs.all(feed) {
		if r.ID == id {
			return r, nil
		}
	}
	return run{}, notFound("this process remembers no such run")
}
