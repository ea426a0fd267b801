package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// racers is how many goroutines meet in a race.
const racers = 8

var races = []scenario{
	{"races: one links a record", raceToLink},
	{"races: one takes an expired intent over", raceToTakeOver},
	{"races: one commits a generation", raceToCommit},
	{"races: one moves a cursor", raceToMoveCursor},
	{"races: the audit counts without gaps", raceToAppend},
	{"races: links and ends agree in the end", raceForEnds},
}

// race runs f in many goroutines at once and returns who got no error. Errors
// other than ErrStale fail the test.
func (r *rig) race(f func(i int) error) (winners []int) {
	r.Helper()
	var wg stdsync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, racers)
	for i := range racers {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	for i, err := range errs {
		switch {
		case err == nil:
			winners = append(winners, i)
		case !errors.Is(err, sync.ErrStale):
			r.Errorf("racer %d: %v, want nil or ErrStale", i, err)
		}
	}
	return winners
}

// one returns the only winner of a race.
func (r *rig) one(what string, winners []int) int {
	r.Helper()
	if len(winners) != 1 {
		r.Fatalf("%s: %d of %d succeeded, want exactly one", what, len(winners), racers)
	}
	return winners[0]
}

// raceToLink lets everybody link one record to a counterpart of their own: in
// turns all by Begin, all by Commit, and mixed.
func raceToLink(r *rig) {
	for round := range 12 {
		shared := left(fmt.Sprint("shared", round))
		link := func(i int) sync.Link {
			name := fmt.Sprintf("%d-%d", round, i)
			return sync.Link{ID: name, Flow: flow, Left: shared, Right: right(name), State: sync.Active}
		}
		winner := r.one("links of one record", r.race(func(i int) (err error) {
			note := entry(link(i).ID)
			if round%3 == 0 || round%3 == 2 && i%2 == 0 {
				_, err = r.store.Begin(r.Context(), noon, link(i), intent("write"), note)
			} else {
				_, err = r.store.Commit(r.Context(), noon, sync.Commit{Link: link(i), Entries: []sync.Entry{note}})
			}
			return err
		}))
		won := r.linkOf(shared)
		r.holds(link(winner).Right, won)
		for i := range racers {
			if i != winner {
				r.free(flow, link(i).Right)
			}
		}
		r.same("the notes", r.notes(sync.AuditFilter{After: int64(round)}), []string{link(winner).ID})
	}
}

func raceToTakeOver(r *rig) {
	l := r.begin(noon, pair("a", "ana"), intent("first"))
	for round := range 10 {
		now := l.Intent.Expires
		in := func(i int) sync.Intent {
			return sync.Intent{ID: fmt.Sprintf("%d-%d", round, i), Expires: now.Add(time.Minute)}
		}
		winner := r.one("take-overs of one intent", r.race(func(i int) error {
			_, err := r.store.Begin(r.Context(), now, l, in(i))
			return err
		}))
		l = r.linkOf(left("ana"))
		want := in(winner)
		r.same("the intent", l.Intent, &want)
	}
}

// raceToCommit lets everybody count to the same number in one base: a lost
// update shows as a smaller sum.
func raceToCommit(r *rig) {
	const each = 5
	r.put(pair("a", "ana"))
	r.race(func(i int) error {
		for n := 0; n < each; {
			err := r.increment(i)
			if err == nil {
				n++
			} else if !errors.Is(err, sync.ErrStale) {
				return err
			}
		}
		return nil
	})
	if got := r.linkOf(left("ana")).Generation; got != 1+racers*each {
		r.Errorf("the generation is %d after %d commits", got, 1+racers*each)
	}
	if got := len(r.base("a").Left.Fields["sum"].String()); got != racers*each {
		r.Errorf("the base counts %d of %d commits", got, racers*each)
	}
	r.gapless(racers * each)
}

// increment adds one stroke to the tally in the base of link a.
func (r *rig) increment(racer int) error {
	l, err := r.store.Link(r.Context(), flow, left("ana"))
	if err != nil {
		return err
	}
	b, err := r.store.Base(r.Context(), l.ID)
	if err != nil {
		return err
	}
	b.Left.Fields = sync.Fields{"sum": sync.Text(b.Left.Fields["sum"].String() + "|")}
	_, err = r.store.Commit(r.Context(), noon, sync.Commit{Link: l, Base: &b, Entries: []sync.Entry{entry(fmt.Sprint(racer))}})
	return err
}

