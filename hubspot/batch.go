package hubspot

import (
	"context"
	"errors"
	"maps"
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
	write      sync.Write
	properties map[string]string // what is sent of it
	dropped    map[string]string // what is not, and why
	result     *sync.Result
	done       bool
}

func pick(writes []sync.Write, results []sync.Result, places []int) []*pending {
	ps := make([]*pending, len(places))
	for n, i := range places {
		ps[n] = &pending{write: writes[i], result: &results[i]}
	}
	return ps
}

// run carries out the writes and settles each.
func (b *batch) run(ctx context.Context, ps []*pending) {
	t := trial[*pending]{
		send:    func(ps []*pending) error { return b.send(ctx, ps) },
		fail:    b.fail,
		accused: accused,
	}
	t.run(ps)
	if len(ps) > 1 {
		b.splits.note(b.op, b.kind, t.split)
	}
}

// send makes one call for the writes and settles each from the answer, or
// returns why HubSpot refused the call. What a refusal says by name is heeded
// at once, and the others are sent again.
func (b *batch) send(ctx context.Context, ps []*pending) error {
	for {
		ps = b.prepare(ps)
		if len(ps) == 0 {
			return nil
		}
		var reply batchReply
		call, err := b.client.call(ctx, b.op, b.target(), b.request(ps), &reply)
		if err == nil {
			b.settle(ctx, ps, reply, call)
			return nil
		}
		if !b.learn(ps, err) && !b.failRelated(ps, err) {
			return err
		}
	}
}

// prepare decides what is sent of each write: not what HubSpot does not take
// at present. It settles the writes of which nothing is left, and returns the
// others.
func (b *batch) prepare(ps []*pending) []*pending {
	rules := b.degraded.of(b.kind)
	for _, p := range ps {
		p.leaveOut(rules)
		lacks := b.op == opUpsert && p.dropped[p.write.Key] != "" || b.op == opCreate && len(p.properties) == 0
		switch {
		case p.done:
		case lacks:
			b.fail(p, unheld(b.op, p))
		case b.op == opUpdate && len(p.properties) == 0 && len(p.dropped)+len(p.write.Related) > 0:
			b.succeed(p, &object{ID: p.write.Ref.ID}, "")
		}
	}
	return open(ps)
}

// leaveOut decides what is sent of a write while these rules stand.
func (p *pending) leaveOut(rules map[string]string) {
	p.properties, p.dropped = properties(p.write), nil
	for name, rule := range rules {
		if _, sent := p.properties[name]; sent {
			if p.dropped == nil {
				p.dropped = map[string]string{}
			}
			p.dropped[name] = rule
			delete(p.properties, name)
		}
	}
}

// unheld is the error of a record that cannot be made without properties that
// HubSpot does not take at present.
func unheld(op operation, p *pending) error {
	name := p.write.Key
	if p.dropped[name] == "" {
		name = slices.Min(slices.Collect(maps.Keys(p.dropped)))
	}
	return &sync.Error{Op: op.String(), Action: sync.Denied, Field: name, Rule: p.dropped[name], Hint: validationHint(p.dropped[name])}
}

func (b *batch) succeed(p *pending, o *object, call string) {
	p.done = true
	names := slices.Collect(maps.Keys(o.Properties))
	*p.result = sync.Result{Record: o.record(b.kind, names), Created: o.New || b.op == opCreate, Call: call, Dropped: p.dropped}
}

// fail settles a write that HubSpot did not take.
func (b *batch) fail(p *pending, err error) {
	if p.done {
		return
	}
	p.done = true
	*p.result = sync.Result{Record: sync.Record{Ref: p.write.Ref}, Call: callOf(err), Err: p.own(err)}
}

// own makes an error the write's own: about its record, or about the one it
// was to be associated with.
func (p *pending) own(err error) error {
	e := asError(err)
	if e == nil {
		return err
	}
	own := *e
	own.Ref = p.write.Ref
	if related := p.unknownRelated(err); len(related) > 0 {
		own.Ref = related[0]
	}
	if p.required(e) {
		own.Rule = "admin.rule"
		own.Hint = "a rule that an administrator of the account made asks for the property " + e.Field + "; give it a value or change the rule"
	}
	return &own
}

// required reports whether an administrator's rule asks for a property that the
// write does not give. HubSpot's code for it is not published. Source:
// https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
func (p *pending) required(e *sync.Error) bool {
	return e.Action == sync.Invalid && e.Field != "" && p.properties[e.Field] == "" &&
		(p.write.Fields[e.Field].Null() || strings.Contains(e.Rule, "REQUIRED")) &&
		!slices.Contains(objectTypes[p.write.Ref.Kind].required, e.Field)
}

// callOf returns HubSpot's name for the call that an error tells of.
func callOf(err error) string {
	var api *APIError
	if errors.As(err, &api) {
		return api.CorrelationID
	}
	return ""
}

// accused reports whether the error may be about the write. Only a value that
// was sent can be a malformed one.
func accused(p *pending, err error) bool {
	e := asError(err)
	if e == nil || !strings.HasPrefix(e.Rule, "INVALID_") {
		return true
	}
	return p.properties[e.Field] != ""
}

// HubSpot's codes for properties that it does not take, whatever their value.
const (
	codeGone     = "PROPERTY_DOESNT_EXIST"
	codeReadOnly = "READ_ONLY_VALUE"
)

// learn notes which properties the error says HubSpot does not take, and
// reports whether any of the writes sent one.
func (b *batch) learn(ps []*pending, err error) bool {
	var api *APIError
	if !errors.As(err, &api) {
		return false
	}
	learned := false
	for _, d := range api.Details {
		sent := func(p *pending) bool { _, ok := p.properties[d.Property]; return ok && !p.done }
		if d.Code != codeGone && d.Code != codeReadOnly || !slices.ContainsFunc(ps, sent) {
			continue
		}
		learned = true
		if b.degraded.set(b.kind, d.Property, d.Code) {
			b.client.log.Warn("hubspot: a property is left out of writes", "kind", b.kind, "property", d.Property, "rule", d.Code)
		}
	}
	return learned
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
		in := input{ID: b.inputID(p), Properties: p.properties, TraceID: traceID(i)}
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

// inputID is what names the record: its id, or the value of the unique
// property; nothing names one that is to be created.
func (b *batch) inputID(p *pending) string {
	if b.op == opUpsert {
		return strings.TrimSpace(p.write.Fields[p.write.Key].String())
	}
	return p.write.Ref.ID
}
