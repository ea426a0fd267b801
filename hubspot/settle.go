package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// settle gives each write its outcome from an answer that keeps no order.
func (b *batch) settle(ctx context.Context, ps []*pending, reply batchReply, call string) {
	byTrace := map[string]*pending{}
	for i, p := range ps {
		byTrace[traceID(i)] = p
	}
	var again []*pending
	var unnamed error
	for i := range reply.Errors {
		e := &reply.Errors[i]
		err := b.inner(b.op, e, call)
		blamed := b.blamed(ps, byTrace, e.Context)
		switch {
		case len(blamed) == 0:
			unnamed = err
		case b.learn(blamed, err):
			again = union(again, blamed)
		default:
			for _, p := range blamed {
				b.fail(p, err)
			}
		}
	}
	strays := b.match(ps, byTrace, reply.Results, call)
	b.run(ctx, again)
	if b.op == opCreate && strays > 0 {
		unnamed = nil // who was created is unknown, so nobody is created again
	}
	b.leftover(ctx, open(ps), unnamed, call)
}

// union adds to the writes those that are not among them.
func union(ps, more []*pending) []*pending {
	for _, p := range more {
		if !slices.Contains(ps, p) {
			ps = append(ps, p)
		}
	}
	return ps
}

// inner is an error told inside an answer.
func (c *collection) inner(op operation, body *errorBody, call string) *sync.Error {
	api := body.apiError(0)
	api.CorrelationID = or(api.CorrelationID, only(correlationForm, call))
	return classify(op.String(), c.kind, api)
}

// blamed returns the writes that an error names.
func (b *batch) blamed(ps []*pending, byTrace map[string]*pending, at contextMap) []*pending {
	var blamed []*pending
	for _, t := range at["objectWriteTraceId"] {
		if p := byTrace[t]; p != nil {
			blamed = append(blamed, p)
		}
	}
	ids := slices.Concat(at["ids"], at["id"])
	for _, p := range ps {
		if id := b.inputID(p); id != "" && slices.Contains(ids, id) && !slices.Contains(blamed, p) {
			blamed = append(blamed, p)
		}
	}
	return blamed
}

// match finds each result's write: by its trace, by its id or by the value of
// the unique property. It returns how many results are nobody's.
func (b *batch) match(ps []*pending, byTrace map[string]*pending, results []object, call string) (strays int) {
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
		switch {
		case p == nil:
			strays++
		case !p.done:
			b.succeed(p, o, call)
		}
	}
	return strays
}

// silence is what becomes of writes that an answer passes over: HubSpot drops
// ids that were merged away.
var silence = map[operation]sync.Error{
	opCreate: {Action: sync.Retry, Hint: "whether the record was created is unknown"},
	opUpdate: {Action: sync.Conflict, Hint: "HubSpot passed the record over, perhaps after a merge; read it again"},
	opUpsert: {Action: sync.Retry, Hint: "HubSpot did not tell what became of the write; writing it again is harmless"},
}

// leftover settles the writes that the answer passed over. With an error that
// names nobody they are halved until it is clear whom it is about.
func (b *batch) leftover(ctx context.Context, ps []*pending, unnamed error, call string) {
	switch {
	case len(ps) == 0:
	case unnamed != nil && b.learn(ps, unnamed):
		b.run(ctx, ps)
	case unnamed != nil && len(ps) > 1:
		b.run(ctx, ps[:len(ps)/2])
		b.run(ctx, ps[len(ps)/2:])
	case unnamed != nil:
		b.fail(ps[0], unnamed)
	default:
		e := silence[b.op]
		e.Op, e.Rule = b.op.String(), "record.answered"
		for _, p := range ps {
			b.fail(p, &e)
			p.result.Call = call
		}
	}
}
