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
	Fact         bool // which leave no trace under the record's name
	At           time.Time
	Outcome      string // "waits", "back at work", "done" or "failed again"
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
		p.last = append([]replayed{{ID: l.Message.ID, By: by, What: l.What, Ref: l.Ref, Fact: l.Fact, At: at}}, p.last...)
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
	done := map[sync.Ref]time.Time{} // when the record was last synced
	for _, ev := range feed.latest(feedSize, func(ev *sync.Event) bool { return ev.Type == sync.EventSynced }) {
		if ev.At.After(done[ev.Ref]) {
			done[ev.Ref] = ev.At
		}
	}
	for i := range out {
		switch r := &out[i]; {
		case again[r.ID]:
			r.Outcome = "failed again"
		case done[r.Ref].After(r.At):
			r.Outcome = "done"
		case r.Fact:
			r.Outcome = "back at work"
		default:
			r.Outcome = "waits"
		}
	}
	return out
}
