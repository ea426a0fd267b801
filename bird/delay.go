package bird

import "time"

// WalkStats tells how the walk of all contacts goes on. It comes from the
// cursor, so after a restart it is known from the first page on.
type WalkStats struct {
	// Started is when the walk under way began, zero between walks.
	Started time.Time
	// Contacts are those that it has shown so far, on Pages pages.
	Contacts, Pages int
	// Broken counts the walks since Finished that were cut off. It is usually 0;
	// while it grows, nothing vouches for the contacts that they did not reach.
	Broken int

	// Finished is when a walk last came to the end of the list, zero if none
	// has. LastContacts, LastPages and Took tell of that walk.
	Finished                time.Time
	LastContacts, LastPages int
	Took                    time.Duration
	// Pause is the longest recent time between two such walks: the one before
	// the last, or the one since Finished if that is already longer. It is zero
	// until one is over.
	Pause time.Duration

	// Remembered are the contacts whose state this process has a fingerprint of.
	Remembered int
}

// Walk returns how the walk of [Adapter.Changes] goes on.
func (a *Adapter) Walk() WalkStats { return a.walk.stats(time.Now()) }

// DetectionDelay bounds the time until the walk reports an edit that no
// webhook and no Flow told, for an edit made at the worst moment: just after
// the first page of a walk showed the contact, which the next walk shows on
// its last page. An edit made later in a walk, or between two, is found by the
// end of the same walk. Whatever the order of the list, that is
//
//	took + pause + next
//
// where took is how long the last walk took, pause the time between two walks,
// and next how long the walk after it takes: as long as the last, or as long as
// the present one is under way already if that is longer. In an order that keeps
// contacts in their places, such as by creation, took + pause is the longest.
// That a contact is gone is known one walk and one pause later.
//
// With n contacts and r = GETPerSecond × WalkShare pages a second, a walk
// takes n/100/r: 100 s for 100,000 contacts by default, which with an engine
// that asks every minute bounds the delay to 4 minutes and 20 seconds. While
// other calls use up the whole budget, a tenth of it is still the walk's.
//
// ok is false until a walk came to the end of the list and the next one began:
// how long the pause is only shows then. Watch the delay: one that keeps growing
// tells that walks no longer come to their end.
func (a *Adapter) DetectionDelay() (delay time.Duration, ok bool) {
	now := time.Now()
	s := a.walk.stats(now)
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
	s := WalkStats{Started: at.Began, Contacts: at.Contacts, Pages: at.Pages, Broken: at.Broken,
		Finished: last.Ended, LastContacts: last.Contacts, LastPages: last.Pages, Took: last.Ended.Sub(last.Began),
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
