package hubspot

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// batch carries out writes of one operation on one kind of records.
type batch struct {
	*collection
	op operation
}

// A pending write and the place of its result.
type pending struct {
	write  sync.Write
	result *sync.Result
	done   bool
}

func pick(writes []sync.Write, results []sync.Result, places []int) []*pending {
	ps := make([]*pending, len(places))
	for n, i := range places {
		ps[n] = &pending{write: writes[i], result: &results[i]}
	}
	return ps
}

func (b *batch) succeed(p *pending, o *object, call string) {
	names := make([]string, 0, len(o.Properties))
	for n := range o.Properties {
		names = append(names, n)
	}
	p.done = true
	*p.result = sync.Result{Record: o.record(b.kind, names), Created: o.New || b.op == opCreate, Call: call}
}

func (b *batch) fail(p *pending, err error, call string) {
	p.done = true
	if e := asError(err); e != nil {
		own := *e // each write's error names its own record
		own.Ref = p.write.Ref
		err = &own
	}
	*p.result = sync.Result{Record: sync.Record{Ref: p.write.Ref}, Call: call, Err: err}
}

// run sends the writes and settles each. When HubSpot refuses the batch as a
// whole it finds the culprits by halving, so that one bad write never spoils
// its neighbours.
func (b *batch) run(ctx context.Context, ps []*pending) {
	var reply batchReply
	call, err := b.client.call(ctx, b.op, b.target(), b.request(ps), &reply)
	switch {
	case err == nil:
		b.settle(ctx, ps, reply, call)
	case len(ps) == 1 || !refused(err):
		for _, p := range ps {
			b.fail(p, err, call)
		}
	default:
		b.divide(ctx, b.failSchema(ps, err, call))
	}
}

// divide runs each half by itself.
func (b *batch) divide(ctx context.Context, ps []*pending) {
	for _, half := range [][]*pending{ps[:len(ps)/2], ps[len(ps)/2:]} {
		if len(half) > 0 {
			b.run(ctx, half)
		}
	}
}

// refused reports whether the batch was refused for what some input holds.
func refused(err error) bool {
	e := asError(err)
	return e != nil && (e.Action == sync.Invalid || e.Action == sync.Conflict || e.Action == sync.NotFound)
}

// failSchema fails every write that sets a property which HubSpot does not
// have or does not let be written, and returns the others: nothing about them
// needs to be found by halving.
func (b *batch) failSchema(ps []*pending, err error, call string) []*pending {
	var api *APIError
	if !errors.As(err, &api) {
		return ps
	}
	for _, d := range api.Details {
		if d.Code != "PROPERTY_DOESNT_EXIST" && d.Code != "READ_ONLY_VALUE" {
			continue
		}
		for _, p := range ps {
			if _, sets := p.write.Fields[d.Property]; sets && !p.done {
				b.fail(p, err, call)
			}
		}
	}
	return open(ps)
}

func open(ps []*pending) []*pending {
	return slices.DeleteFunc(slices.Clone(ps), func(p *pending) bool { return p.done })
}

// request names each input by its place, so that HubSpot can tell which failed
// (and takes the others). Source:
// https://developers.hubspot.com/docs/api-reference/error-handling
func (b *batch) request(ps []*pending) batchWrite {
	req := batchWrite{Inputs: make([]input, len(ps))}
	for i, p := range ps {
		in := input{ID: b.inputID(p), Properties: properties(p.write), TraceID: traceID(i)}
		switch b.op {
		case opUpsert:
			in.IDProperty = p.write.Key
		case opCreate:
			in.Associations = b.associated(p.write.Related)
		}
		req.Inputs[i] = in
	}
	return req
}

func traceID(i int) string { return "w" + strconv.Itoa(i) }

// settle gives each write its outcome from an answer that keeps no order.
func (b *batch) settle(ctx context.Context, ps []*pending, reply batchReply, call string) {
	byTrace := map[string]*pending{}
	for i, p := range ps {
		byTrace[traceID(i)] = p
	}
	var unnamed *APIError
	for i := range reply.Errors {
		e := &reply.Errors[i]
		api := e.apiError(0)
		api.CorrelationID = or(api.CorrelationID, only(correlationForm, call))
		if !b.blame(ps, byTrace, e.Context, classify(b.op.String(), b.kind, api), call) {
			unnamed = api
		}
	}
	b.match(ps, byTrace, reply.Results, call)
	b.leftover(ctx, open(ps), unnamed, call)
}

