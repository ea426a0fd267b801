package hubspot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// ActionOptions configure [NewActionReceiver].
type ActionOptions struct {
	// PublicURL is the whole URL that HubSpot calls, as the actions' actionUrl
	// says, query included. It is part of what is signed.
	PublicURL string
	// Secrets are the app's client secrets: one, or two while it is rotated, the
	// new one first. OldUntil is until when the other is taken; zero is for good.
	Secrets  []string
	OldUntil time.Time
	// PortalID is the account whose workflows may act; 0 lets those of any.
	PortalID int64
	// Actions are the custom workflow actions by their definition id.
	Actions map[int64]WorkflowAction
	// AllowV2 also accepts the older signature, with which workflow actions
	// are documented to be signed, when a request has no newer one. It has no
	// timestamp, so whoever saw a request once can send it again; the queue
	// then drops the fact, whose ID is that of the call.
	AllowV2 bool
	// MaxConcurrent is how many requests are worked on at once, 128 by
	// default, and MaxPerSecond how many a second are let in, 1,000 by default.
	// Others are answered 503 before their bodies are read, and HubSpot sends them
	// again.
	MaxConcurrent int
	MaxPerSecond  float64
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// Logger receives refusals and failures, never contents; nil is silent.
	Logger *slog.Logger
}

// A WorkflowAction says what a call of one custom workflow action means.
type WorkflowAction struct {
	// Fact is the type of the facts; unset, it is "workflow.action:" and the
	// definition id.
	Fact string
	// Wait is how long the workflow waits for [Adapter.CompleteActions]; 0
	// lets it go on at once.
	Wait time.Duration
}

// actions is the handler that NewActionReceiver returns.
type actions struct {
	*gate
	inbox  sync.Inbox
	portal id
	known  map[id]WorkflowAction
}

// NewActionReceiver returns the handler for the calls of custom workflow
// actions, by which a HubSpot workflow asks the other side to act. Each call
// becomes one [sync.Fact]: its ID is made of the account and HubSpot's
// callbackId, so that a repeated call is the same fact; its Subject is the
// record that is enrolled; its OccurredAt is the time of arrival; its Data
// hold "inputFields" as HubSpot sent them, "callbackId", "workflowId" and
// "actionDefinitionId". The engine needs a flow for the kinds of records that
// the actions' definitions allow.
//
// The answer's hs_execution_state is SUCCESS when the fact is durable, or
// BLOCK when the action waits; FAIL_CONTINUE, so that the workflow goes on,
// for another account, an action or a kind of record that is not known. The
// statuses: 200 for these; 401 for any fault of the signature, without telling
// which; 405 for another method than POST; 413 over 1 MiB; 415 for a compressed
// body; 400 for what is no call of an action; 503 when the inbox cannot take the
// fact, or for more requests than the options let in, upon which HubSpot calls
// again for up to three days. Handlers may be called
// concurrently.
//
// The error is a [*sync.Error] that names the wrong option. Source:
// https://developers.hubspot.com/docs/api/automation/custom-workflow-actions
func NewActionReceiver(inbox sync.Inbox, opts ActionOptions) (http.Handler, error) {
	g, err := newGate(inbox, verifier{url: opts.PublicURL, keys: websig.Keys{Secrets: opts.Secrets, OldUntil: opts.OldUntil}, allowV2: opts.AllowV2, now: opts.Now}, opts.Logger)
	if err != nil {
		return nil, err
	}
	h := &actions{gate: g, inbox: inbox, portal: idOf(opts.PortalID), known: map[id]WorkflowAction{}}
	for definition, action := range opts.Actions {
		if definition <= 0 || action.Wait < 0 {
			return nil, receiverError("Actions", "action.valid", "give the definition ids of the actions, and no negative time to wait")
		}
		action.Fact = or(action.Fact, fmt.Sprintf("workflow.action:%d", definition))
		h.known[idOf(definition)] = action
	}
	return g.limited(h, websig.Limit{AtOnce: opts.MaxConcurrent, PerSecond: opts.MaxPerSecond}), nil
}

