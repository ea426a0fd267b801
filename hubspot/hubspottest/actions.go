package hubspottest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// ActionCall is one execution of a custom workflow action.
// https://developers.hubspot.com/docs/api/automation/custom-workflow-actions
type ActionCall struct {
	// URL is the action's actionUrl, Secret signs the call; "" is the ClientSecret of the server's app.
	URL, Secret string
	// DefinitionID and WorkflowID are the numbers of the action and of the workflow that runs it.
	DefinitionID, WorkflowID int64
	// ObjectType and ObjectID are the enrolled record; the type is "" for contacts.
	ObjectType, ObjectID string
	// Properties are the properties of the record that the action asks for, Inputs its input fields.
	Properties []string
	Inputs     map[string]any
	// OnlyV2 leaves out the signature of version 3.
	OnlyV2 bool
}

// The states of an execution, besides those that an answer may name (SUCCESS, FAIL_CONTINUE).
const (
	ActionBlocked = "BLOCK"   // the workflow waits for the callback
	ActionFailed  = "FAILED"  // the call was answered 4xx
	ActionExpired = "EXPIRED" // the workflow waited long enough and went on
)

// ActionRun is what became of an execution.
type ActionRun struct {
	CallbackID string
	Call       ActionCall
	// State is "" until there is an answer that is not tried again.
	State string
	// Status is the last HTTP status, 0 when there was no answer; Attempts counts the calls.
	Status, Attempts int
	// Outputs are the output fields that the answer or the callback named, besides the vendor's own.
	Outputs map[string]any
	// Expires is when a blocked workflow goes on by itself.
	Expires time.Time
}

// defaultBlock is how long a workflow waits when the answer does not say.
const defaultBlock = 7 * 24 * time.Hour

// RunAction makes a workflow execute an action in the background and returns its callbackId. The call is signed anew for
// each try and tried again after 429, 5xx and no answer, at the times of webhooks: a Retry-After does not change them. As with
// webhooks SetWebhookClient delivers it, SetChaos doubles, delays and drops it, and WaitWebhooks and Idle wait for it. It
// panics when the record does not exist.
func (a *Account) RunAction(c ActionCall) (callbackID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c.ObjectType, c.Secret = or(c.ObjectType, "contacts"), or(c.Secret, a.server.ClientSecret)
	o, err := a.live(c.ObjectType, c.ObjectID)
	must(err)
	run := &ActionRun{CallbackID: fmt.Sprintf("ap-%d-%d-7-0", a.PortalID, len(a.runs)+1), Call: c}
	a.runs = append(a.runs, run)
	body, err := json.Marshal(a.actionBody(run, o))
	must(err)
	a.hooks.sender.Send(simhttp.Delivery{
		URL:     c.URL,
		Prepare: func(t simhttp.Attempt) (http.Header, []byte) { return a.signAction(run, body, t.Now), body },
		Accept:  func(status int, answer []byte) bool { return a.answered(run, status, answer) },
	})
	return run.CallbackID
}

func (a *Account) actionBody(run *ActionRun, o *object) any {
	c := run.Call
	properties := map[string]string{}
	for _, name := range c.Properties {
		properties[name] = o.value(name)
	}
	inputs := c.Inputs
	if inputs == nil {
		inputs = map[string]any{}
	}
	return map[string]any{
		"callbackId":  run.CallbackID,
		"origin":      map[string]any{"portalId": a.PortalID, "actionDefinitionId": c.DefinitionID, "actionDefinitionVersion": 1},
		"context":     map[string]any{"source": "WORKFLOWS", "workflowId": c.WorkflowID},
		"object":      map[string]any{"objectId": o.id, "properties": properties, "objectType": o.typ.legacy},
		"inputFields": inputs,
	}
}

// signAction counts a try and signs it by version 2, and by version 3 unless that is left out.
func (a *Account) signAction(run *ActionRun, body []byte, at time.Time) http.Header {
	a.mu.Lock()
	run.Attempts++
	a.mu.Unlock()
	c := run.Call
	h := signed(c.Secret, c.URL, body, at)
	h.Set("X-HubSpot-Signature", SignatureV2(c.Secret, http.MethodPost, c.URL, body))
	h.Set("X-HubSpot-Signature-Version", "v2")
	if c.OnlyV2 {
		h.Del("X-HubSpot-Signature-v3")
		h.Del("X-HubSpot-Request-Timestamp")
	}
	return h
}

