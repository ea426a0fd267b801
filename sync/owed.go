package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
)

// An activity is recorded without waiting for an optional relation: the note
// of a message that came before its deal, say. What it is owed then is kept in
// a flow of its own as two links with one end each, before the activity is
// made: one of the record whose counterpart is missing, Pending while anything
// is owed to it, and one of the activity, Pending until it is associated. The
// ID of the first is the beginning of the others', so that they are listed
// after it.
//
// Whoever comes last associates them: a look at the pair reads what is owed
// after the pair is stored, and the recording of the fact reads the pair after
// the activity is stored. Either is delivered again after a crash, and to
// associate twice is no change.

// owedPage is how many activities are associated by one call.
const owedPage = 100

// owedIn is the name of the flow that keeps what is owed to records of another.
func owedIn(flow string) string { return "owed:" + flow }

// owedID is the ID of the link that says what is owed to a record.
func owedID(flow string, to Ref) string { return shortHash(flow + "\x00" + to.String()) }

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

// owe remembers that the activity is to be associated with the counterparts
// that records do not have yet.
func (r *recording) owe(ctx context.Context) error {
	for _, rel := range r.owed {
		from, ok := rel.of(r.fact)
		if !ok {
			continue
		}
		if err := r.oweTo(ctx, rel.Flow, from); err != nil {
			return err
		}
	}
	return nil
}

