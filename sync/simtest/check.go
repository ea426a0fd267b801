package simtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A Violation is an invariant that did not hold.
type Violation struct {
	Invariant string // number and name, such as "I3 convergence"
	Message   string
	History   []string // what happened to the records concerned
}

// String returns the violation with its history.
func (v Violation) String() string {
	return v.Invariant + ": " + v.Message + "\n\t" + strings.Join(v.History, "\n\t")
}

// A checker watches the run and judges its end.
type checker struct {
	w          *world
	violations []Violation
	accepted   map[string]sync.Fact // facts for which a receiver was told 2xx
	told       map[string]sync.Fact // that happened; the log may hold one that was not acknowledged
	pushed     map[string]bool      // messages that the log took
	holders    map[string]holder    // who works on which key
	intents    map[string]opened    // the last intent of each link
	writes     int                  // of the engine, to records of flows
	parked     map[sync.Ref]bool    // records that wait for a person, at the end
	known      map[sync.Ref]bool    // records of which the store tells for whom they were made
	created    map[string]sync.Ref  // by create key: what the engine made
	made       map[sync.Ref]sync.Write
}

type holder struct {
	p     *process
	token string
	until time.Time
}

type opened struct {
	p    *process
	link sync.Link
}

func newChecker(w *world) *checker {
	return &checker{w: w, accepted: map[string]sync.Fact{}, told: map[string]sync.Fact{}, pushed: map[string]bool{}, holders: map[string]holder{},
		intents: map[string]opened{}, created: map[string]sync.Ref{}, known: map[sync.Ref]bool{}, made: map[sync.Ref]sync.Write{}}
}

// fail notes a violation; of each invariant a few are enough.
func (c *checker) fail(invariant string, refs []sync.Ref, format string, args ...any) {
	n := 0
	for i := range c.violations {
		if c.violations[i].Invariant == invariant {
			n++
		}
	}
	if n >= 3 {
		return
	}
	c.violations = append(c.violations, Violation{invariant, fmt.Sprintf("at %s: ", clock(time.Now())) + fmt.Sprintf(format, args...), c.w.story(refs)})
}

// appended notes what the log holds durably.
func (c *checker) appended(msgs []sync.Message) {
	for i := range msgs {
		c.pushed[msgs[i].ID] = true
	}
}

// answered judges a 2xx: everything that it acknowledged must be durable.
func (c *checker) answered(item sync.Item) {
	id := ""
	switch it := item.(type) {
	case sync.Change:
		id = it.ID
	case sync.Fact:
		id = it.ID
		c.accepted[it.ID] = it
	}
	if !c.pushed[id] {
		c.fail("I2 ack durability", nil, "the receiver said 2xx to %s, and the queue does not hold it", id)
	}
}

// taken judges the lease of a lane: nobody else may hold its key.
func (c *checker) taken(p *process, lane *sync.Lane) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if p.dead || !lane.Expires.After(time.Now()) {
		return
	}
	if h, held := c.holders[lane.Key]; held && h.until.After(time.Now()) && !h.p.dead && h.p != p {
		c.fail("I9 fencing", nil, "%s was given the key %s, which %s holds until %s", p.name, lane.Key, h.p.name, clock(h.until))
	}
	c.holders[lane.Key] = holder{p, lane.Token, lane.Expires}
}

func (c *checker) settled(p *process, lane *sync.Lane) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if h := c.holders[lane.Key]; h.p == p && h.token == lane.Token {
		delete(c.holders, lane.Key)
	}
}

// retried judges the cause: to be asked to wait costs no attempt.
func (c *checker) retried(p *process, lane *sync.Lane, cause sync.Failure) {
	c.settled(p, lane)
	dead := c.w.sched.killed(p)
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	if !dead && cause.Action == sync.RetryAt.String() && !cause.Free {
		c.fail("I10 rate", nil, "the key %s lost an attempt because a vendor asked to wait", lane.Key)
	}
}

// begun notes who writes to a pair.
func (c *checker) begun(p *process, link sync.Link) { c.intents[link.ID] = opened{p, link} }

// committed notes which records the deployment knows by now: both of a pair, and
// one alone if it shows for whom it was made. An erasure stores one that was
// merged before anybody had heard of it, and nobody can tell whose it was.
func (c *checker) committed(link sync.Link) {
	paired := !link.Left.Zero() && !link.Right.Zero()
	for _, ref := range []sync.Ref{link.Left, link.Right} {
		if paired || c.shows(ref) {
			c.known[ref] = true
		}
	}
}

