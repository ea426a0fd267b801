package hubspottest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// request is one call to the API with its body read.
type request struct {
	*http.Request
	version string
	actor   Actor
	body    []byte
	store   *store // the records of the type that the path names as {object}; nil when it names none
}

// handler answers a request. It runs under the account's lock, so one request is one transaction.
type handler func(*request) response

type response struct {
	status int
	body   any // nil means an empty body
}

const maxURL = 16_000 // the vendor answers 414 to longer ones; the exact figure is not published

// serve turns a route of one API version into an http.Handler: it checks the token, reads the body, charges the quota and
// takes the lock.
func (a *Account) serve(version string, rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		actor, known := a.identify(w, r)
		switch {
		case len(r.URL.RequestURI()) > maxURL:
			send(w, failure(http.StatusRequestURITooLong, "", "URI Too Long"))
			return
		case !known && !rt.open:
			send(w, unauthenticated())
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			panic(http.ErrAbortHandler) // the client went away or sent nonsense
		}
		if resp, over := a.quota.charge(w.Header(), actor.ID, rt.lane == searching); over {
			send(w, resp)
			return
		}
		send(w, a.answer(rt.handle, &request{Request: r, version: version, actor: actor, body: body}))
	})
}

// identify gives the answer its correlation id and says whose token the request carries.
func (a *Account) identify(w http.ResponseWriter, r *http.Request) (Actor, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("X-Hubspot-Correlation-Id", a.correlationID())
	actor, known := a.apps[bearer(r)]
	return actor, known
}

// answer runs the handler; a path with an object type that is not served is not found.
func (a *Account) answer(h handler, q *request) response {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name := q.PathValue("object"); name != "" {
		typ := typeNamed(name)
		if typ == nil {
			return resourceNotFound()
		}
		q.store = a.stores[typ]
	}
	return h(q)
}

func bearer(r *http.Request) string {
	const scheme = "Bearer "
	if v := r.Header.Get("Authorization"); len(v) > len(scheme) && v[:len(scheme)] == scheme {
		return v[len(scheme):]
	}
	return ""
}

// values are the properties of a write. The vendor takes JSON strings, numbers and booleans; null clears like "".
type values map[string]string

func (v *values) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*v = values{}
	for name, x := range raw {
		switch x := x.(type) {
		case nil:
			(*v)[name] = ""
		case string:
			(*v)[name] = x
		default:
			text, err := json.Marshal(x)
			if err != nil {
				return err
			}
			(*v)[name] = string(text)
		}
	}
	return nil
}

// decode reads the JSON body; the response is nil when it could.
func (q *request) decode(into any) *response {
	if err := json.Unmarshal(q.body, into); err != nil {
		r := invalidJSON(err)
		return &r
	}
	return nil
}

// list reads a query parameter that may be repeated and may hold commas.
func (q *request) list(name string) []string {
	var all []string
	for _, v := range q.URL.Query()[name] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

func (q *request) view() view {
	return view{properties: q.list("properties"), history: q.list("propertiesWithHistory"), associations: q.list("associations")}
}

func (q *request) archived() bool { return q.URL.Query().Get("archived") == "true" }

func ok(body any) response { return response{http.StatusOK, body} }

func noContent() response { return response{status: http.StatusNoContent} }
