package sync

import (
	"context"
	"errors"
	"fmt"
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
	// DeadLetters counts the dead letters that were discarded.
	DeadLetters int
}

// Erase removes what is kept of the person behind a record, as privacy laws
// ask: the records on both sides, the base, the key to the values in the
// audit, and the dead letters. What remains is that the pair was and that it was erased. A
// late webhook or a fact that still waits brings nothing back. The call may be
// repeated until it succeeds; [ErrNotFound] says that there is no such pair.
func (e *Engine) Erase(ctx context.Context, flow string, ref Ref) (Receipt, error) {
	link, err := e.linkOf(ctx, "erase", flow, ref)
	if err != nil {
		return Receipt{}, err
	}
	out := Receipt{ID: newID(), At: time.Now().UTC(), Link: link.ID, Left: link.Left, Right: link.Right}
	if link, err = e.close(ctx, link); err != nil {
		return out, err
	}
	for _, s := range []Side{Left, Right} {
		if end := link.End(s); !end.Zero() {
			if out.Erased[s], err = e.eraseRecord(ctx, end); err != nil {
				return out, err
			}
			n, err := e.discard(ctx, end)
			if out.DeadLetters += n; err != nil {
				return out, err
			}
		}
	}
	if err := e.forgetMerged(ctx, link); err != nil {
		return out, err
	}
	entry := Entry{At: out.At, Kind: EntryErased, Flow: flow, Link: link.ID, Left: link.Left, Right: link.Right, Note: out.ID}
	_, err = e.commit(ctx, time.Now(), Commit{Link: link, Forget: true, Entries: []Entry{entry}})
	return out, err
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

// forgetMerged forgets the links that the records had before they were merged
// into others: those that have no other record by now.
func (e *Engine) forgetMerged(ctx context.Context, link Link) error {
	seen := map[string]bool{link.ID: true, "": true}
	for _, ref := range []Ref{link.Left, link.Right} {
		if ref.Zero() {
			continue
		}
		entries, err := e.entriesOf(ctx, AuditFilter{Ref: ref})
		if err != nil {
			return err
		}
		for i := range entries {
			n := &entries[i]
			if seen[n.Link] {
				continue
			}
			seen[n.Link] = true
			old, err := linkByID(ctx, e.cfg.Store, n.Flow, n.Link)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			theirs := func(ref Ref) bool { return ref.Zero() || ref == link.Left || ref == link.Right }
			if old.State != Erased && (old.Evidence == mergedAway && old.State == Detached || theirs(old.Left) && theirs(old.Right)) {
				if _, err := e.forget(ctx, old); err != nil {
					return err
				}
			}
		}
	}
	return nil
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
	for _, key := range []string{ref.String(), factsKey(ref)} {
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