// blame fails the writes that an error names and reports whether it named any.
func (b *batch) blame(ps []*pending, byTrace map[string]*pending, at contextMap, err error, call string) bool {
	named := false
	for _, t := range at["objectWriteTraceId"] {
		if p := byTrace[t]; p != nil {
			b.fail(p, err, call)
			named = true
		}
	}
	for _, p := range ps {
		if id := b.inputID(p); !p.done && id != "" && (slices.Contains(at["ids"], id) || slices.Contains(at["id"], id)) {
			b.fail(p, err, call)
			named = true
		}
	}
	return named
}

// inputID is what names the record: its id, or the value of the unique
// property; nothing names one that is to be created.
func (b *batch) inputID(p *pending) string {
	if b.op == opUpsert {
		return strings.TrimSpace(p.write.Fields[p.write.Key].String())
	}
	return p.write.Ref.ID
}

// match finds each result's write: by its trace, by its id or by the value of
// the unique property.
func (b *batch) match(ps []*pending, byTrace map[string]*pending, results []object, call string) {
	byID := map[string]*pending{}
	for _, p := range ps {
		byID[strings.ToLower(b.inputID(p))] = p
	}
	for i := range results {
		o := &results[i]
		p := byTrace[o.TraceID]
		if p == nil && b.op == opUpdate {
			p = byID[o.ID]
		}
		if p == nil && b.op == opUpsert {
			p = byID[strings.ToLower(o.value(ps[0].write.Key))]
		}
		if p == nil && len(ps) == 1 && len(results) == 1 {
			p = ps[0]
		}
		if p != nil && !p.done {
			b.succeed(p, o, call)
		}
	}
}

// silence is what becomes of writes that an answer passes over: HubSpot drops
// ids that were merged away.
var silence = map[operation]sync.Error{
	opCreate: {Action: sync.Retry, Hint: "whether the record was created is unknown"},
	opUpdate: {Action: sync.Conflict, Hint: "HubSpot passed the record over, perhaps after a merge; read it again"},
	opUpsert: {Action: sync.Retry, Hint: "HubSpot did not tell what became of the write; writing it again is harmless"},
}

// leftover settles the writes that the answer passed over. With an error that
// names nobody they are halved.
func (b *batch) leftover(ctx context.Context, ps []*pending, unnamed *APIError, call string) {
	switch {
	case len(ps) == 0:
	case unnamed != nil && len(ps) > 1:
		b.divide(ctx, ps)
	case unnamed != nil:
		b.fail(ps[0], classify(b.op.String(), b.kind, unnamed), call)
	default:
		e := silence[b.op]
		e.Op, e.Rule = b.op.String(), "record.answered"
		for _, p := range ps {
			b.fail(p, &e, call)
		}
	}
}

// associated are the other ends in the form of a record being created.
func (t *objectType) associated(related []sync.Ref) []associated {
	ends := make([]associated, len(related))
	for i, r := range related {
		ends[i] = associated{objectID{r.ID}, t.association(r.Kind)}
	}
	return ends
}

// association is the type of an unlabelled association with records of a kind.
func (t *objectType) association(kind sync.Kind) []associationType {
	return []associationType{{"HUBSPOT_DEFINED", t.associations[kind]}}
}

// archiveBatch archives one batch of ids; what is gone already is as it should
// be.
func (c *collection) archiveBatch(ctx context.Context, ids []string) ([]error, error) {
	req := batchWrite{Inputs: make([]input, len(ids))}
	for i, id := range ids {
		req.Inputs[i].ID = id
	}
	_, err := c.client.call(ctx, opArchive, c.target(), req, nil)
	errs := make([]error, len(ids))
	switch {
	case err == nil || sync.ActionOf(err) == sync.NotFound && len(ids) == 1:
	case refused(err) && len(ids) > 1:
		half := len(ids) / 2
		first, _ := c.archiveBatch(ctx, ids[:half])
		second, _ := c.archiveBatch(ctx, ids[half:])
		return append(first, second...), nil
	default:
		for i := range errs {
			errs[i] = err
		}
	}
	return errs, nil
}

// missing returns the first of the required properties that a new record
// lacks.
func (t *objectType) missing(f sync.Fields) string {
	at := slices.IndexFunc(t.required, func(n string) bool { return f[n].Blank() })
	if at < 0 {
		return ""
	}
	return t.required[at]
}
