package dashboard

import (
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// replaysKept is how many replays a page remembers.
const replaysKept = 50

// A replayed dead letter, and what became of it.
type replayed struct {
	ID, By, What string
	Ref          sync.Ref
	At           time.Time
	Outcome      string // "waits", "done" or "failed again"
}

// replays remembers the last dead letters that were replayed from the pages of
// this process, so that nobody loses sight of what he replayed.
type replays struct {
	mu   stdsync.Mutex
	last []replayed // the newest first
}

// add notes letters that were replayed.
func (p *replays) add(letters []letter, at time.Time, by string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range letters {
		l := &letters[i]
		p.last = append([]replayed{{ID: l.Message.ID, By: by, What: l.What, Ref: l.Ref, At: at}}, p.last...)
	}
	p.last = p.last[:min(len(p.last), replaysKept)]
}

// list returns the replays with their outcome: dead again, or done if the feed
// knows so, or else still waiting.
func (p *replays) list(dead []letter, feed *Feed) []replayed {
	p.mu.Lock()
	out := append([]replayed(nil), p.last...)
	p.mu.Unlock()
	again := map[string]bool{}
	for i := range dead {
		again[dead[i].Message.ID] = true
	}
	for i := range out {
		out[i].Outcome = out[i].outcome(again, feed)
	}
	return out
}

func (r *replayed) outcome(dead map[string]bool, feed *Feed) string {
	if dead[r.ID] {
		return "failed again"
	}
	done := feed.latest(1, func(ev *sync.Event) bool {
		return ev.Ref == r.Ref && ev.At.After(r.At) && (ev.Type == sync.EventSynced || ev.Type == sync.EventRecorded)
	})
	if len(done) > 0 {
		return "done"
	}
	return "waits"
}
