package birdtest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is the largest request body the simulator takes.
const maxBody = 1 << 20

// request is one call with its body read. Segments are the parts of the path
// below the workspace, not decoded; args are those where the route has stars.
type request struct {
	method   string
	segments []string
	args     []string
	query    url.Values
	body     []byte
}

// reply is an answer: a status and what to encode as JSON, nil for nothing.
type reply struct {
	status int
	body   any
}

func (r *refusal) reply() reply { return reply{r.Status, r} }

// serve answers one call. It holds the lock from after the body is read to
// before the answer is sent, so that one call is one transaction.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away, or sent far too much
	}
	s.mu.Lock()
	s.catchUp()
	answer := s.answer(r, body)
	id := s.uuid()
	s.mu.Unlock()
	w.Header().Set("Date", s.clock.Now().Format(http.TimeFormat))
	w.Header().Set("messagebird-request-id", id)
	if answer.status == http.StatusTooManyRequests && s.opts.RetryAfter {
		w.Header().Set("Retry-After", "1")
	}
	send(w, answer)
}

func send(w http.ResponseWriter, answer reply) {
	switch body := answer.body.(type) {
	case nil:
		w.WriteHeader(answer.status)
		return
	case redirect:
		w.Header().Set("Location", string(body))
		w.WriteHeader(answer.status)
		return
	case download:
		w.Header().Set("Content-Type", body.contentType)
		w.WriteHeader(answer.status)
		_, _ = w.Write(body.content)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_ = json.NewEncoder(w).Encode(answer.body)
}

// answer checks what comes before any work: outages, the key, the workspace
// and the rate.
func (s *Server) answer(r *http.Request, body []byte) reply {
	path, inside := s.inside(r.URL.EscapedPath())
	limit := s.edits
	if r.Method == http.MethodGet {
		limit = s.reads
	}
	switch {
	case s.down:
		return unavailable.reply()
	case strings.HasPrefix(r.URL.Path, presignedPath):
		return s.answerPresigned(r.Method, r.URL, body)
	case !inside || r.Header.Get("Authorization") != "AccessKey "+s.AccessKey:
		return unauthorized.reply()
	case !s.allows(r.Method, r.URL.EscapedPath()):
		return forbidden.reply()
	case !limit.admit(s.clock.Now().Add(-s.clock.Offset())):
		return tooMany.reply()
	}
	return s.route(request{method: r.Method, segments: strings.Split(path, "/"), query: r.URL.Query(), body: body})
}

// inside returns the part of a path below the workspace. Webhook subscriptions
// have an older, longer form of their addresses, too.
func (s *Server) inside(path string) (string, bool) {
	workspace := "/workspaces/" + s.WorkspaceID + "/"
	if below, ok := strings.CutPrefix(path, workspace); ok {
		return below, true
	}
	below, ok := strings.CutPrefix(path, "/organizations/"+s.OrganizationID+workspace)
	return below, ok && strings.HasPrefix(below, "webhook-subscriptions")
}

// decode reads the body as JSON.
func (r *request) decode(v any) *refusal {
	err := json.Unmarshal(r.body, v)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return invalid(wrong.Field + " has the wrong type")
	}
	if err != nil {
		return malformed("the body is not the expected JSON")
	}
	return nil
}

// An optional is a text that a call may leave out; null is "".
type optional struct {
	set   bool
	value string
}

// UnmarshalJSON notes that the call has the text.
func (o *optional) UnmarshalJSON(data []byte) error {
	o.set = true
	return json.Unmarshal(data, &o.value)
}

// into changes a text if the call has one.
func (o optional) into(v *string) {
	if o.set {
		*v = o.value
	}
}
