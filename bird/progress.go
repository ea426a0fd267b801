package bird

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A progress is how far a walk of a list has come. It is the cursor,
// so it outlives the process and every process knows it.
type progress struct {
	// Token is of the next page, "" at the beginning.
	Token string `json:"token,omitempty"`
	// Reverse is set for a walk from the list's other end.
	Reverse bool `json:"reverse,omitempty"`
	// Began is zero between two walks.
	Began   time.Time `json:"began,omitzero"`
	Pages   int       `json:"pages,omitempty"`
	Records int       `json:"records,omitempty"`
	Broken  int       `json:"broken,omitempty"` // walks cut off since the last one that was not
	// Call is the call that told this cursor, and no other one did.
	Call uint64 `json:"call,omitempty"`
	// Last is the last walk that came to the end of the list.
	Last lap `json:"last,omitzero"`
}

// A lap is a walk that came to the end of the list.
type lap struct {
	Began   time.Time     `json:"began"`
	Ended   time.Time     `json:"ended"`
	Pages   int           `json:"pages"`
	Records int           `json:"records"`
	Pause   time.Duration `json:"pause"` // between the lap before and this one
}

// parseProgress reads a cursor. One that is none of ours is the beginning.
func parseProgress(c sync.Cursor) progress {
	var p progress
	if json.Unmarshal([]byte(c), &p) != nil {
		return progress{}
	}
	return p
}

func (p progress) cursor() sync.Cursor {
	data, err := json.Marshal(p)
	if err != nil { // a time before year 0 or after 9999
		return ""
	}
	return sync.Cursor(data)
}

// begin begins a call, and a walk unless one is under way.
func (p *progress) begin(now time.Time) {
	p.Call = rand.Uint64()
	if p.Began.IsZero() {
		p.Began = now.UTC().Round(0)
	}
}

// finished returns the progress after a walk that came to the end.
func (p progress) finished(now time.Time) progress {
	l := lap{Began: p.Began, Ended: now.UTC().Round(0), Pages: p.Pages, Records: p.Records}
	if !p.Last.Ended.IsZero() {
		l.Pause = max(p.Began.Sub(p.Last.Ended), 0)
	}
	return progress{Call: p.Call, Last: l}
}

// broken returns the progress after a walk that was cut off.
func (p progress) broken() progress {
	return progress{Reverse: !p.Reverse, Broken: p.Broken + 1, Call: p.Call, Last: p.Last}
}
