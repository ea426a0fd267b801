package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Receipt says what was erased of a person, without telling anything else.
type Receipt struct {
	// ID is in the audit, too.
	ID string
	At time.Time
	// Link is the pair, Left and Right were its records.
	Link        string
	Left, Right Ref
	// Erased tells of each side whether its system erased the record for good
	// (an [Eraser]) or only removed it, as the others do.
	Erased [2]bool
	// Merged are the other records of the person: those that the pair's were
	// merged into, and the counterparts of what was merged with them.
	Merged []Ref
	// DeadLetters counts the dead letters that were discarded.
	DeadLetters int
	// QueuedSince is when the oldest message that waits in the queue was pushed,
	// zero when none waits. Facts about the person may be among those; each is
	// dropped when its turn comes. None is left once [QueueStats].OldestAt is
	// later than At, or zero.
	QueuedSince time.Time
}

// Erase removes what is kept of the person behind a record, as privacy laws
// ask: the records on both sides, the base, the key to the values in the
// audit, and the dead letters. Records that were merged with theirs are the
// same person's, and so are the counterparts of those, whether the engine has
// noticed the merge or not: all of them are erased, and so is a record that was
// never linked. What remains is that the pairs were and that they were erased.
// A late webhook or a fact that still waits brings nothing back. The call reads
// the records first: what somebody merges with theirs after that goes with them,
// but its counterpart stays, in step with nothing. It may be repeated until it
// succeeds; [ErrNotFound] says that there is no such record, and nothing is known
// of it.
func (e *Engine) Erase(ctx context.Context, flow string, ref Ref) (Receipt, error) {
	link, err := e.linkErased(ctx, flow, ref)
	if err != nil {
		return Receipt{}, err
	}
	out := Receipt{ID: newID(), At: time.Now().UTC(), Link: link.ID, Left: link.Left, Right: link.Right}
	names, err := e.erasePerson(ctx, link, &out)
	if err != nil {
		return out, err
	}
	for _, name := range names { // a pair made since the person was looked for
		late, err := e.cfg.Store.Link(ctx, flow, name)
		if err == nil && late.State != Erased {
			_, err = e.erasePerson(ctx, late, &out)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return out, err
		}
	}
	stats, err := e.cfg.Queue.Stats(ctx, time.Now())
	out.QueuedSince = stats.OldestAt
	return out, err
}

// erasePerson erases who is behind a pair and returns all names of the records.
func (e *Engine) erasePerson(ctx context.Context, link Link, out *Receipt) ([]Ref, error) {
	p, err := e.personOf(ctx, link)
	if err != nil {
		return nil, err
	}
	for i := range p.links {
		if p.links[i], err = e.close(ctx, p.links[i]); err != nil {
			return nil, err
		}
	}
	return p.names, e.eraseAll(ctx, p, out)
}

// linkErased finds the pair of a record, also by an id of before a merge.
func (e *Engine) linkErased(ctx context.Context, flow string, ref Ref) (Link, error) {
	link, err := e.linkOf(ctx, "erase", flow, ref)
	if !errors.Is(err, ErrNotFound) {
		return link, err
	}
	now, aliases, lookErr := e.answering(ctx, ref)
	if lookErr != nil {
		return link, lookErr
	}
	for _, name := range append(aliases, now) {
		if link, other := e.linkOf(ctx, "erase", flow, name); !errors.Is(other, ErrNotFound) {
			return link, other
		}
	}
	return e.unlinked(ctx, flow, ref, err)
}

// unlinked makes the link of a record that never had one, so that it is known
// to be erased; the error is notFound if nothing is known of the record.
func (e *Engine) unlinked(ctx context.Context, flow string, ref Ref, notFound error) (Link, error) {
	link := Link{ID: newID(), Flow: flow, State: Pending}
	p, err := e.plannerOf(flow)
	if err != nil {
		return link, err
	}
	s, ours := p.flow.SideOf(ref)
	if !ours {
		return link, notFound
	}
	link.setEnd(s, ref)
	recs, err := e.cfg.Peers[ref.System].Source.Read(ctx, ref.Kind, []string{ref.ID})
	if err != nil {
		return link, err
	}
	if len(recs) == 1 && !recs[0].Deleted {
		return e.beingCreated(ctx, p, s, recs[0], link)
	}
	for _, key := range keysOf(ref) {
		letters, err := e.cfg.Queue.Dead(ctx, DeadFilter{Key: key, Limit: 1})
		if err != nil || len(letters) > 0 {
			return link, err
		}
	}
	return link, notFound
}

