package hubspot

import (
	"cmp"
	"context"
	"errors"
	"strings"
	stdsync "sync"

	"github.com/urbanhub/crmsync/sync"
)

// Apply implements [sync.Sink] by batches of 100, gathered over all callers
// for each kind: updates by id, upserts by Write.Key, and creations for writes
// with neither. A record is never twice in one batch; its writes run in the
// order they came, deletions after the others of the same call. A deletion
// archives: people can bring the record back in HubSpot for 90 days, the API
// cannot.
//
// The key should be a property created with hasUniqueValue. With "email" as
// the key HubSpot refuses a whole batch for one bad input, and the adapter
// then searches for it: one among a hundred costs at most nine calls. A value
// that another record already holds is a Conflict whose Existing names that
// record. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
//
// New records are associated with Write.Related by the call that creates
// them, others by a further call for all that were written together; such a
// result is successful when both have taken effect. Where a record to be
// associated with is gone, the error is a NotFound that names it: of a new
// record nothing is then written, of others all but the association.
//
// A property that HubSpot has no more, or that it does not let be written, is
// left out and named in Result.Dropped and by [Adapter.Degraded].
//
// The error is always nil: a batch that could not be sent, or for which the
// context did not wait, fails its own writes alone.
func (a *Adapter) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	results := make([]sync.Result, len(writes))
	groups := map[job][]int{}
	var events, completions []int
	for i, w := range writes {
		switch w.Ref.Kind {
		case CustomEvent:
			events = append(events, i)
			continue
		case ActionCompletion:
			completions = append(completions, i)
			continue
		}
		if err := checkWrite(w); err != nil {
			results[i].Err = err
			continue
		}
		j := job{w.Ref.Kind, opOf(w)}
		groups[j] = append(groups[j], i)
	}
	var wg stdsync.WaitGroup
	wg.Go(func() { a.events.apply(ctx, writes, events, results) })
	wg.Go(func() { a.completeWrites(ctx, writes, completions, results) })
	for j, which := range groups {
		if j.op != opArchive {
			wg.Go(func() { a.gather(ctx, j, writes, which, results) })
		}
	}
	wg.Wait()
	for j, which := range groups {
		if j.op == opArchive {
			a.collections[j.kind].archive(ctx, writes, which, results)
		}
	}
	return results, nil
}

// A job is an operation on the records of a kind.
type job struct {
	kind sync.Kind
	op   operation
}

// opOf returns the operation that carries out a write.
func opOf(w sync.Write) operation {
	switch {
	case w.Delete:
		return opArchive
	case w.Ref.ID != "":
		return opUpdate
	case w.Key != "":
		return opUpsert
	}
	return opCreate
}

// gather hands some of the writes to their batcher.
func (a *Adapter) gather(ctx context.Context, j job, writes []sync.Write, which []int, results []sync.Result) {
	c := a.collections[j.kind]
	batcher := c.updates
	switch j.op {
	case opCreate:
		batcher = c.creates
	case opUpsert:
		batcher = c.upserts
	}
	picked := make([]sync.Write, len(which))
	for n, i := range which {
		picked[n] = writes[i]
	}
	got, errs := batcher.Each(ctx, picked...)
	for n, i := range which {
		results[i] = got[n]
		if errs[n] != nil {
			results[i] = sync.Result{Record: sync.Record{Ref: writes[i].Ref}, Err: about(writes[i].Ref, errs[n])}
		}
	}
}

// archive hands the deletions to their batcher.
func (c *collection) archive(ctx context.Context, writes []sync.Write, which []int, results []sync.Result) {
	ids := make([]string, len(which))
	for n, i := range which {
		ids[n] = writes[i].Ref.ID
	}
	got, errs := c.archives.Each(ctx, ids...)
	for n, i := range which {
		failure := cmp.Or(got[n], about(writes[i].Ref, errs[n]))
		results[i] = sync.Result{Record: sync.Record{Ref: writes[i].Ref, Deleted: failure == nil}, Err: failure}
	}
}

// checkWrite refuses what HubSpot would not understand.
func checkWrite(w sync.Write) error {
	invalid := func(field, rule, hint string) error {
		return &sync.Error{Op: "hubspot: write", Action: sync.Invalid, Ref: w.Ref, Field: field, Rule: rule, Hint: hint}
	}
	if err := kindError("hubspot: write", w.Ref.Kind); err != nil {
		return err
	}
	t := objectTypes[w.Ref.Kind]
	for _, r := range w.Related {
		if err := t.joinable("hubspot: write", r); err != nil {
			return err
		}
	}
	op := opOf(w)
	switch {
	case (op == opUpdate || op == opArchive) && !validID(w.Ref.ID):
		return invalid("", "id.numeric", "HubSpot's record ids are numbers")
	case op == opUpsert && w.Fields[w.Key].Blank():
		return invalid(w.Key, "write.key", "a record is created by a unique property that has a value")
	case op == opCreate && len(properties(w)) == 0:
		return invalid("", "write.fields", "a new record needs some property")
	case op == opCreate && t.missing(w.Fields) != "":
		return invalid(t.missing(w.Fields), "field.required", "HubSpot makes no such record without this property")
	}
	return nil
}

// upsertKey names the record that an upsert is about: HubSpot compares
// addresses without regard to case.
func upsertKey(w sync.Write) string {
	return w.Key + " " + strings.ToLower(strings.TrimSpace(w.Fields[w.Key].String()))
}

// properties are a write's fields in HubSpot's form: an empty text clears, and
// the items of a list are joined by semicolons.
func properties(w sync.Write) map[string]string {
	p := make(map[string]string, len(w.Fields))
	for name, v := range w.Fields {
		if name != sync.IDField {
			p[name] = v.String()
		}
	}
	return p
}

// writeBatch returns the function that carries out a batch of writes. Its
// outcomes hold their own errors, so it never fails as a whole.
func (c *collection) writeBatch(op operation) func(context.Context, []sync.Write) ([]sync.Result, error) {
	return func(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
		results := make([]sync.Result, len(writes))
		b := batch{collection: c, op: op}
		for _, part := range byKey(writes) {
			ps := pick(writes, results, part)
			b.run(ctx, ps)
			b.relate(ctx, ps)
		}
		return results, nil
	}
}

// byKey groups the places of the writes by the property they are keyed by:
// HubSpot takes one such property in a batch.
func byKey(writes []sync.Write) [][]int {
	var groups [][]int
	place := map[string]int{}
	for i, w := range writes {
		key := w.Key
		if w.Ref.ID != "" {
			key = ""
		}
		n, ok := place[key]
		if !ok {
			n = len(groups)
			place[key] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}

// about makes an error one that is about the record.
func about(ref sync.Ref, err error) error {
	e := asError(err)
	if e == nil {
		return err
	}
	own := *e
	own.Ref = ref
	return &own
}

// asError returns err as the core's error, or nil.
func asError(err error) *sync.Error {
	var e *sync.Error
	errors.As(err, &e)
	return e
}
