package hubspottest

import (
	"fmt"
	"net/http"
)

// The most inputs of a batch call about associations.
const (
	maxAssociationReads    = 1000
	maxAssociationWrites   = 2000
	maxAssociationArchives = 100
)

// pairInput is one pair of records in a batch, with the types for labelled calls.
type pairInput struct {
	From  reference         `json:"from"`
	To    reference         `json:"to"`
	Types []associationSpec `json:"types"`
}

// envelope wraps the results of a batch; failures turn the status into 207.
func (a *Account) envelope(status int, results any, failures []batchError) response {
	if len(failures) > 0 {
		status = http.StatusMultiStatus
	}
	at := a.now().Format(timeLayout)
	return response{status, struct {
		Status      string       `json:"status"`
		Results     any          `json:"results"`
		NumErrors   int          `json:"numErrors,omitempty"`
		Errors      []batchError `json:"errors,omitempty"`
		RequestedAt string       `json:"requestedAt"`
		StartedAt   string       `json:"startedAt"`
		CompletedAt string       `json:"completedAt"`
	}{"COMPLETE", results, len(failures), failures, at, at, at}}
}

// openAssociations decodes a batch, checks its size and finds the object type of its far side.
func openAssociations[T any](q *request, most int) ([]T, *objectType, *response) {
	var b struct {
		Inputs []T `json:"inputs"`
	}
	to, bad := q.far()
	if bad == nil {
		bad = q.decode(&b)
	}
	if bad == nil && len(b.Inputs) > most {
		r := tooMany(len(b.Inputs), most).response()
		bad = &r
	}
	return b.Inputs, to, bad
}

// ofPair is the error as one of several in a batch answer.
func (e *apiError) ofPair(from, to string) batchError {
	context := map[string][]string{"fromObjectId": {from}, "toObjectId": {to}}
	for key, values := range e.Context {
		context[key] = values
	}
	return batchError{Status: "error", Category: e.Category, Message: e.Message, Context: context}
}

// eachPair runs a batch over pairs of records. A pair that is refused leaves the others alone.
func (a *Account) eachPair(q *request, status int, do func(from, to *object, specs []associationSpec) ([]any, *apiError)) response {
	inputs, far, bad := openAssociations[pairInput](q, maxAssociationWrites)
	if bad != nil {
		return *bad
	}
	results, failures := []any{}, []batchError(nil)
	for _, in := range inputs {
		from, to, refused := a.pair(q.store.typ, in.From.ID, far, in.To.ID)
		var made []any
		if refused == nil {
			made, refused = do(from, to, in.Types)
		}
		if refused != nil {
			failures = append(failures, refused.ofPair(in.From.ID, in.To.ID))
		}
		results = append(results, made...)
	}
	return a.envelope(status, results, failures)
}

func (a *Account) batchAssociate(q *request) response {
	return a.eachPair(q, http.StatusCreated, func(from, to *object, specs []associationSpec) ([]any, *apiError) {
		types, bad := a.joining(from.typ, to.typ, specs)
		if bad != nil {
			return nil, bad
		}
		return []any{a.label(from, to, types, q.actor)}, nil
	})
}

func (a *Account) batchAssociateByDefault(q *request) response {
	return a.eachPair(q, http.StatusOK, func(from, to *object, _ []associationSpec) ([]any, *apiError) {
		return a.linkPlainly(from, to, q.actor)
	})
}

// batchReadAssociations answers one entry for each record. One without associations is an error of its own, and the status 207.
func (a *Account) batchReadAssociations(q *request) response {
	type input struct {
		ID    string `json:"id"`
		After string `json:"after"`
	}
	inputs, to, bad := openAssociations[input](q, maxAssociationReads)
	if bad != nil {
		return *bad
	}
	type result struct {
		From   reference    `json:"from"`
		To     []associated `json:"to"`
		Paging *paging      `json:"paging,omitempty"`
	}
	results, failures := []result{}, []batchError(nil)
	for _, in := range inputs {
		found, more := a.associatedPage(q.store.find(in.ID, true), to, in.After, maxAssociated)
		switch {
		case len(found) > 0:
			results = append(results, result{reference{in.ID}, found, more})
		case !a.opts.OmitUnassociated:
			failures = append(failures, nothingAssociated(q.store.typ, in.ID, to))
		}
	}
	return a.envelope(http.StatusOK, results, failures)
}

func nothingAssociated(from *objectType, id string, to *objectType) batchError {
	return batchError{
		Status: "error", Category: "OBJECT_NOT_FOUND", SubCategory: "crm.associations.NO_ASSOCIATIONS_FOUND",
		Message: fmt.Sprintf("No %s is associated with %s %s.", to.word(), from.word(), id),
		Context: map[string][]string{"fromObjectId": {id}, "fromObjectType": {from.word()}, "toObjectType": {to.word()}},
	}
}

// batchDissociate removes all associations of each pair. What is not there is ignored.
func (a *Account) batchDissociate(q *request) response {
	type input struct {
		From reference   `json:"from"`
		To   []reference `json:"to"`
	}
	inputs, far, bad := openAssociations[input](q, maxAssociationArchives)
	if bad != nil {
		return *bad
	}
	for _, in := range inputs {
		for _, ref := range in.To {
			if from, to, refused := a.pair(q.store.typ, in.From.ID, far, ref.ID); refused == nil {
				a.sever(from, to, a.links[from][to], q.actor)
			}
		}
	}
	return a.dissociated(q)
}

// batchUnlabel removes the named types of each pair; with the plain one go all.
func (a *Account) batchUnlabel(q *request) response {
	inputs, far, bad := openAssociations[pairInput](q, maxAssociationArchives)
	if bad != nil {
		return *bad
	}
	for _, in := range inputs {
		types, refused := a.joining(q.store.typ, far, in.Types)
		if refused != nil {
			return refused.response()
		}
		if from, to, absent := a.pair(q.store.typ, in.From.ID, far, in.To.ID); absent == nil {
			a.sever(from, to, types, q.actor)
		}
	}
	return a.dissociated(q)
}

// dissociated answers a batch that removed associations: v4 has an empty body where the dated versions have an envelope.
func (a *Account) dissociated(q *request) response {
	if q.version == "v3" {
		return noContent()
	}
	return a.envelope(http.StatusOK, []any{}, nil)
}