func (r *recording) oweTo(ctx context.Context, flow string, to Ref) error {
	id := owedID(flow, to)
	activity := Ref{System: r.fact.Subject.System, Kind: Kind(r.activity.flow()), ID: r.fact.ID}
	for _, link := range []Link{
		{ID: id + "-" + shortHash(activity.String()), Flow: owedIn(flow), Left: activity},
		{ID: id, Flow: owedIn(flow), Left: to},
	} {
		if err := r.engine.remember(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

// remember stores a link as Pending. One that is Pending already gets another
// generation, so that nobody who did not see this closes it.
func (e *Engine) remember(ctx context.Context, link Link) error {
	for {
		stored, err := e.cfg.Store.Link(ctx, link.Flow, link.Left)
		if errors.Is(err, ErrNotFound) {
			stored, err = link, nil
		}
		if err != nil {
			return err
		}
		stored.State = Pending
		_, err = e.commit(ctx, time.Now(), Commit{Link: stored})
		if !errors.Is(err, ErrStale) || ctx.Err() != nil {
			return err
		}
	}
}

// settleOwed associates what is owed to the records of the fact's optional
// relations, those whose counterparts have come meanwhile.
func (r *recording) settleOwed(ctx context.Context) error {
	for i := range r.activity.Relate {
		rel := &r.activity.Relate[i]
		from, ok := rel.of(r.fact)
		if !ok || !r.activity.defers(rel) {
			continue
		}
		to, err := r.counterpart(ctx, rel)
		if err == nil && !to.Zero() {
			err = r.engine.repay(ctx, rel.Flow, from, to)
		}
		if e := (*Error)(nil); errors.As(err, &e) && e.Rule == ruleSwitch { // other facts shall not wait for that
			id := "owed:" + r.fact.ID + ":" + from.String()
			err = r.engine.Enqueue(ctx, Change{ID: id, Ref: from, Reason: ReasonManual, Priority: Facts})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// defers reports whether the activity is made without the relation, and
// associated later.
func (a *Activity) defers(rel *Relation) bool { return !rel.Required && rel.Flow != "" && !a.Update }

// settleOwed associates what is owed to either end of the pair, once it is
// whole.
func (e *Engine) settleOwed(ctx context.Context, link *Link) error {
	if link.State != Active || link.Left.Zero() || link.Right.Zero() {
		return nil
	}
	for _, s := range []Side{Left, Right} {
		from, to := link.End(s), link.End(s.Other())
		if e.defersTo(link.Flow, to.System) {
			if err := e.repay(ctx, link.Flow, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// defersTo reports whether some activity of a system may be owed an
// association with what a flow links.
func (e *Engine) defersTo(flow string, system System) bool {
	for _, a := range e.cfg.Activities {
		for i := range a.Relate {
			if a.System == system && a.Relate[i].Flow == flow && a.defers(&a.Relate[i]) {
				return true
			}
		}
	}
	return false
}

// repay associates the activities that are owed to a record with its
// counterpart. One that is not made yet stays owed: whoever makes it comes here
// afterwards. So do all where a rollout keeps the pair out, until it is looked
// at in one that does not; a switch has the pair's look wait.
func (e *Engine) repay(ctx context.Context, flow string, from, to Ref) error {
	head, err := e.cfg.Store.Link(ctx, owedIn(flow), from)
	if errors.Is(err, ErrNotFound) || err == nil && head.State != Pending {
		return nil
	}
	if err != nil {
		return err
	}
	switch why, err := e.barred(flow, to.System, from, to); {
	case why == ruleSwitch:
		return &Error{Op: "associate", Action: RetryAt, Ref: from, Rule: ruleSwitch, RetryAt: time.Now().Add(guardWait),
			Hint: "activities are associated with it after the flow is resumed", Err: errors.New("the flow is suspended")}
	case why != "" || err != nil:
		return err
	}
	open := false
	for after := head.ID; ; {
		page, err := e.cfg.Store.Links(ctx, head.Flow, after, owedPage)
		if err != nil {
			return err
		}
		debts := within(page, head.ID)
		left, err := e.repayAll(ctx, debts, to)
		if err != nil {
			return err
		}
		open = open || left
		if len(debts) < owedPage {
			break
		}
		after = debts[len(debts)-1].ID
	}
	if open {
		return nil
	}
	head.State = Detached
	if _, err = e.commit(ctx, time.Now(), Commit{Link: head}); errors.Is(err, ErrStale) {
		return nil // more is owed by now; who owes it comes here
	}
	return err
}

// within cuts a page of links to those that are listed under an ID.
func within(page []Link, id string) []Link {
	for i := range page {
		if !strings.HasPrefix(page[i].ID, id+"-") {
			return page[:i]
		}
	}
	return page
}

// A debt is an activity that is owed an association.
type debt struct {
	link     Link // of what is owed
	activity Link
}

// repayAll associates activities with a record by one call; open when some of
// them are not made yet.
func (e *Engine) repayAll(ctx context.Context, links []Link, to Ref) (open bool, err error) {
	var debts []debt
	var writes []Write
	for i := range links {
		if links[i].State != Pending {
			continue
		}
		d := debt{link: links[i]}
		of := links[i].Left
		d.activity, err = e.cfg.Store.Link(ctx, string(of.Kind), Ref{System: of.System, Kind: "fact", ID: of.ID})
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return open, err
		case err != nil || d.activity.State == Pending:
			open = true
		case d.activity.Right.System == to.System && d.activity.Right.Kind != "fact":
			debts = append(debts, d)
			writes = append(writes, Write{Ref: d.activity.Right, Related: []Ref{to}})
		}
	}
	if len(writes) == 0 {
		return open, nil
	}
	results, err := e.cfg.Peers[to.System].Sink.Apply(ctx, writes)
	if err == nil && len(results) != len(writes) {
		err = &Error{Op: "associate", Action: Fatal, Ref: to, Rule: "sink.one-per-write", Hint: "this is a bug of the adapter",
			Err: errors.New("the sink answered with another number of results")}
	}
	if err != nil {
		return open, err
	}
	missed, err := e.repaid(ctx, debts, to, results)
	return open || missed, err
}

// repaid stores what became of the associations. One that the system refuses is
// given up, and so is one of an activity that is gone; missed are those with a
// record that is not found: the next look at its pair knows more.
func (e *Engine) repaid(ctx context.Context, debts []debt, to Ref, results []Result) (missed bool, err error) {
	ctx, cancel := e.afterwards(ctx)
	defer cancel()
	var errs []error
	for i := range results {
		d, res := &debts[i], &results[i]
		entry := Entry{At: time.Now(), Kind: EntryRelated, Flow: d.activity.Flow, Link: d.link.ID, Left: to, Right: d.activity.Right,
			Causes: []string{d.link.Left.ID}, Calls: [2]string{"", res.Call}}
		switch failed := (*Error)(nil); {
		case res.Err == nil:
		case passes(res.Err):
			errs = append(errs, res.Err)
			continue
		case errors.As(res.Err, &failed) && failed.Action == NotFound && failed.Ref == to:
			missed = true
			continue
		default:
			entry.Kind, entry.Note = EntryFailed, res.Err.Error()
		}
		d.link.State = Detached
		if _, err := e.commit(ctx, time.Now(), Commit{Link: d.link, Entries: []Entry{entry}}); err != nil && !errors.Is(err, ErrStale) {
			errs = append(errs, err)
		}
	}
	return missed, errors.Join(errs...)
}

// passes reports whether the same call may succeed later.
func passes(err error) bool {
	switch ActionOf(err) {
	case Retry, RetryAt, Conflict, Denied:
		return true
	}
	return false
}