func raceToMoveCursor(r *rig) {
	at := sync.Cursor("")
	for round := range 10 {
		to := func(i int) sync.Cursor { return sync.Cursor(fmt.Sprintf("%d-%d", round, i)) }
		winner := r.one("moves of one cursor", r.race(func(i int) error {
			return r.store.SetCursor(r.Context(), "feed", at, to(i))
		}))
		at = to(winner)
		r.at("feed", at)
	}
}

// raceToAppend appends from everywhere while a reader follows: whoever reads
// on from the last Seq must never pass over an entry that shows up later.
func raceToAppend(r *rig) {
	const each, shared = 20, 10
	done := make(chan struct{})
	followed := make(chan error, 1)
	go func() { followed <- r.follow(racers*each+shared, done) }()
	winners := r.race(func(i int) error {
		for n := range each {
			err := r.store.Append(r.Context(), keyed(fmt.Sprint("shared", n%shared), "shared"), entry(fmt.Sprintf("%d %d", i, n)))
			if err != nil {
				return err
			}
		}
		return nil
	})
	close(done)
	r.ok("reading along", <-followed)
	if len(winners) != racers {
		r.Errorf("Append succeeded for %d of %d", len(winners), racers)
	}
	r.gapless(racers*each + shared)
	next := map[int]int{}
	for _, e := range r.entries(sync.AuditFilter{Limit: racers*each + shared}) {
		var i, n int
		if _, err := fmt.Sscanf(e.Note, "%d %d", &i, &n); err != nil {
			continue
		}
		if n != next[i] {
			r.Errorf("racer %d appended entry %d, and entry %d came before it", i, next[i], n)
		}
		next[i]++
	}
}

// follow reads the audit from the beginning until it has seen all entries, or
// once more after done.
func (r *rig) follow(all int, done <-chan struct{}) error {
	var seen int64
	for last := false; int(seen) < all; {
		page, err := r.store.Entries(r.Context(), sync.AuditFilter{After: seen})
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Seq != seen+1 {
				return fmt.Errorf("entry %d followed entry %d", page[i].Seq, seen)
			}
			seen++
		}
		if len(page) > 0 {
			continue
		}
		if last {
			return fmt.Errorf("saw %d entries of %d", seen, all)
		}
		select {
		case <-done:
			last = true
		default:
			time.Sleep(time.Millisecond) // leaves the store to the writers
		}
	}
	return nil
}

// raceForEnds throws random links at a few records and checks what is left:
// every record has at most one link, and finding it by an end agrees with the
// list of all.
func raceForEnds(r *rig) {
	const names, tries = 5, 40
	r.race(func(i int) error {
		random := rand.New(rand.NewPCG(uint64(i), 7))
		for range tries {
			if err := r.throw(random, names); err != nil && !errors.Is(err, sync.ErrStale) {
				return err
			}
		}
		return nil
	})
	all, err := r.store.Links(r.Context(), flow, "", 1000)
	r.ok("Links", err)
	held := map[sync.Ref]string{}
	for _, l := range all {
		for _, ref := range []sync.Ref{l.Left, l.Right} {
			if other, taken := held[ref]; taken {
				r.Errorf("%s is an end of the links %s and %s", ref, other, l.ID)
			}
			held[ref] = l.ID
			r.holds(ref, l)
		}
	}
	for i := range names {
		for _, ref := range []sync.Ref{left(fmt.Sprint(i)), right(fmt.Sprint(i))} {
			if held[ref] == "" {
				r.free(flow, ref)
			}
		}
	}
}

// throw links two random records: by a new link, or by moving one that is
// there.
func (r *rig) throw(random *rand.Rand, names int) error {
	a, b := left(fmt.Sprint(random.IntN(names))), right(fmt.Sprint(random.IntN(names)))
	l, err := r.store.Link(r.Context(), flow, a)
	if errors.Is(err, sync.ErrNotFound) {
		l, err = sync.Link{ID: fmt.Sprintf("%x", random.Uint64()), Flow: flow, Left: a, State: sync.Active}, nil
	}
	if err != nil {
		return err
	}
	l.Right = b
	_, err = r.store.Commit(r.Context(), noon, sync.Commit{Link: l, Entries: []sync.Entry{entry("thrown")}})
	return err
}
