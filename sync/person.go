package sync

import (
	"context"
	"errors"
	"slices"
)

// A person is who is behind a pair, as far as an erasure is concerned: with
// every record that merges have brought together, and the pairs of those.
// Whether somebody has noticed the merges makes no difference.
type person struct {
	engine *Engine
	flow   string
	links  []Link // the one that was named is the first
	own    [2]Ref // its records as they answer by now
	refs   []Ref  // all their records
	names  []Ref  // all that they are known by, ids of before merges included
	met    []Link // of which the audit of these names tells
	seen   map[string]bool
}

// personOf finds the person behind a pair. It reads the records.
func (e *Engine) personOf(ctx context.Context, link Link) (*person, error) {
	p := &person{engine: e, flow: link.Flow, links: []Link{link}, seen: map[string]bool{}}
	for i := 0; i < len(p.links); i++ {
		l := p.links[i]
		for _, s := range []Side{Right, Left} {
			end := l.End(s)
			if theirs, err := p.theirs(ctx, l, end); err != nil {
				return nil, err
			} else if !theirs {
				continue
			}
			now, err := p.record(ctx, end)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				p.own[s] = now
			}
		}
	}
	return p, nil
}

// theirs reports whether an end of a pair is the person's: after a merge was
// taken back it may have a pair of its own.
func (p *person) theirs(ctx context.Context, l Link, end Ref) (bool, error) {
	if end.Zero() || l.ID == p.links[0].ID || slices.Contains(p.names, end) {
		return !end.Zero(), nil
	}
	holder, err := p.engine.cfg.Store.Link(ctx, l.Flow, end)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return holder.ID == l.ID, err
}

// record adds a record, and the pairs that it belongs or belonged to. It
// returns as which one it answers.
func (p *person) record(ctx context.Context, end Ref) (Ref, error) {
	now, aliases, err := p.engine.answering(ctx, end)
	if err != nil {
		return now, err
	}
	if !slices.Contains(p.refs, now) {
		p.refs = append(p.refs, now)
	}
	for _, name := range append([]Ref{end, now}, aliases...) {
		if slices.Contains(p.names, name) {
			continue
		}
		p.names = append(p.names, name)
		other, err := p.engine.cfg.Store.Link(ctx, p.flow, name)
		if err == nil {
			p.add(other)
		} else if !errors.Is(err, ErrNotFound) {
			return now, err
		}
		if err := p.former(ctx, name); err != nil {
			return now, err
		}
	}
	return now, nil
}

// former adds the pairs that a record belonged to before it was merged: those
// that have no other record by now. What is not one may become one when more
// names are known.
func (p *person) former(ctx context.Context, name Ref) error {
	var met []Link
	err := p.engine.eachEntry(ctx, AuditFilter{Ref: name}, func(n *Entry) {
		if !p.seen[n.Link] {
			p.seen[n.Link] = true
			met = append(met, Link{Flow: n.Flow, ID: n.Link})
		}
	})
	if err != nil {
		return err
	}
	for _, l := range met {
		old, err := linkByID(ctx, p.engine.cfg.Store, l.Flow, l.ID)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		p.met = append(p.met, old)
	}
	known := func(ref Ref) bool { return ref.Zero() || slices.Contains(p.names, ref) }
	for _, old := range p.met {
		if old.Evidence == mergedAway && old.State != Active || known(old.Left) && known(old.Right) {
			p.add(old)
		}
	}
	return nil
}

func (p *person) add(l Link) {
	if !slices.ContainsFunc(p.links, func(o Link) bool { return o.ID == l.ID }) {
		p.links = append(p.links, l)
	}
}

// answering returns under which id a record answers by now, and the others
// that lead to it.
func (e *Engine) answering(ctx context.Context, ref Ref) (now Ref, aliases []Ref, err error) {
	peer := e.cfg.Peers[ref.System]
	if peer.Source == nil {
		return ref, nil, nil
	}
	recs, err := peer.Source.Read(ctx, ref.Kind, []string{ref.ID})
	if err != nil {
		return ref, nil, err
	}
	if len(recs) != 1 || recs[0].Deleted || recs[0].ID == "" {
		return ref, nil, nil
	}
	for _, id := range recs[0].Aliases {
		aliases = append(aliases, Ref{System: ref.System, Kind: ref.Kind, ID: id})
	}
	return recs[0].Ref, aliases, nil
}
