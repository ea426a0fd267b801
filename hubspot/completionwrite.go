package hubspot

import (
	"context"
	"errors"

	"github.com/urbanhub/crmsync/sync"
)

// ActionCompletion is the kind of the completion of a workflow action of
// [NewActionReceiver], by which a fact that was carried out lets the workflow go
// on. It can only be written, by a [sync.Write] without an id, whose Fields are
//
//   - "callbackId", that of the fact's data;
//   - "state", SUCCESS or FAIL_CONTINUE; SUCCESS if left out;
//   - "key", which is not sent: it is there for the key of an activity;
//   - any others as the action's output fields.
//
// HubSpot takes a completion once. A workflow that waits no longer, because
// the time ran out, it never did, or an earlier attempt succeeded, is success:
// there is nothing left to do.
const ActionCompletion sync.Kind = "action_completion"

// The fields of a completion that are no output fields.
const (
	completionCallback = "callbackId"
	completionState    = "state"
	completionKey      = "key"
)

// completeWrites carries out those of the writes that which names.
func (a *Adapter) completeWrites(ctx context.Context, writes []sync.Write, which []int, results []sync.Result) {
	var completions []Completion
	var places []int
	for _, i := range which {
		w := &writes[i]
		if w.Ref.ID != "" || w.Delete {
			results[i].Err = &sync.Error{Op: opCompleteActions.String(), Action: sync.Invalid, Ref: w.Ref, Rule: "completion.once",
				Hint: "write it without an id", Err: errors.New("a completion can neither be changed nor taken back")}
			continue
		}
		completions, places = append(completions, newCompletion(w)), append(places, i)
	}
	for n, err := range a.CompleteActions(ctx, completions...) {
		ref := sync.Ref{System: System, Kind: ActionCompletion, ID: completions[n].CallbackID}
		if isLate(err) {
			err = nil
		}
		results[places[n]] = sync.Result{Record: sync.Record{Ref: ref}, Err: about(ref, err)}
	}
}

// newCompletion turns a write into a completion.
func newCompletion(w *sync.Write) Completion {
	c := Completion{CallbackID: w.Fields[completionCallback].String(), State: ExecutionState(w.Fields[completionState].String()),
		Outputs: map[string]string{}}
	for name, v := range w.Fields {
		switch name {
		case completionCallback, completionState, completionKey:
		default:
			c.Outputs[name] = v.String()
		}
	}
	return c
}

// isLate reports whether the workflow waits no longer.
func isLate(err error) bool {
	var e *sync.Error
	return errors.As(err, &e) && e.Action == sync.NotFound && e.Rule == ruleWaiting
}
