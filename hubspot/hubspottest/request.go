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
	grant   grant // what the token allows
	actor   Actor
	portal  int64 // the account of a local journal, 0 for the app's own
	body    []byte
	reply   http.Header
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
		g, bad := a.identify(w, r)
		switch {
		case len(r.URL.RequestURI()) > maxURL:
			bad = fail(http.StatusRequestURITooLong, "", "URI Too Long")
		case rt.open:
			bad = nil
		case bad == nil:
			bad = g.forbids(r.Method, r.URL.Path)
		}
		if bad != nil {
			send(w, bad.response())
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			panic(http.ErrAbortHandler) // the client went away or sent nonsense
		}
		q := &request{Request: r, version: version, grant: g, actor: g.actor(), body: body, reply: w.Header()}
		if resp, refused := a.spend(q, rt.lane); refused {
			send(w, resp)
			return
		}
		send(w, a.answer(rt.handle, q))
	})
}

// identify gives the answer its correlation id and says what the request's token allows, or why it is refused.
func (a *Account) identify(w http.ResponseWriter, r *http.Request) (grant, *apiError) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("X-Hubspot-Correlation-Id", a.correlationID())
	return a.server.tokens.check(bearer(r))
}

// spend charges a request to its quota and to the records it writes, and says whether it is one too many.
func (a *Account) spend(q *request, l lane) (response, bool) {
	if l == unmetered {
		return response{}, false
	}
	if resp, over := a.quota.charge(q.reply, q.grant, l == searching); over {
		return resp, true
	}
	return a.locks.refuse(q.Method, q.URL.Path, q.body)
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
