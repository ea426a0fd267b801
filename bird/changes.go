package bird

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// pageSize is the most records that Bird lists at once.
const pageSize = "100"

// Changes implements [sync.Source] by walking the list of all contacts, page
// by page, round after round: Bird can neither filter nor sort contacts by
// their last change. With Options.Conversations the list of all conversations,
// which are in the order of their beginnings, follows in each round. One call is
// one page. More is true until the round's end, so that a whole one follows at
// once; calls wait for their turn at Options.WalkShare of the reads and give way
// to live ones, so the walk delays nobody. [Adapter.DetectionDelay] tells what
// that means for an edit.
//
// A page reports only the records that are not as the last walk showed them,
// by a fingerprint of the fields read and updatedAt. What counts as shown is what a
// page told and the caller stored: it comes back with the Next of that page.
// Neither a read nor a write of ours counts, because neither says that
// everybody who needs the edit has had it; the echo of our own write is
// reported once and needs no read, as its Witness says.
//
// The fingerprints are held in memory only. After a restart, or for a page that
// another process walked, each record is reported again, under an ID made of
// its state, so that the queue drops what it took in during the last days.
//
// A record that two whole walks no longer show is reported too, so that the
// engine reads it and finds it deleted, merged, or merely not listed. A walk
// is whole when this process saw every page of it to the list's end.
//
// A walk that Bird cuts off, by refusing a page token or by telling one that
// leads nowhere new, starts again from the other end of the list. Records
// created during a walk are found by the next one.
//
// Of the conversations those with customers are reported that moved within
// Options.ConversationAge, whatever their status: by updatedAt or a message.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/list-contacts
// and https://docs.bird.com/api/conversations-api/api-reference/conversations-api/list-conversations.
func (a *Adapter) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	ctx = sync.WithPriority(ctx, max(sync.PriorityOf(ctx), sync.Sweep))
	if err := a.pages.wait(ctx); err != nil {
		return sync.ChangePage{}, request{op: "bird: list changes"}.unanswered(err)
	}
	defer a.pages.done()
	at := parseTour(since)
	turn := at.turn(a.rolls)
	r := a.rolls[turn]
	p, err := r.next(ctx, sync.Cursor(at.Places[r.of()]))
	if err != nil {
		return sync.ChangePage{}, err
	}
	at.Places[r.of()] = json.RawMessage(p.Next)
	if !p.More {
		turn++ // to the next list
	}
	p.More = turn < len(a.rolls)
	at.Turn = a.rolls[turn%len(a.rolls)].of()
	p.Next = at.cursor()
	return p, nil
}

// A tour is where the walks of the lists stand, which follow one another. It is
// the cursor.
type tour struct {
	// Turn is the list to go on with.
	Turn sync.Kind `json:"turn"`
	// Places are the cursors of the walks, which know them by their bytes.
	Places map[sync.Kind]json.RawMessage `json:"places"`
}

// parseTour reads a cursor. One that is none of ours is the beginning.
func parseTour(c sync.Cursor) tour {
	var t tour
	if json.Unmarshal([]byte(c), &t) != nil || t.Places == nil {
		return tour{Places: map[sync.Kind]json.RawMessage{}}
	}
	return t
}

func (t *tour) cursor() sync.Cursor {
	data, err := json.Marshal(t)
	if err != nil { // a place without a cursor
		return ""
	}
	return sync.Cursor(data)
}

// turn returns the place of the list whose turn it is; that of one which is not
// walked any more falls to the first.
func (t *tour) turn(rolls []lister) int {
	return max(0, slices.IndexFunc(rolls, func(r lister) bool { return r.of() == t.Turn }))
}

// A lister is a [roll] of any kind.
type lister interface {
	of() sync.Kind
	next(ctx context.Context, since sync.Cursor) (sync.ChangePage, error)
	stats(now time.Time) WalkStats
}
