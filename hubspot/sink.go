package hubspot

import (
	"context"
	"errors"
	"strings"

	"github.com/urbanhub/crmsync/sync"
	"golang.org/x/sync/errgroup"
)

// Apply implements [sync.Sink] by batches of 100, gathered over all callers:
// updates by id, and upserts by Write.Key for writes without an id. A record
// is never twice in one batch; its writes run in the order they came.
//
// The key should be a property created with hasUniqueValue. With "email" as
// the key HubSpot refuses a whole batch for one bad input, and the adapter
// then finds that input by halving the batch. A value that another contact
// already holds is a Conflict whose Existing names that contact. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (a *Adapter) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	results := make([]sync.Result, len(writes))
	var updates, upserts []int
	for i, w := range writes {
		switch err := checkWrite(w); {
		case err != nil:
			results[i].Err = err
		case w.Ref.ID != "":
			updates = append(updates, i)
		default:
			upserts = append(upserts, i)
		}
	}
	var g errgroup.Group
	g.Go(func() error { return a.gather(ctx, opUpdate, writes, updates, results) })
	g.Go(func() error { return a.gather(ctx, opUpsert, writes, upserts, results) })
	return results, g.Wait()
}

// gather hands some of the writes to their batcher.
func (a *Adapter) gather(ctx context.Context, op operation, writes []sync.Write, which []int, results []sync.Result) error {
	batcher := a.updates
	if op == opUpsert {
		batcher = a.upserts
	}
	picked := make([]sync.Write, len(which))
	for n, i := range which {
		picked[n] = writes[i]
	}
	got, err := batcher.Do(ctx, picked...)
	for n, r := range got {
		results[which[n]] = r
	}
	return err
}

func checkWrite(w sync.Write) error {
	invalid := func(field, rule, hint string) error {
		return &sync.Error{Op: "hubspot: write", Action: sync.Invalid, Ref: w.Ref, Field: field, Rule: rule, Hint: hint}
	}
	if err := kindError("hubspot: write", w.Ref.Kind); err != nil {
		return err
	}
	switch {
	case w.Ref.ID != "" && !validID(w.Ref.ID):
		return invalid("", "id.numeric", "HubSpot's record ids are numbers")
	case w.Ref.ID == "" && w.Key == "":
		return invalid("", "write.key", "name the unique property by which the contact is created")
	case w.Ref.ID == "" && w.Fields[w.Key].Blank():
		return invalid(w.Key, "write.key", "a contact is created by a unique property that has a value")
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
func (a *Adapter) writeBatch(op operation) func(context.Context, []sync.Write) ([]sync.Result, error) {
	return func(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
		results := make([]sync.Result, len(writes))
		b := batch{op: op, client: a.client}
		for _, part := range byKey(writes) {
			b.run(ctx, pick(writes, results, part))
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

// asError returns err as the core's error, or nil.
func asError(err error) *sync.Error {
	var e *sync.Error
	errors.As(err, &e)
	return e
}
