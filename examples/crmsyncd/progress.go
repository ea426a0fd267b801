package main

import (
	"fmt"
	"strings"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A progress shows how far a run is: on a screen as one line that is drawn
// again, elsewhere as a line now and then.
type progress struct {
	t     *terminal
	mu    stdsync.Mutex
	at    time.Time // of the last line
	last  string
	drawn bool
}

// progressInterval is now and then.
const progressInterval = 5 * time.Second

// watchRuns shows the runs of a deployment until stop is called.
func (t *terminal) watchRuns(d *deployment) (stop func()) {
	if t.json {
		return func() {}
	}
	p := &progress{t: t}
	unfollow := d.watch.follow(p.show)
	return func() {
		unfollow()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.drawn {
			fmt.Fprintln(t.err)
		}
	}
}

func (p *progress) show(now sync.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.t.live:
		fmt.Fprintf(p.t.err, "\r\x1b[K%s", line(now))
		p.drawn = true
	case line(now) != p.last && (!now.More || time.Since(p.at) >= progressInterval):
		p.at, p.last = time.Now(), line(now)
		fmt.Fprintln(p.t.err, p.last)
	}
}

// line tells of a run in one line.
func line(p sync.Progress) string {
	done := p.Done + p.Earlier
	parts := []string{p.Run, fmt.Sprint(done)}
	if p.Total > 0 {
		parts = []string{p.Run, bar(done, p.Total), fmt.Sprintf("%d of %d", done, p.Total)}
	}
	if p.PerSecond > 0 {
		parts = append(parts, fmt.Sprintf("%.0f/s", p.PerSecond))
	}
	if p.Remaining > 0 && p.More {
		parts = append(parts, p.Remaining.Round(time.Second).String()+" left")
	}
	for what, n := range map[string]int{"failed": p.Failed, "ambiguous": p.Duplicates, "in conflict": p.Conflicts, "waiting": p.Waiting} {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	return strings.Join(parts, "  ")
}

func bar(done, total int) string {
	const width = 24
	full := min(width*done/total, width)
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "]"
}
