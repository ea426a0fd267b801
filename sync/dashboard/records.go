package dashboard

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// linksShown is how many pairs a page lists.
const linksShown = 50

// recordsPage lists the pairs of a flow.
type recordsPage struct {
	Flow    *sync.Flow
	Links   []sync.Link
	Next    string // the last link's id when there are more
	Found   []sync.Link
	Asked   bool
	Trouble []string // what could not be asked
}

func (d *Dashboard) records(w http.ResponseWriter, r *http.Request) error {
	p, err := d.listLinks(r)
	if err != nil {
		return err
	}
	return d.show(w, r, "records", "Records", p)
}

// listLinks reads a page of the pairs of the chosen flow.
func (d *Dashboard) listLinks(r *http.Request) (p recordsPage, err error) {
	p.Flow = d.opts.Config.Flows[0]
	if name := r.FormValue("flow"); name != "" {
		if p.Flow, err = d.flow(name); err != nil {
			return p, err
		}
	}
	p.Links, err = d.opts.Config.Store.Links(r.Context(), p.Flow.Name, r.FormValue("after"), linksShown)
	if len(p.Links) == linksShown {
		p.Next = p.Links[linksShown-1].ID
	}
	return p, err
}

// search finds pairs by whatever a person has at hand: an id, an address of
// either system that ends in one, or a value by which records are recognised.
// It is a POST because what is looked for may be personal, and addresses are
// kept in many places.
func (d *Dashboard) search(w http.ResponseWriter, r *http.Request) error {
	text := strings.TrimSpace(limited(r.FormValue("q"), 300))
	p, err := d.listLinks(r)
	if err != nil {
		return err
	}
	p.Asked = text != ""
	for _, flow := range d.opts.Config.Flows {
		if text == "" {
			break
		}
		refs, err := d.candidates(r.Context(), flow, text)
		if err != nil {
			p.Trouble = append(p.Trouble, flow.Name+": "+err.Error())
		}
		for _, ref := range refs {
			link, err := d.opts.Config.Store.Link(r.Context(), flow.Name, ref)
			if errors.Is(err, sync.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(p.Found, func(l sync.Link) bool { return l.ID == link.ID }) {
				p.Found = append(p.Found, link)
			}
		}
	}
	return d.show(w, r, "records", "Records", p)
}

// candidates lists the records that a text may mean.
func (d *Dashboard) candidates(ctx context.Context, flow *sync.Flow, text string) ([]sync.Ref, error) {
	var refs []sync.Ref
	var errs []error
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		end := flow.End(s)
		for _, id := range idsIn(text) {
			refs = append(refs, sync.Ref{System: end.System, Kind: end.Kind, ID: id})
		}
		found, err := d.match(ctx, flow, s, text)
		refs, errs = append(refs, found...), append(errs, err)
	}
	return refs, errors.Join(errs...)
}

// idsIn returns the ids that a text may be or hold: itself, the end of an
// address, the end of a reference such as "crm:contact:12".
func idsIn(text string) []string {
	ids := []string{text}
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		parts := strings.Split(strings.Trim(u.Path, "/"), "/")
		ids = append(ids, parts...)
	}
	if parts := strings.SplitN(text, ":", 3); len(parts) == 3 {
		ids = append(ids, parts[2])
	}
	return ids
}

// match asks a system for the records that hold the text under one of the
// flow's identities.
func (d *Dashboard) match(ctx context.Context, flow *sync.Flow, s sync.Side, text string) ([]sync.Ref, error) {
	end := flow.End(s)
	matcher, ok := d.opts.Config.Peers[end.System].Source.(sync.Matcher)
	probe := probeFor(flow, s, text)
	if !ok || len(probe) == 0 {
		return nil, nil
	}
	probes := make([]sync.Probe, len(probe))
	for i := range probe {
		probes[i] = sync.Probe{probe[i]} // each key by itself: none is better than another
	}
	matches, err := matcher.Match(ctx, end.Kind, probes)
	var refs []sync.Ref
	for i := range matches {
		for k := range matches[i].Candidates {
			refs = append(refs, matches[i].Candidates[k].Ref)
		}
	}
	return refs, err
}

// probeFor returns the keys under which a system may know the text.
func probeFor(flow *sync.Flow, s sync.Side, text string) sync.Probe {
	var probe sync.Probe
	for i := range flow.Identity {
		lens := flow.Identity[i].Left
		if s == sync.Right {
			lens = flow.Identity[i].Right
		}
		name := lens.Names()[0]
		v, err := lens.Get(sync.Fields{name: sync.Text(text)})
		if err != nil || v.Blank() || name == sync.IDField {
			continue // it is no such value, or was looked for as an id
		}
		if raw, err := lens.Put(v, nil); err == nil {
			probe = append(probe, sync.Key{Name: name, Value: raw[name]})
		}
	}
	return probe
}

// parseRef reads what [sync.Ref.String] writes.
func parseRef(text string) (sync.Ref, error) {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return sync.Ref{}, badInput("name a record as system:kind:id")
	}
	return sync.Ref{System: sync.System(parts[0]), Kind: sync.Kind(parts[1]), ID: parts[2]}, nil
}