// beingCreated returns the link under which a record was created that nobody
// could note yet: that of the record whose ID it holds. Otherwise it returns its
// own.
func (e *Engine) beingCreated(ctx context.Context, p *Planner, s Side, rec Record, own Link) (Link, error) {
	r := reconciliation{engine: e, flow: p.flow}
	probe, err := r.probe(s.Other(), rec)
	if err != nil {
		return own, nil //nolint:nilerr // what breaks a rule names nobody
	}
	for _, key := range probe {
		if key.Name != IDField {
			continue
		}
		end := p.flow.End(s.Other())
		link, err := e.cfg.Store.Link(ctx, p.flow.Name, Ref{System: end.System, Kind: end.Kind, ID: key.Value.String()})
		switch {
		case err == nil && link.End(s).Zero():
			link.setEnd(s, own.End(s))
			return link, nil
		case err != nil && !errors.Is(err, ErrNotFound):
			return own, err
		}
	}
	return own, nil
}

// eraseAll erases what there is of a person, the records and the pair that were
// named last: as long as they are there, a repeated call finds the others by
// them.
func (e *Engine) eraseAll(ctx context.Context, p *person, out *Receipt) error {
	for _, ref := range p.refs {
		if slices.Contains(p.own[:], ref) {
			continue
		}
		if _, err := e.eraseRecord(ctx, ref); err != nil {
			return err
		}
	}
	for _, name := range p.names {
		n, err := e.discard(ctx, name)
		if out.DeadLetters += n; err != nil {
			return err
		}
	}
	for _, l := range p.links[1:] {
		if err := e.noteErased(ctx, l, out); err != nil {
			return err
		}
	}
	for s, ref := range p.own {
		if ref.Zero() {
			continue
		}
		var err error
		if out.Erased[s], err = e.eraseRecord(ctx, ref); err != nil {
			return err
		}
	}
	for _, ref := range p.refs {
		if ref != p.links[0].Left && ref != p.links[0].Right {
			out.Merged = append(out.Merged, ref)
		}
	}
	return e.noteErased(ctx, p.links[0], out)
}

// noteErased notes the receipt in the audit of a pair.
func (e *Engine) noteErased(ctx context.Context, l Link, out *Receipt) error {
	entry := Entry{At: out.At, Kind: EntryErased, Flow: l.Flow, Link: l.ID, Left: l.Left, Right: l.Right, Note: out.ID}
	_, err := e.commit(ctx, time.Now(), Commit{Link: l, Forget: true, Entries: []Entry{entry}})
	return err
}

// close marks the link as erased before anything is, so that nobody works on
// the pair meanwhile.
func (e *Engine) close(ctx context.Context, link Link) (Link, error) {
	if link.State == Erased {
		return link, nil
	}
	if link.Intent != nil && link.Intent.Expires.After(time.Now()) {
		return link, &Error{Op: "erase", Action: RetryAt, Ref: link.Left, Rule: "link.busy", RetryAt: link.Intent.Expires,
			Hint: "call again in a moment", Err: errors.New("the pair is being written to")}
	}
	return e.forget(ctx, link)
}

// forget drops a link's base and the key to its values in the audit.
func (e *Engine) forget(ctx context.Context, link Link) (Link, error) {
	link.State, link.Key = Erased, nil
	return e.commit(ctx, time.Now(), Commit{Link: link, Forget: true})
}

// eraseRecord has a system erase a record, or remove it if it cannot.
func (e *Engine) eraseRecord(ctx context.Context, ref Ref) (forGood bool, err error) {
	peer := e.cfg.Peers[ref.System]
	if eraser, ok := peer.Source.(Eraser); ok {
		errs, err := eraser.Erase(ctx, ref.Kind, []string{ref.ID})
		if err == nil && len(errs) != 1 {
			err = fmt.Errorf("%s answered with %d results for one record", ref.System, len(errs))
		}
		if err != nil {
			return false, err
		}
		return errs[0] == nil, errs[0]
	}
	results, err := peer.Sink.Apply(ctx, []Write{{Ref: ref, Delete: true}})
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	if ActionOf(err) == NotFound {
		err = nil // gone before
	}
	return false, err
}

// discard deletes the dead letters about a record: they hold its facts.
func (e *Engine) discard(ctx context.Context, ref Ref) (n int, err error) {
	for _, key := range keysOf(ref) {
		for {
			letters, err := e.cfg.Queue.Dead(ctx, DeadFilter{Key: key, Limit: 1000})
			if err != nil || len(letters) == 0 {
				if err != nil {
					return n, err
				}
				break
			}
			ids := make([]string, len(letters))
			for i := range letters {
				ids[i] = letters[i].Message.ID
			}
			k, err := e.cfg.Queue.Discard(ctx, time.Now(), ids...)
			if n += k; err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// keysOf are the keys of the messages about a record.
func keysOf(ref Ref) []string { return []string{ref.String(), factsKey(ref)} }

// erased reports whether the subject of a fact was erased in some flow.
func (e *Engine) erased(ctx context.Context, ref Ref) (bool, error) {
	for _, p := range e.planners {
		if _, ok := p.flow.SideOf(ref); !ok {
			continue
		}
		link, err := e.cfg.Store.Link(ctx, p.flow.Name, ref)
		if err == nil && link.State == Erased {
			return true, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false, err
		}
	}
	return false, nil
}
