package bird

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// WalkStats tells how the walk of all contacts, or all conversations, goes on.
// It comes from the cursor, so after a restart it is known from the walk's first
// page on.
type WalkStats struct {
	// Started is when the walk under way began, zero between walks.
	Started time.Time
	// Records are those that it has shown so far, on Pages pages.
	Records, Pages int
	// Broken counts the walks since Finished that were cut off. It is usually 0;
	// while it grows, nothing vouches for the records that they did not reach.
	Broken int

	// Finished is when a walk last came to the end of the list, zero if none
	// has. LastRecords, LastPages and Took tell of that walk.
	Finished               time.Time
	LastRecords, LastPages int
	Took                   time.Duration
	// Pause is the longest recent time between two such walks: the one before
	// the last, or the one since Finished if that is already longer. It is zero
	// until one is over.
	Pause time.Duration

	// Remembered are the records whose state this process has a fingerprint of.
	Remembered int
}

// Walk returns how the walk of [Adapter.Changes] through the records of a kind
// goes on, nothing if they are not walked.
func (a *Adapter) Walk(kind sync.Kind) WalkStats {
	for _, r := range a.rolls {
		if r.of() == kind {
			return r.stats(time.Now())
		}
	}
	return WalkStats{}
}

// DetectionDelay bounds the time until the walk reports an edit of a
// record of the kind that no webhook and no Flow told, for an edit made at the worst moment: just after
// the first page of a walk showed the record, which the next walk shows on
// its last page. An edit made later in a walk, or between two, is found by the
// end of the same walk. Whatever the order of the list, that is
//
//	took + pause + next
//
// where took is how long the last walk took, pause the time between two walks,
// and next how long the walk after it takes: as long as the last, or as long as
// the present one is under way already if that is longer. In an order that keeps
// records in their places, such as by creation, took + pause is the longest.
// That a record is gone is known one walk and one pause later.
//
// With n contacts and r = GETPerSecond × WalkShare pages a second, a walk
// takes n/100/r: 100 s for 100,000 contacts by default, which with an engine
// that asks every minute bounds the delay to 4 minutes and 20 seconds. While
// other calls use up the whole budget, a tenth of it is still the walk's. With m
// conversations to walk, too, a round takes (n+m)/100/r; the walk of the one list
// is part of the other's pause.
//
// ok is false until a walk came to the end of the list and the next one began:
// how long the pause is only shows then. Watch the delay: one that keeps growing
// tells that walks no longer come to their end.
func (a *Adapter) DetectionDelay(kind sync.Kind) (delay time.Duration, ok bool) {
	now := time.Now()
	s := a.Walk(kind)
	return s.delay(now), s.Pause > 0
}

func (s *WalkStats) delay(now time.Time) time.Duration {
	next := s.Took
	if !s.Started.IsZero() {
		next = max(next, now.Sub(s.Started))
	}
	return s.Took + s.Pause + next
}

func (w *walk) stats(now time.Time) WalkStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, last := &w.at, &w.at.Last
	s := WalkStats{Started: at.Began, Records: at.Records, Pages: at.Pages, Broken: at.Broken,
		Finished: last.Ended, LastRecords: last.Records, LastPages: last.Pages, Took: last.Ended.Sub(last.Began),
		Pause: last.Pause, Remembered: len(w.marks)}
	switch {
	case last.Ended.IsZero():
	case !at.Began.IsZero():
		s.Pause = max(last.Pause, at.Began.Sub(last.Ended))
	case last.Pause > 0:
		s.Pause = max(last.Pause, now.Sub(last.Ended))
	}
	return s
}
