package sync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// recordFacts takes in the facts of a job, in order. One that fails keeps
// those after it waiting, since they are about the same record.
func (e *Engine) recordFacts(ctx context.Context, j *job) outcome {
	for i := range j.facts {
		err := e.safely(ctx, func() error { return e.recordFact(ctx, j.facts[i], j.at[i]) })
		if err != nil {
			return outcome{done: i, failed: 1, err: err}
		}
	}
	return outcome{done: len(j.facts)}
}

// recordFact audits a fact and makes the activities that record its type.
func (e *Engine) recordFact(ctx context.Context, f Fact, enqueued time.Time) error {
	activities := e.activities[f.Type]
	if len(activities) == 0 && !e.knows(f.Subject) {
		return &Error{Op: "record", Action: Invalid, Ref: f.Subject, Rule: "fact.known",
			Hint: "add an activity for facts of this type, or do not enqueue them", Err: errors.New("nothing records such a fact")}
	}
	if gone, err := e.erased(ctx, f.Subject); gone || err != nil {
		if gone {
			e.observe(Event{Type: EventDropped, Ref: f.Subject, Count: 1})
		}
		return err
	}
	entry := Entry{Key: "fact:" + f.ID, At: time.Now(), Kind: EntryFact, Left: f.Subject, Note: f.Type, Causes: []string{f.ID}}
	if err := e.append(ctx, &Link{}, []Entry{entry}); err != nil {
		return err
	}
	var unknown error
	for _, a := range activities {
		if a.When != nil && !a.When(f) {
			continue
		}
		r := recording{engine: e, activity: a, fact: f, enqueued: enqueued}
		switch err := r.run(ctx); {
		case errors.Is(err, errUnknown):
			unknown = err // keeps no other activity of the fact waiting
		case err != nil:
			return err
		}
	}
	return unknown
}

// A recording makes one activity of one fact, exactly once: a link from the
// fact to the activity is stored before the write as pending and after it as
// active.
type recording struct {
	engine   *Engine
	activity *Activity
	fact     Fact
	enqueued time.Time
	link     Link
	tried    bool // there was a try before
	lost     bool // an intent of before was never answered
	related  []Ref
	owed     []*Relation // optional ones that lead nowhere yet
}

// run makes the activity unless it is there, and associates it with what came
// meanwhile.
func (r *recording) run(ctx context.Context) error {
	if err := r.make(ctx); err != nil {
		return err
	}
	if !r.tried && len(r.owed) == 0 {
		return nil
	}
	return r.settleOwed(ctx)
}

// make makes the activity unless it is there.
func (r *recording) make(ctx context.Context) error {
	done, err := r.find(ctx)
	if done || err != nil {
		return err
	}
	if in, err := r.admitted(ctx); !in || err != nil {
		return err
	}
	if err := r.relate(ctx); err != nil {
		return err
	}
	if !r.activity.repeatable() {
		if done, err := r.settled(ctx); done || err != nil {
			return err
		}
	}
	fields, err := r.render(ctx)
	if err == nil && r.activity.Clock != "" {
		fields, err = r.unlessLate(ctx, fields)
	}
	switch {
	case err != nil:
		return err
	case r.activity.Clock != "" && len(fields) == 0:
		return r.commit(ctx, r.related[0], Entry{Kind: EntryRecorded, Note: r.fact.Type + ": came late, what it says is known"})
	}
	return r.write(ctx, fields)
}

// find looks the link up; done when the activity is known to be there. An
// intent that a crash left open may have taken effect.
func (r *recording) find(ctx context.Context) (done bool, err error) {
	of := factRef(&r.fact)
	r.link, err = r.engine.cfg.Store.Link(ctx, r.activity.flow(), of)
	r.tried = err == nil
	switch {
	case errors.Is(err, ErrNotFound):
		r.link = Link{ID: newID(), Flow: r.activity.flow(), Left: of, State: Pending}
		return false, nil
	case err != nil:
		return false, err
	case r.link.State == Active:
		return true, nil
	case r.link.Intent == nil:
		return false, nil
	case r.link.Intent.Expires.After(time.Now()):
		return false, r.wait("intent.open", "another worker records this fact", r.link.Intent.Expires)
	}
	r.lost = true
	return false, nil
}