// actionCall is what a workflow sends.
type actionCall struct {
	CallbackID string `json:"callbackId"`
	Origin     struct {
		PortalID   id `json:"portalId"`
		Definition id `json:"actionDefinitionId"`
	} `json:"origin"`
	Context struct {
		WorkflowID id `json:"workflowId"`
	} `json:"context"`
	Object struct {
		ID   id     `json:"objectId"`
		Type string `json:"objectType"` // such as CONTACT, or a type id
	} `json:"object"`
	InputFields map[string]any `json:"inputFields"`
}

var callbackForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}$`)

// decodeCall reads a call; numbers among the inputs keep their digits.
func decodeCall(body []byte) (*actionCall, bool) {
	var c actionCall
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&c) != nil || !callbackForm.MatchString(c.CallbackID) {
		return nil, false
	}
	return &c, c.Origin.PortalID != "" && c.Origin.Definition != "" && c.Object.ID != ""
}

// ServeHTTP implements http.Handler.
func (h *actions) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, ok := h.admit(w, req)
	if !ok {
		return
	}
	call, ok := decodeCall(body)
	if !ok {
		h.refuse(w, http.StatusBadRequest, "the JSON of a workflow action")
		return
	}
	action, stranger := h.find(call)
	if stranger != "" {
		h.log.Warn("hubspot: workflow action passed over", "why", stranger,
			"definition", call.Origin.Definition, "workflow", call.Context.WorkflowID)
		answer(w, outputs{stateField: FailContinue})
		return
	}
	if err := h.inbox.Enqueue(req.Context(), call.fact(action, h.verify.now())); err != nil {
		h.unavailable(w, 1, err)
		return
	}
	if action.Wait > 0 {
		answer(w, outputs{stateField: stateBlock, expiryField: isoDuration(action.Wait)})
		return
	}
	answer(w, outputs{stateField: Succeeded})
}

// find returns the action that is called, or why the call is not taken.
func (h *actions) find(c *actionCall) (action WorkflowAction, stranger string) {
	action, known := h.known[c.Origin.Definition]
	switch {
	case h.portal != "" && c.Origin.PortalID != h.portal:
		return action, "another account"
	case !known:
		return action, "an unknown action"
	case c.kind() == "":
		return action, "an unknown kind of record"
	}
	return action, ""
}

// kind returns the kind of the record that is enrolled, "" if it is unknown.
func (c *actionCall) kind() sync.Kind {
	return or(kindOfType(c.Object.Type), kindNamed(strings.ToLower(c.Object.Type)))
}

// fact returns what the call asks for.
func (c *actionCall) fact(action WorkflowAction, now time.Time) sync.Fact {
	return sync.Fact{
		ID:         fmt.Sprintf("hubspot:action:%s:%s", c.Origin.PortalID, c.CallbackID),
		Type:       action.Fact,
		Subject:    sync.Ref{System: System, Kind: c.kind(), ID: string(c.Object.ID)},
		OccurredAt: now.UTC(),
		Data: map[string]any{
			"inputFields":        c.InputFields,
			"callbackId":         c.CallbackID,
			"workflowId":         string(c.Context.WorkflowID),
			"actionDefinitionId": string(c.Origin.Definition),
		},
	}
}

// The fields of an answer that HubSpot itself reads.
const (
	stateField  = "hs_execution_state"
	expiryField = "hs_expiration_duration"
	stateBlock  = "BLOCK"
)

type outputs map[string]any

func answer(w http.ResponseWriter, fields outputs) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]outputs{"outputFields": fields}) // a caller that left calls again
}

// isoDuration writes a duration as HubSpot reads it, such as P1D.
func isoDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d%day == 0 {
		return fmt.Sprintf("P%dD", d/day)
	}
	return fmt.Sprintf("PT%dS", (d+time.Second-1)/time.Second)
}
