package dashboard

import (
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// undoPage says what an undo would take back.
type undoPage struct {
	sync.Undo
	Undone []sync.Undone
	Back   string // where the person came from
}

// undo takes back what was last written to a field of a record, or by a backfill.
// First it says what that would be; a second request, with "sure", does it.
func (d *Dashboard) undo(w http.ResponseWriter, r *http.Request) error {
	u, back, err := d.undoNamed(r)
	if err != nil {
		return err
	}
	if !u.DryRun {
		what := "the run " + u.Run
		if u.Run == "" {
			what = u.Field + " of " + u.Ref.String()
		}
		if err := d.act(r, Undo, what, sync.Entry{Flow: u.Flow, Left: u.Ref}); err != nil {
			return err
		}
	}
	undone, err := d.opts.Engine.Undo(r.Context(), u)
	if err != nil {
		return err
	}
	if !u.DryRun {
		http.Redirect(w, r, back+"&notice=undone", http.StatusSeeOther) //nolint:gosec // G710: a page of ours, see undoNamed
		return nil
	}
	return d.show(w, r, "undo", "Undo", undoPage{Undo: u, Undone: undone, Back: back})
}

// undoNamed returns what a form asks to take back: a run, or what was written to
// a field of a record, since a moment if it says one.
func (d *Dashboard) undoNamed(r *http.Request) (u sync.Undo, back string, err error) {
	u = sync.Undo{Field: r.FormValue("field"), Run: r.FormValue("run"), DryRun: r.FormValue("sure") == ""}
	if u.Run != "" {
		flow, err := d.flow(r.FormValue("flow"))
		if err != nil {
			return u, "", err
		}
		u.Flow = flow.Name
		return u, d.link("/runs", "of", u.Run), nil
	}
	flow, ref, err := d.named(r)
	if err != nil {
		return u, "", err
	}
	if u.Field == "" {
		return u, "", badInput("name the field, or a run")
	}
	u.Flow, u.Ref = flow.Name, ref
	if since := r.FormValue("since"); since != "" {
		if u.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
			return u, "", badInput("say since when, as a time like 2026-01-25T15:00:00Z")
		}
	}
	return u, d.link("/record", "flow", flow.Name, "ref", ref.String()), nil
}