// settled makes sure that the activity may be made although to make it twice
// would make two: it is done when it turns out to be there already.
func (r *recording) settled(ctx context.Context) (done bool, err error) {
	relater, asks := r.engine.cfg.Peers[r.activity.System].Source.(Relater)
	switch {
	case !asks && (r.lost || r.link.Evidence == unknownOutcome):
		return false, r.unknown(ctx)
	case !asks:
		return false, r.reachable(ctx)
	case r.lost:
		return r.readBack(ctx, relater)
	}
	return false, nil
}

// wait is the error for a fact whose time has not come.
func (r *recording) wait(rule, hint string, until time.Time) error {
	return &Error{Op: "record", Action: RetryAt, Ref: r.fact.Subject, Rule: rule, Hint: hint, RetryAt: until,
		Err: fmt.Errorf("the fact %s waits", r.fact.Type)}
}

// relate finds the records with which the activity is associated.
func (r *recording) relate(ctx context.Context) error {
	for i := range r.activity.Relate {
		rel := &r.activity.Relate[i]
		ref, err := r.counterpart(ctx, rel)
		if err == nil && !ref.Zero() && r.activity.defers(rel) {
			ref, err = r.unlessBarred(rel, ref)
		}
		switch {
		case err != nil:
			return err
		case !ref.Zero():
			r.related = append(r.related, ref)
		case rel.Required:
			return r.missing(rel)
		case r.activity.defers(rel):
			r.owed = append(r.owed, rel)
		}
	}
	return nil
}

// unlessBarred returns the counterpart of an optional relation, or none where
// its flow may not write at present: the association is owed then.
func (r *recording) unlessBarred(rel *Relation, to Ref) (Ref, error) {
	from, _ := rel.of(r.fact)
	why, err := r.engine.barred(rel.Flow, to.System, from, to)
	if why != "" {
		return Ref{}, err
	}
	return to, err
}

// counterpart returns the record of the activity's system that a relation
// leads to, zero if there is none yet.
func (r *recording) counterpart(ctx context.Context, rel *Relation) (Ref, error) {
	from, ok := rel.of(r.fact)
	switch {
	case !ok:
		return Ref{}, nil
	case rel.Flow == "" && from.System == r.activity.System:
		return from, nil
	}
	return r.engine.counterpart(ctx, rel.Flow, from, r.activity.System)
}

// missing has the fact wait for a relation, at first for moments and then for
// longer: half of the time that it has waited already.
func (r *recording) missing(rel *Relation) error {
	now := time.Now()
	waited := now.Sub(r.enqueued)
	if waited > r.activity.patience() {
		return &Error{Op: "record", Action: Invalid, Ref: r.fact.Subject, Rule: "relation.required",
			Hint: "its record never came into flow " + rel.Flow + "; find out why, then replay",
			Err:  fmt.Errorf("the fact %s has nothing to be shown on", r.fact.Type)}
	}
	pause := min(max(waited/2, 250*time.Millisecond), 5*time.Minute)
	return r.wait("relation.required", "it is recorded when flow "+rel.Flow+" links its record", now.Add(pause))
}

// readBack looks for the activity among those of the related records.
func (r *recording) readBack(ctx context.Context, relater Relater) (found bool, err error) {
	source := r.engine.cfg.Peers[r.activity.System].Source
	if len(r.related) == 0 {
		return false, nil
	}
	refs, err := relater.Related(ctx, r.related[0], r.activity.Kind)
	if err != nil || len(refs) == 0 {
		return false, err
	}
	ids := make([]string, len(refs))
	for i := range refs {
		ids[i] = refs[i].ID
	}
	recs, err := source.Read(ctx, r.activity.Kind, ids)
	if err != nil {
		return false, err
	}
	key := FactKey(r.fact)
	for i := range recs {
		if recs[i].Fields[r.activity.Key].String() == key {
			return true, r.commit(ctx, recs[i].Ref, Entry{Kind: EntryRecorded, Note: r.fact.Type + ": found after an unknown outcome"})
		}
	}
	return false, nil
}

// render completes the fact and returns the fields to write.
func (r *recording) render(ctx context.Context) (Fields, error) {
	f := r.fact
	if enricher, ok := r.engine.cfg.Peers[f.Subject.System].Source.(Enricher); ok {
		var err error
		if f, err = enricher.Enrich(ctx, f); err != nil {
			return nil, err
		}
	}
	fields, err := r.activity.Render(f)
	if err != nil {
		return nil, err
	}
	fields = fields.Clone()
	if fields == nil {
		fields = Fields{}
	}
	if r.activity.Key != "" {
		fields[r.activity.Key] = Text(FactKey(r.fact))
	}
	return fields, nil
}

