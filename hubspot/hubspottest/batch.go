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
	Status   string              `json:"status"`
	Category string              `json:"category"`
	Message  string              `json:"message"`
	Errors   []errorDetail       `json:"errors,omitempty"`
	Context  map[string][]string `json:"context"`
}

// open decodes a batch and checks its size.
func (s *Server) open(q *request) (*batch, *response) {
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
func (s *Server) reply(status int, results []record, failures []batchError) response {
	if len(failures) > 0 {
		status = http.StatusMultiStatus
	}
	slices.SortStableFunc(results, func(a, b record) int {
		x, _ := parseID(a.ID)
		y, _ := parseID(b.ID)
		return cmp.Compare(x, y)
	})
	at := s.now().Format(timeLayout)
	return response{status, batchReply{
		Status: "COMPLETE", Results: results, NumErrors: len(failures), Errors: failures,
		RequestedAt: at, StartedAt: at, CompletedAt: at,
	}}
}

// notFound is the one error that names all missing ids.
func notFound(ids []string) []batchError {
	if len(ids) == 0 {
		return nil
	}
	return []batchError{{
		Status: "error", Category: "OBJECT_NOT_FOUND",
		Message: "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid.",
		Context: map[string][]string{"ids": ids},
	}}
}

func (s *Server) batchRead(q *request) response {
	b, bad := s.open(q)
	if bad != nil {
		return *bad
	}
	if b.IDProperty != "" && b.IDProperty != propID && b.IDProperty != propEmail && !s.schema.isKey(b.IDProperty) {
		return nonUnique("read").response()
	}
	results, missing := []record{}, []string(nil)
	seen := map[*contact]bool{}
	for _, in := range b.Inputs {
		c := s.lookup(in.ID, b.IDProperty, q.archived())
		switch {
		case c == nil:
			missing = append(missing, in.ID)
		case !seen[c]:
			seen[c] = true
			results = append(results, s.record(c, view{properties: b.Properties, history: b.History}))
		}
	}
	return s.reply(http.StatusOK, results, notFound(missing))
}

// lookup finds a contact for a batch read; archived ones only by id and only when asked for.
func (s *Server) lookup(id, property string, archived bool) *contact {
	if property != "" && property != propID {
		return s.store.findBy(property, id)
	}
	if !archived {
		return s.store.find(id, !s.opts.MergedIDsUnreadable)
	}
	if n, ok := parseID(id); ok && s.store.byID[n] != nil && !s.store.byID[n].live() {
		return s.store.byID[n]
	}
	return nil
}

// batchArchive ignores ids that are not there.
func (s *Server) batchArchive(q *request) response {
	b, bad := s.open(q)
	if bad != nil {
		return *bad
	}
	for _, in := range b.Inputs {
		if c := s.store.find(in.ID, false); c != nil {
			s.bin(c, q.actor)
		}
	}
	return noContent()
}
