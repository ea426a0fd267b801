package hubspottest

import (
	"maps"
	"net/http"
	"slices"
)

// job is one input of a batch write with the record it is for; nil creates one.
type job struct {
	input
	target *object
}

func (a *Account) batchCreate(q *request) response {
	b, bad := a.open(q)
	if bad != nil {
		return *bad
	}
	jobs := make([]job, len(b.Inputs))
	for i, in := range b.Inputs {
		jobs[i] = job{input: in}
	}
	return a.write(q, http.StatusCreated, jobs, traced(b.Inputs), nil)
}

// batchUpdate leaves the ids of merged records, and ids that are no numbers, out of the answer without a word.
func (a *Account) batchUpdate(q *request) response {
	b, bad := a.open(q)
	if bad != nil {
		return *bad
	}
	var jobs []job
	var missing []string
	for _, in := range b.Inputs {
		if in.IDProperty != "" && in.IDProperty != propID && !q.store.schema.isKey(in.IDProperty) {
			return q.store.nonUnique("update").response() // email too
		}
		if o := q.store.lookupOwn(in); o != nil {
			jobs = append(jobs, job{in, o})
		} else if !q.store.vanished(in) {
			missing = append(missing, in.ID)
		}
	}
	if twice, id := repeated(jobs); twice {
		return duplicate(id)
	}
	return a.write(q, http.StatusOK, jobs, traced(b.Inputs), q.store.notFound(missing))
}

func (st *store) lookupOwn(in input) *object {
	if in.IDProperty != "" && in.IDProperty != propID {
		return st.findBy(in.IDProperty, in.ID)
	}
	return st.find(in.ID, false)
}

// vanished tells ids that a batch update drops in silence from those it reports as missing.
func (st *store) vanished(in input) bool {
	if in.IDProperty != "" && in.IDProperty != propID {
		return false
	}
	n, numeric := parseID(in.ID)
	_, moved := st.movedTo[n]
	return !numeric || moved
}

// batchUpsert updates the record that holds the unique value, or creates one with it.
func (a *Account) batchUpsert(q *request) response {
	b, bad := a.open(q)
	if bad != nil {
		return *bad
	}
	partial := traced(b.Inputs)
	keys := map[uniqueValue]bool{}
	jobs := make([]job, len(b.Inputs))
	for i, in := range b.Inputs {
		if !q.store.identifies(in.IDProperty) {
			return q.store.nonUnique("upsert").response()
		}
		if in.IDProperty == propEmail {
			partial = false // "Partial upserts are not supported when using email as idProperty"
		}
		key := uniqueKey(in.IDProperty, in.ID)
		if keys[key] {
			return duplicate(in.ID)
		}
		keys[key] = true
		jobs[i] = job{in, q.store.findBy(in.IDProperty, in.ID)}
		if jobs[i].target == nil {
			jobs[i].Properties = in.Properties.with(in.IDProperty, in.ID)
		}
	}
	if twice, id := repeated(jobs); twice {
		return duplicate(id)
	}
	return a.write(q, http.StatusOK, jobs, partial, nil, flagNew)
}

// with is the values and one more, unless it is there already.
func (v values) with(name, value string) values {
	w := values{name: value}
	maps.Copy(w, v)
	return w
}

// flagNew marks an upsert's result as created or not.
func flagNew(r *record, j job) {
	created := j.target == nil
	r.New = &created
}

// traced reports whether every input carries a trace id, which is what allows a call to succeed in part.
func traced(inputs []input) bool {
	return !slices.ContainsFunc(inputs, func(in input) bool { return in.TraceID == "" })
}

// repeated finds a record that two jobs are for.
func repeated(jobs []job) (bool, string) {
	seen := map[*object]bool{}
	for _, j := range jobs {
		if j.target != nil && seen[j.target] {
			return true, j.ID
		}
		seen[j.target] = true
	}
	return false, ""
}

// duplicate refuses a whole batch; the vendor's own words are not published.
func duplicate(id string) response {
	return invalid("Duplicate IDs found in batch input: [%s]. IDs must be unique", id).response()
}

// write carries jobs out: in part when that is allowed, otherwise all or none.
func (a *Account) write(q *request, status int, jobs []job, partial bool, failures []batchError, finish ...func(*record, job)) response {
	results := []record{}
	done := func(j job, d *draft) {
		r := a.written(a.apply(d, q.actor), j.Properties)
		r.TraceID = j.TraceID
		for _, f := range finish {
			f(&r, j)
		}
		results = append(results, r)
	}
	if partial {
		for _, j := range jobs {
			if d, bad := a.plan(q.store, j.target, j.input, q.version, claims{}); bad != nil {
				failures = append(failures, bad.traced(j.TraceID))
			} else {
				done(j, d)
			}
		}
		return a.reply(status, results, failures)
	}
	drafts, bad := a.planAll(q, jobs)
	if bad != nil {
		return bad.response()
	}
	for i, j := range jobs {
		done(j, drafts[i])
	}
	return a.reply(status, results, failures)
}

func (a *Account) planAll(q *request, jobs []job) ([]*draft, *apiError) {
	taken := claims{}
	drafts := make([]*draft, len(jobs))
	for i, j := range jobs {
		d, bad := a.plan(q.store, j.target, j.input, q.version, taken)
		if bad != nil {
			return nil, bad
		}
		drafts[i] = d
	}
	return drafts, nil
}

// traced is the error as one of several in a batch answer.
func (e *apiError) traced(id string) batchError {
	context := map[string][]string{"objectWriteTraceId": {id}}
	maps.Copy(context, e.Context)
	return batchError{Status: "error", Category: e.Category, Message: e.Message, Errors: e.Errors, Context: context}
}