// write stores the intent, sends the write and stores what became of it.
func (r *recording) write(ctx context.Context, fields Fields) error {
	if err := r.owe(ctx); err != nil {
		return err
	}
	now := time.Now()
	intent := Intent{ID: newID(), Expires: now.Add(r.engine.cfg.Lease)}
	link, err := r.engine.begin(ctx, now, r.link, intent)
	if err != nil {
		return err
	}
	r.link = link
	w := Write{Ref: Ref{System: r.activity.System, Kind: r.activity.Kind}, Fields: fields, Related: r.related}
	switch {
	case r.activity.Update:
		w.Ref, w.Related = r.related[0], nil
	case r.activity.Unique:
		w.Key = r.activity.Key
	}
	res := r.send(ctx, w)
	ctx, cancel := r.engine.afterwards(ctx)
	defer cancel()
	if res.Err != nil {
		return r.failed(ctx, res)
	}
	return r.commit(ctx, res.Record.Ref, Entry{Kind: EntryRecorded, Note: r.fact.Type, Calls: [2]string{"", res.Call}})
}

// send makes the one write.
func (r *recording) send(ctx context.Context, w Write) (res Result) {
	ctx, end := r.engine.span(ctx, Span{Op: OpWrite, Flow: r.activity.flow(), Ref: w.Ref, Count: len(w.Fields)})
	defer func() { end(res.Err) }()
	results, err := r.engine.cfg.Peers[r.activity.System].Sink.Apply(ctx, []Write{w})
	switch {
	case err != nil:
		return Result{Err: err}
	case len(results) != 1:
		return Result{Err: &Error{Op: "record", Action: Fatal, Rule: "sink.one-per-write", Hint: "this is a bug of the adapter",
			Err: errors.New("the sink answered with another number of results")}}
	}
	return results[0]
}

// failed stores that the activity is not there. After an error that leaves it
// open the intent stays open too, as a crash would leave it: until it expires
// the call may still take effect.
func (r *recording) failed(ctx context.Context, res Result) error {
	entry := r.stamped(Entry{Kind: EntryFailed, Note: r.fact.Type + ": " + res.Err.Error(), Calls: [2]string{"", res.Call}})
	var err error
	if undecided(res.Err) && !r.activity.repeatable() {
		err = r.engine.append(ctx, &r.link, []Entry{entry})
	} else {
		err = r.store(ctx, entry)
	}
	if err != nil {
		return errors.Join(res.Err, err)
	}
	if ActionOf(res.Err) == NotFound {
		return errors.Join(res.Err, r.relook(ctx))
	}
	return res.Err
}

// undecided reports whether an error leaves it open if a write took effect.
func undecided(err error) bool {
	action := ActionOf(err)
	return action == Retry || action == Fatal || errors.Is(err, context.Canceled)
}

// relook has the fact's subject looked at: a related record is gone, perhaps
// merged into another, and its link has not followed yet.
func (r *recording) relook(ctx context.Context) error {
	if !r.engine.knows(r.fact.Subject) {
		return nil
	}
	return r.engine.Enqueue(ctx, Change{ID: "relook:" + newID(), Ref: r.fact.Subject, Reason: ReasonManual, Priority: Facts})
}

// commit stores that the activity is there.
func (r *recording) commit(ctx context.Context, ref Ref, entry Entry) error {
	r.link.Right, r.link.State, r.link.Evidence = ref, Active, "recorded"
	if r.activity.Update || ref.ID == "" {
		// The record has other facts too, and is the end of one link at most.
		r.link.Right = Ref{System: r.activity.System, Kind: "fact", ID: r.fact.ID}
	}
	entry.Right = ref
	if err := r.store(ctx, entry); err != nil {
		return err
	}
	r.engine.observe(Event{Type: EventRecorded, Flow: r.link.Flow, Ref: ref, Lag: time.Since(r.enqueued)})
	return nil
}

// store commits the link with one entry of the audit.
func (r *recording) store(ctx context.Context, entry Entry) error {
	link, err := r.engine.commit(ctx, time.Now(), Commit{Link: r.link, Entries: []Entry{r.stamped(entry)}})
	if err == nil {
		r.link = link
	}
	return err
}

// stamped completes an entry of the audit.
func (r *recording) stamped(entry Entry) Entry {
	entry.At, entry.Flow, entry.Link, entry.Causes = time.Now(), r.link.Flow, r.link.ID, []string{r.fact.ID}
	entry.Left = r.fact.Subject
	return entry
}
