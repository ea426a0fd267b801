package hubspottest

import (
	"cmp"
	"net/http"
	"slices"
)

const (
	maxInputs            = 100
	maxInputsWithHistory = 50
)

// batch is the body of every batch call.
type batch struct {
	Inputs     []input  `json:"inputs"`
	Properties []string `json:"properties"`
	History    []string `json:"propertiesWithHistory"`
	IDProperty string   `json:"idProperty"`
}

// batchReply is the envelope of every batch answer. Results come in the order of their ids, not of the inputs.
type batchReply struct {
	Status      string       `json:"status"`
	Results     []record     `json:"results"`
	NumErrors   int          `json:"numErrors,omitempty"`
	Errors      []batchError `json:"errors,omitempty"`
	RequestedAt string       `json:"requestedAt"`
	StartedAt   string       `json:"startedAt"`
	CompletedAt string       `json:"completedAt"`
}

// batchError is one failure inside an answer that succeeded in part.
type batchError struct {
	Status      string              `json:"status"`
	Category    string              `json:"category"`
	SubCategory string              `json:"subCategory,omitempty"`
	Message     string              `json:"message"`
	Errors      []errorDetail       `json:"errors,omitempty"`
	Context     map[string][]string `json:"context"`
}

// open decodes a batch and checks its size.
func (a *Account) open(q *request) (*batch, *response) {
	var b batch
	if bad := q.decode(&b); bad != nil {
		return nil, bad
	}
	most := maxInputs
	if len(b.History) > 0 {
		most = maxInputsWithHistory
	}
	if len(b.Inputs) > most {
		r := tooMany(len(b.Inputs), most).response()
		return nil, &r
	}
	return &b, nil
}

// reply wraps results; failures turn the status into 207.
func (a *Account) reply(status int, results []record, failures []batchError) response {
	if len(failures) > 0 {
		status = http.StatusMultiStatus
	}
	slices.SortStableFunc(results, func(a, b record) int {
		x, _ := parseID(a.ID)
		y, _ := parseID(b.ID)
		return cmp.Compare(x, y)
	})
	at := a.now().Format(timeLayout)
	return response{status, batchReply{
		Status: "COMPLETE", Results: results, NumErrors: len(failures), Errors: failures,
		RequestedAt: at, StartedAt: at, CompletedAt: at,
	}}
}

// notFound is the one error that names all missing ids.
func (st *store) notFound(ids []string) []batchError {
	if len(ids) == 0 {
		return nil
	}
	return []batchError{{
		Status: "error", Category: "OBJECT_NOT_FOUND",
		Message: "Could not get some " + st.typ.legacy + " objects, they may be deleted or not exist. Check that ids are valid.",
		Context: map[string][]string{"ids": ids},
	}}
}

func (a *Account) batchRead(q *request) response {
	b, bad := a.open(q)
	if bad != nil {
		return *bad
	}
	if b.IDProperty != "" && b.IDProperty != propID && !q.store.identifies(b.IDProperty) {
		return q.store.nonUnique("read").response()
	}
	results, missing := []record{}, []string(nil)
	seen := map[*object]bool{}
	for _, in := range b.Inputs {
		o := a.lookup(q.store, in.ID, b.IDProperty, q.archived())
		switch {
		case o == nil:
			missing = append(missing, in.ID)
		case !seen[o]:
			seen[o] = true
			results = append(results, a.record(o, view{properties: b.Properties, history: b.History}))
		}
	}
	return a.reply(http.StatusOK, results, q.store.notFound(missing))
}

// lookup finds a record for a batch read; archived ones only by id and only when asked for.
func (a *Account) lookup(st *store, id, property string, archived bool) *object {
	if property != "" && property != propID {
		return st.findBy(property, id)
	}
	if !archived {
		return st.find(id, !a.opts.MergedIDsUnreadable)
	}
	return st.findArchived(id)
}

// batchArchive ignores ids that are not there.
func (a *Account) batchArchive(q *request) response {
	b, bad := a.open(q)
	if bad != nil {
		return *bad
	}
	for _, in := range b.Inputs {
		if o := q.store.find(in.ID, false); o != nil {
			a.bin(o, q.actor)
		}
	}
	return noContent()
}