// shows reports whether the key of a record that the engine made leads to it.
func (c *checker) shows(ref sync.Ref) bool {
	w, made := c.made[ref]
	if !made {
		return false
	}
	v := c.w.vendors[ref.System]
	return slices.Contains(v.holding(ref.Kind, w.Key, w.Fields[w.Key]), v.resolve(ref))
}

// writing judges a write before it has its effect: it was announced by the
// one who sends it, and the announcement still holds.
func (c *checker) writing(cl *client, w sync.Write) {
	for _, o := range c.intents {
		if o.p == cl.process && c.announces(&o.link, cl.v, &w) && o.link.Intent.Expires.After(time.Now()) && c.open(&o.link) {
			return
		}
	}
	c.fail("I8 intent before write", []sync.Ref{w.Ref}, "%s writes to %s (%s) without an open intent of its own", cl.name, w.Ref, keyOf(w))
}

// announces reports whether a link's intent is about a write.
func (c *checker) announces(l *sync.Link, v *vendor, w *sync.Write) bool {
	if c.w.records(w.Ref) {
		return strings.HasPrefix(l.Flow, "activity:") && keyIn(w.Fields, sync.FactKey(sync.Fact{ID: l.Left.ID}))
	}
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		end := l.End(s)
		switch {
		case w.Ref.ID != "" && end.System == w.Ref.System && v.resolve(end) == v.resolve(w.Ref):
			return true
		case w.Ref.ID == "" && end.Zero() && w.Key != "" && l.Intent.Writes[s][w.Key] == w.Fields[w.Key]:
			return true
		}
	}
	return false
}

func keyIn(fields sync.Fields, key string) bool {
	for _, v := range fields {
		if v.String() == key {
			return true
		}
	}
	return false
}

// open reports whether the store has the intent as the link's present one.
func (c *checker) open(l *sync.Link) bool {
	for _, ref := range []sync.Ref{l.Left, l.Right} {
		if ref.Zero() {
			continue
		}
		now, err := c.w.store.Link(context.Background(), l.Flow, ref)
		return err == nil && now.ID == l.ID && now.Intent != nil && now.Intent.ID == l.Intent.ID
	}
	return false
}

// wrote judges a write that took effect, against what was there before.
func (c *checker) wrote(ctx context.Context, cl *client, w sync.Write, was *record, res sync.Result) {
	ref := res.Record.Ref
	if c.w.records(w.Ref) {
		c.w.tell(ref, "%s records it, related to %v", cl.name, w.Related)
		return
	}
	c.writes++
	c.w.tell(ref, "%s writes %s", cl.name, values(w.Fields))
	if res.Created {
		c.createdOnce(w, ref)
	}
	if was == nil {
		was = &record{}
	}
	seen, now := cl.lastSaw(ctx, ref), cl.v.records[ref]
	merged := w.Ref.ID != "" && w.Ref != ref // after the engine had read it
	for _, name := range sortedKeys(maps.Keys(w.Fields)) {
		same := !now.fields[name].Blank() && now.fields[name] == was.fields[name] && cl.v.lost[name] == ""
		if same && w.Ref.ID != "" && !merged && !was.edited[name].After(seen) {
			c.fail("I7 no echo", []sync.Ref{ref}, "%s writes to %s field %s what it holds already", cl.name, ref, name)
		}
	}
	c.w.changes(ref, was.fields, now.fields, func(f *sync.Flow, s sync.Side, field *sync.Field, a, b sync.Value) {
		o := overwrite{ref: ref, field: fieldName(f, field), lost: a, at: time.Now()}
		o.was, o.now = c.w.history.find(o.field, a), c.w.history.find(o.field, b)
		o.raced = merged
		for _, n := range lensOf(field, s).Names() {
			o.raced = o.raced || was.edited[n].After(seen)
			o.ours = o.ours || was.written[n].After(was.edited[n])
		}
		c.w.history.overwrote = append(c.w.history.overwrote, o)
		if ctx.Value(undoing{}) != nil && !o.raced && !o.ours && !a.Blank() {
			c.fail("I5 no stale overwrite", []sync.Ref{ref}, "an undo replaced %s of %s, which somebody entered since", o.was, ref)
		}
	})
}

// createdOnce judges that the engine makes one record for a key, ever: one
// that a person deleted or merged away does not come back, if it was known.
func (c *checker) createdOnce(w sync.Write, ref sync.Ref) {
	key := string(ref.System) + " " + string(ref.Kind) + " " + w.Key + " " + keyOf(w)
	if was, again := c.created[key]; again && c.known[was] {
		c.fail("I13 no resurrection", []sync.Ref{was, ref}, "%s was made for the same record as %s before", ref, was)
	}
	c.created[key], c.made[ref] = ref, w
}
