package sync_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

// raws are the fields of the flow of people by the side they are written to.
var raws = map[string][2]string{"alpha id": {"", "alpha_id"}, "beta id": {"beta_id", ""},
	"email": {"email", "mail"}, "name": {"name", "fullname"}, "phone": {"msisdn", "phone"}}

// C3. What a dry run over 500 records says would be written is, record by record
// and field by field, what is written when it is applied; an edit in between
// stops its own record and no other.
func TestDryRunIsTheWriteLogOfItsApplication(t *testing.T) {
	for _, moved := range []int{0, 1} {
		t.Run(fmt.Sprint(moved, " edits in between"), func(t *testing.T) {
			bubble(t, func(w *world) {
				lefts := w.crowd(400)
				for i, left := range lefts {
					switch i % 4 {
					case 0:
						w.left.edit(left, "name", "Left")
					case 1:
						w.right.edit(w.link(left).Right, "fullname", "Right", "phone", "+57 300 000 0000")
					case 2:
						w.left.edit(left, "msisdn", "+1")
						w.right.edit(w.link(left).Right, "phone", "+2")
					}
				}
				for i := range 100 {
					lefts = append(lefts, w.left.create("email", fmt.Sprintf("new%d@example.com", i), "name", "New"))
				}
				w.takeHooks()
				time.Sleep(time.Minute)
				f, err := w.engine.Forecast(w.ctx, "people", lefts)
				if err != nil || f.Creates != 100 || f.Updates != 300 || f.Unchanged != 100 {
					w.Fatalf("%+v, %v", f, err)
				}
				if moved == 1 {
					w.left.edit(lefts[0], "name", "Somebody else")
					w.takeHooks()
					f.Items = slices.DeleteFunc(slices.Clone(f.Items), func(i sync.ForecastItem) bool { return i.Ref == lefts[1] }) // not asked for
				}
				stopped, err := w.engine.ApplyForecast(w.ctx, f)
				if err != nil || len(stopped) != moved || moved == 1 && stopped[0] != lefts[0] {
					t.Errorf("stopped %v, %v", stopped, err)
				}
				w.takeHooks()
				for range 100 { // without the looks that webhooks ask for
					if err := w.engine.RunOnce(w.ctx); err != nil {
						w.Fatal(err)
					}
					w.takeHooks()
				}
				if diff := cmp.Diff(w.promised(f, stopped), w.written()); diff != "" {
					t.Errorf("writes (-foretold +made):\n%s", diff)
				}
				w.noDead()
			})
		})
	}
}

// promised lists the writes that a forecast names, but for stopped records.
func (w *world) promised(f sync.Forecast, stopped []sync.Ref) []string {
	var out []string
	for _, item := range f.Items {
		if slices.Contains(stopped, item.Ref) {
			continue
		}
		right := w.link(item.Ref).Right
		d := w.decisions(item.Ref)
		for _, field := range item.Fields {
			for s, ref := range []sync.Ref{item.Ref, right} {
				if raw := raws[field][s]; raw != "" && (d[field].Merged || d[field].Winner != sync.Side(s)) {
					out = append(out, ref.ID+" "+raw)
				}
			}
		}
		if item.Creates { // whose id exists only then
			out = append(out, item.Ref.ID+" beta_id")
		}
	}
	slices.Sort(out)
	return out
}

// decisions are the last ones about a record's fields.
func (w *world) decisions(ref sync.Ref) map[string]sync.Decision {
	w.Helper()
	out := map[string]sync.Decision{}
	story, err := w.engine.Explain(w.ctx, "people", ref)
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range story.Fields {
		if n := len(f.Steps); n > 0 {
			out[f.Field] = f.Steps[n-1].Decision
		}
	}
	return out
}

// written lists the writes made.
func (w *world) written() []string {
	var out []string
	for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
		out = append(out, s.ref.ID+" "+s.field)
	}
	slices.Sort(out)
	return out
}
