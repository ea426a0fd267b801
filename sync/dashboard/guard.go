package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// policy is the Content-Security-Policy of every answer.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// formLimit is the most that a form may hold.
const formLimit = 1 << 20

// secured sets the headers of every answer and refuses requests that another
// site's page has made.
func (d *Dashboard) secured(next http.Handler) http.Handler {
	var origin http.CrossOriginProtection
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.fail(w, r, &refusal{http.StatusForbidden, "the request comes from another site's page"})
	}))
	same := origin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", d.opts.Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex")
		r.Body = http.MaxBytesReader(w, r.Body, formLimit)
		same.ServeHTTP(w, r)
	})
}

// guarded serves a route to those who may.
func (d *Dashboard) guarded(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := d.allowed(r, rt.action)
		if err == nil {
			err = d.paced(w, r, rt.action)
		}
		if err == nil {
			err = r.ParseForm() // so that a form too large is told as such
		}
		if err == nil {
			err = d.serve(rt, w, r)
		}
		if err != nil {
			d.fail(w, r, err)
		}
	})
}

// pageTimeout bounds how long a page is made.
const pageTimeout = 30 * time.Second

// serve carries out a request. Pages take a bounded time; acts and streams take
// what they need.
func (d *Dashboard) serve(rt route, w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet || rt.path == "/stream" {
		return rt.serve(d, w, r)
	}
	ctx, cancel := context.WithTimeout(r.Context(), pageTimeout)
	defer cancel()
	err := rt.serve(d, w, r.WithContext(ctx))
	if errors.Is(err, context.DeadlineExceeded) {
		return &refusal{http.StatusGatewayTimeout, "it took too long; narrow down what you ask for, or try again"}
	}
	return err
}

// allowed is an error when the request may not do something.
func (d *Dashboard) allowed(r *http.Request, a Action) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &refusal{http.StatusForbidden, "whether you may could not be found out"}
		}
	}()
	switch {
	case d.opts.ReadOnly && !a.harmless():
		return &refusal{http.StatusForbidden, "this dashboard is read-only"}
	case d.opts.Authorize == nil && !local(r):
		return &refusal{http.StatusForbidden, "without Options.Authorize only this machine is served"}
	case d.opts.Authorize != nil && d.opts.Authorize(r, a) != nil:
		return &refusal{http.StatusForbidden, fmt.Sprintf("you may not %s here", a)}
	}
	return nil
}

// local reports whether a request was made on this machine, to this machine:
// a name that merely leads here is a trick of another site's page, and a
// proxy speaks for anybody. One that adds no header cannot be told from a
// person here, so this is good on a listener that no proxy leads to.
func local(r *http.Request) bool {
	for h := range r.Header {
		if h == "Forwarded" || h == "Via" || h == "X-Real-Ip" || strings.HasPrefix(h, "X-Forwarded-") {
			return false
		}
	}
	return loopback(r.RemoteAddr) && loopback(r.Host)
}

func loopback(address string) bool {
	host := address
	if h, _, err := net.SplitHostPort(address); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// A refusal is an error with a status and a text for the person.
type refusal struct {
	status int
	text   string
}

func (e *refusal) Error() string { return e.text }

func notFound(text string) error { return &refusal{http.StatusNotFound, text} }

func badInput(text string) error { return &refusal{http.StatusBadRequest, text} }

// statusOf returns the status of an answer that tells of an error.
func statusOf(err error) int {
	var refused *refusal
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &refused):
		return refused.status
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	}
	switch sync.ActionOf(err) {
	case sync.NotFound:
		return http.StatusNotFound
	case sync.Invalid:
		return http.StatusBadRequest
	case sync.Conflict, sync.RetryAt:
		return http.StatusConflict
	}
	return http.StatusBadGateway
}
