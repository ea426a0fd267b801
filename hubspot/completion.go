package hubspot

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/urbanhub/crmsync/sync"
)

// An ExecutionState tells a workflow how an action ended.
type ExecutionState string

// The states in which an action can end.
const (
	Succeeded    ExecutionState = "SUCCESS"
	FailContinue ExecutionState = "FAIL_CONTINUE" // it failed, and the workflow goes on
)

// A Completion ends an action for which a workflow waits.
type Completion struct {
	// CallbackID is that of the fact's Data.
	CallbackID string
	// State is how it ended; [Succeeded] if unset.
	State ExecutionState
	// Outputs are the action's output fields, as its definition names them.
	Outputs map[string]string
}

// ruleWaiting is the rule of a completion for which no workflow waits.
const ruleWaiting = "callback.waiting"

// maxCompletions is the most completions in a call.
const maxCompletions = 100

// completion is a Completion as HubSpot reads it. Its specification of 2026
// requires typedOutputs.
type completion struct {
	CallbackID   string   `json:"callbackId,omitempty"`
	OutputFields outputs  `json:"outputFields"`
	TypedOutputs struct{} `json:"typedOutputs"`
}

func (c *Completion) wire() completion {
	fields := outputs{}
	for name, v := range c.Outputs {
		fields[name] = v
	}
	maps.Copy(fields, outputs{stateField: or(c.State, Succeeded)})
	return completion{CallbackID: c.CallbackID, OutputFields: fields}
}

// CompleteActions lets the workflows go on that wait for these actions of
// [NewActionReceiver]. It returns one error per completion, in order, nil for
// those that took effect. NotFound means that the workflow waits no longer,
// because the time ran out or the action was completed before: after a Retry
// error, that is an earlier attempt's success. The token needs the scope
// automation. Source:
// https://developers.hubspot.com/docs/api/automation/custom-workflow-actions
func (a *Adapter) CompleteActions(ctx context.Context, completions ...Completion) []error {
	errs := make([]error, len(completions))
	var which []int
	for i := range completions {
		if errs[i] = completions[i].check(); errs[i] == nil {
			which = append(which, i)
		}
	}
	for len(which) > 0 {
		n := min(len(which), maxCompletions)
		a.complete(ctx, completions, which[:n], errs)
		which = which[n:]
	}
	return errs
}

func (c *Completion) check() error {
	invalid := func(field, rule, hint string) error {
		return &sync.Error{Op: opCompleteActions.String(), Action: sync.Invalid, Field: field, Rule: rule, Hint: hint}
	}
	switch {
	case !callbackForm.MatchString(c.CallbackID):
		return invalid("CallbackID", "callback.form", "give the callbackId from the data of the action's fact")
	case c.State != "" && c.State != Succeeded && c.State != FailContinue:
		return invalid("State", "state.known", "an action ends by Succeeded or FailContinue")
	}
	return nil
}

// complete sends some of the completions in one call. When HubSpot refuses
// it, the halves go by themselves, so that one callback that ran out spoils no
// other.
func (a *Adapter) complete(ctx context.Context, completions []Completion, which []int, errs []error) {
	if len(which) == 1 {
		errs[which[0]] = a.completeOne(ctx, &completions[which[0]])
		return
	}
	in := inputs[completion]{make([]completion, len(which))}
	for n, i := range which {
		in.Inputs[n] = completions[i].wire()
	}
	_, err := a.client.call(ctx, opCompleteActions, target{}, in, nil)
	if refused(err) || isNotFound(err) {
		half := len(which) / 2
		a.complete(ctx, completions, which[:half], errs)
		a.complete(ctx, completions, which[half:], errs)
		return
	}
	for _, i := range which {
		errs[i] = err
	}
}

// completeOne uses the call for a single callback, whose 404 is about that
// callback and nothing else.
func (a *Adapter) completeOne(ctx context.Context, c *Completion) error {
	body := c.wire()
	body.CallbackID = ""
	_, err := a.client.call(ctx, opCompleteAction, target{id: c.CallbackID}, body, nil)
	if isNotFound(err) {
		return &sync.Error{Op: opCompleteAction.String(), Action: sync.NotFound, Rule: ruleWaiting,
			Hint: "the workflow waits no longer: the time ran out, or the action was completed before", Err: err}
	}
	return err
}

// isNotFound reports whether HubSpot answered 404.
func isNotFound(err error) bool {
	var api *APIError
	return errors.As(err, &api) && api.Status == http.StatusNotFound
}