// SignatureV2 is the older signature of workflow actions, over secret, method, address and body.
func SignatureV2(secret, method, uri string, body []byte) string {
	sum := sha256.Sum256(append([]byte(secret+method+uri), body...))
	return hex.EncodeToString(sum[:])
}

// answered takes the answer to a try and reports whether it settles the call. The first answer of a doubled call counts.
func (a *Account) answered(run *ActionRun, status int, answer []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	run.Status = status
	if status == http.StatusTooManyRequests || status >= 500 {
		return false
	}
	if run.State != "" {
		return true
	}
	if status/100 != 2 {
		run.State = ActionFailed
		return true
	}
	var out completion
	_ = json.Unmarshal(answer, &out) // without fields the status decides
	run.end(out.OutputFields)
	if run.State == "ASYNC" {
		run.State = ActionBlocked
	}
	if run.State == ActionBlocked {
		wait, _ := out.OutputFields["hs_expiration_duration"].(string)
		run.Expires = a.now().Add(or(isoDuration(wait), defaultBlock))
	}
	return true
}

// end sets the state and keeps the outputs.
func (run *ActionRun) end(fields map[string]any) {
	state, _ := fields["hs_execution_state"].(string)
	run.State, run.Outputs = or(state, "SUCCESS"), map[string]any{}
	for name, v := range fields {
		if name != "hs_execution_state" && name != "hs_expiration_duration" {
			run.Outputs[name] = v
		}
	}
}

var isoForm = regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)

// isoDuration reads a duration such as P1DT2H, 0 for none.
func isoDuration(s string) time.Duration {
	var d time.Duration
	if m := isoForm.FindStringSubmatch(s); m != nil {
		for i, unit := range []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second} {
			n, _ := strconv.Atoi(m[i+1])
			d += time.Duration(n) * unit
		}
	}
	return d
}

// actionRoutes are the callbacks by which blocked actions end.
func (a *Account) actionRoutes(version string) []route {
	base := "/automation/actions/callbacks/" + version
	if version == "v3" {
		base = "/automation/v4/actions/callbacks"
	}
	return []route{
		{pattern: "POST " + base + "/{callback}/complete", handle: a.completeAction},
		{pattern: "POST " + base + "/complete", handle: a.completeActions},
	}
}

// completion is the end of a blocked action; the dated versions require typedOutputs.
type completion struct {
	CallbackID   string          `json:"callbackId"`
	OutputFields map[string]any  `json:"outputFields"`
	TypedOutputs json.RawMessage `json:"typedOutputs"`
}

func (a *Account) completeAction(q *request) response {
	var in completion
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	in.CallbackID = q.PathValue("callback")
	return a.complete(q.version, []completion{in})
}

func (a *Account) completeActions(q *request) response {
	var in struct {
		Inputs []completion `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.complete(q.version, in.Inputs)
}

// complete ends all of the actions or none: a callback that nobody waits for is not found. What the vendor does about the
// others of a batch is not documented.
func (a *Account) complete(version string, ends []completion) response {
	for _, end := range ends {
		if version != "v3" && end.TypedOutputs == nil {
			return invalid("Invalid request: typedOutputs is required.").response()
		}
		if a.blocked(end.CallbackID) == nil {
			return resourceNotFound()
		}
	}
	for _, end := range ends {
		a.blocked(end.CallbackID).end(end.OutputFields)
	}
	return noContent()
}

// blocked finds the execution that waits for a callback, nil when none does.
func (a *Account) blocked(callbackID string) *ActionRun {
	for _, run := range a.runs {
		if run.CallbackID == callbackID && a.stateOf(run) == ActionBlocked {
			return run
		}
	}
	return nil
}

// stateOf is an execution's state at present.
func (a *Account) stateOf(run *ActionRun) string {
	if run.State == ActionBlocked && !a.now().Before(run.Expires) {
		return ActionExpired
	}
	return run.State
}

// ActionRuns returns what became of the executions of RunAction, in their order.
func (a *Account) ActionRuns() []ActionRun {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]ActionRun, len(a.runs))
	for i, run := range a.runs {
		all[i] = *run
		all[i].State = a.stateOf(run)
	}
	return all
}
