package dashboard

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/urbanhub/crmsync/sync"
)

// The audit is read backwards, a window of entries at a time.
const (
	entriesShown  = 100
	conflictsRead = 5000 // entries that are searched for conflicts
	entriesPage   = 1000 // read at once
)

// auditPage lists entries, the newest first.
type auditPage struct {
	Flow    string
	Ref     string
	Entries []sync.Entry
	Older   int64 // the number before which the next page ends, 0 at the end
}

func (d *Dashboard) audit(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := auditPage{Flow: q.Get("flow"), Ref: q.Get("ref")}
	filter := sync.AuditFilter{Flow: p.Flow}
	if p.Ref != "" {
		ref, err := parseRef(p.Ref)
		if err != nil {
			return err
		}
		filter.Ref = ref
	}
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // none is the end
	var err error
	p.Entries, p.Older, err = d.backwards(r.Context(), filter, before, entriesShown)
	if err != nil {
		return err
	}
	return d.show(w, r, "audit", "Audit", p)
}

// backwards returns the entries among the last span numbers before a number, 0
// for the end, the newest first, and where the entries before them end. The
// entries of one record are few enough to be read together.
func (d *Dashboard) backwards(ctx context.Context, filter sync.AuditFilter, before int64, span int) ([]sync.Entry, int64, error) {
	if before <= 0 {
		last, err := d.lastSeq(ctx)
		if err != nil {
			return nil, 0, err
		}
		before = last + 1
	}
	older := max(before-int64(span), 0)
	if !filter.Ref.Zero() {
		older = 0
	}
	filter.After, filter.Limit = max(older-1, 0), entriesPage
	var out []sync.Entry
	for {
		page, err := d.opts.Config.Store.Entries(ctx, filter) // without the values
		if err != nil {
			return nil, 0, err
		}
		for i := range page {
			if page[i].Seq < before {
				out = append(out, page[i])
			}
		}
		if len(page) < filter.Limit || page[len(page)-1].Seq >= before {
			break
		}
		filter.After = page[len(page)-1].Seq
	}
	slices.Reverse(out)
	if older <= 1 {
		older = 0
	}
	return out, older, nil
}

// lastSeq finds the number of the last entry. Numbers count up without gaps,
// so it doubles its steps, then halves them.
func (d *Dashboard) lastSeq(ctx context.Context) (int64, error) {
	after := func(n int64) (int64, error) {
		page, err := d.opts.Config.Store.Entries(ctx, sync.AuditFilter{After: n, Limit: 1})
		if err != nil || len(page) == 0 {
			return 0, err
		}
		return page[0].Seq, nil
	}
	last, err := after(0)
	for step := int64(1); step > 0 && err == nil && last > 0; {
		next, e := after(last - 1 + step)
		switch err = e; {
		case next > 0:
			last, step = next, step*2
		default:
			step /= 2
		}
	}
	return last, err
}

// verifyAudit starts a check of the audit's chains.
func (d *Dashboard) verifyAudit(w http.ResponseWriter, r *http.Request) error {
	return d.start(w, r, Measure, job{kind: "verify audit", scope: "all entries", do: func(ctx context.Context) (any, error) {
		return d.opts.Engine.VerifyAudit(ctx)
	}})
}

// export sends the whole audit as JSON, an entry a line, without the values of
// records: also what a copy kept elsewhere proves a forgery with.
func (d *Dashboard) export(w http.ResponseWriter, r *http.Request) error {
	if err := d.act(r, Export, "the audit", sync.Entry{}); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Content-Disposition", `attachment; filename="audit.jsonl"`)
	lines := json.NewEncoder(w)
	for filter := (sync.AuditFilter{Limit: entriesPage}); ; {
		page, err := d.opts.Config.Store.Entries(r.Context(), filter)
		if err != nil {
			// What was sent cannot be taken back: a line says that it ends here.
			return lines.Encode(map[string]any{"truncated": true, "error": err.Error()})
		}
		for i := range page {
			n := page[i]
			n.Sealed = nil
			if err := lines.Encode(n); err != nil {
				return nil //nolint:nilerr // the reader is gone
			}
		}
		if len(page) < filter.Limit {
			return nil
		}
		filter.After = page[len(page)-1].Seq
	}
}
