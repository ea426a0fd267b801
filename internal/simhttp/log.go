package simhttp

import (
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one request as the server saw it. Bodies are counted, never kept.
type Call struct {
	Method string
	Path   string
	// Query is the raw query, without the question mark.
	Query string
	// Operation is the pattern of the http.ServeMux that the request matched, such as "GET /things/{id}"; "" while it works,
	// and when it matched none or never came that far.
	Operation string
	// At is the time of arrival by the log's clock.
	At time.Time
	// Status is what the handler answered; 0 while it works and when the connection was cut without an answer.
	Status int
	// Received and Sent are the sizes of the bodies in bytes. Received is -1 when the client did not say.
	Received, Sent int64
}

// Log remembers the requests that passed its Wrap, in order of arrival.
type Log struct {
	clock *Clock
	mu    sync.Mutex
	calls []*Call
}

// NewLog returns an empty log that dates its entries by the clock.
func NewLog(clock *Clock) *Log { return &Log{clock: clock} }

// Wrap returns a handler that records every request and hands it to next.
func (l *Log) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := &Call{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, At: l.clock.Now(), Received: r.ContentLength}
		l.mu.Lock()
		l.calls = append(l.calls, call)
		l.mu.Unlock()
		defer l.handled(call, r)
		next.ServeHTTP(&logWriter{ResponseWriter: w, log: l, call: call}, r)
	})
}

// handled notes the operation that the multiplexer found for the request.
func (l *Log) handled(call *Call, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	call.Operation = r.Pattern
}

// Entries returns a copy of the log.
func (l *Log) Entries() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Call, len(l.calls))
	for i, c := range l.calls {
		all[i] = *c
	}
	return all
}

// Calls counts the requests whose path contains part; "" counts all of them.
func (l *Log) Calls(part string) int {
	return l.Count(func(c Call) bool { return strings.Contains(c.Path, part) })
}

// Find returns the requests with a method and a path, in order of arrival. In the path * stands for any text within one
// segment, as in path.Match; "" takes any method or path. It panics when the path is no such pattern.
func (l *Log) Find(method, pattern string) []Call {
	return slices.DeleteFunc(l.Entries(), func(c Call) bool {
		matched, err := path.Match(pattern, c.Path)
		if err != nil {
			panic(err)
		}
		return method != "" && method != c.Method || pattern != "" && !matched
	})
}

// ByOperation counts the requests by their Operation.
func (l *Log) ByOperation() map[string]int {
	counts := map[string]int{}
	for _, c := range l.Entries() {
		counts[c.Operation]++
	}
	return counts
}

// Count counts the requests that match.
func (l *Log) Count(match func(Call) bool) int {
	all := l.Entries()
	return len(slices.DeleteFunc(all, func(c Call) bool { return !match(c) }))
}

// Reset forgets everything.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}

// logWriter notes the answer before its first byte can reach the client, so that a client that has an answer finds it in
// the log.
type logWriter struct {
	http.ResponseWriter
	log  *Log
	call *Call
}

func (w *logWriter) WriteHeader(status int) {
	w.log.mu.Lock()
	w.call.Status = status
	w.log.mu.Unlock()
	w.ResponseWriter.WriteHeader(status)
}

func (w *logWriter) Write(p []byte) (int, error) {
	w.log.mu.Lock()
	if w.call.Status == 0 {
		w.call.Status = http.StatusOK
	}
	w.call.Sent += int64(len(p))
	w.log.mu.Unlock()
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *logWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
