package hubspottest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// Server is a simulated HubSpot account with its API. It is safe for concurrent use.
type Server struct {
	// URL is the base address of the API, without a trailing slash.
	URL string
	// Token is the bearer token of the account's own app.
	Token string
	// PortalID and AppID are the numbers that webhooks and error bodies carry.
	PortalID, AppID int64

	opts   Options
	http   *simhttp.Server
	clock  *Clock
	faults *Faults
	log    *Log
	quota  *quota
	hooks  *webhooks

	mu     sync.Mutex // guards what follows
	rand   *rand.Rand
	apps   map[string]Actor // by token
	schema *schema
	store  *store
	undown func() // ends the present outage
}

// NewServer starts a simulated account on a loopback port. nil options mean the defaults. Close it after use.
func NewServer(opts *Options) *Server { return newServer(opts, simhttp.Listen) }

// NewPipeServer starts a simulated account on in-process pipes: no network is touched, only Client reaches it, and it may
// live inside a testing/synctest bubble. Close it within the bubble.
func NewPipeServer(opts *Options) *Server { return newServer(opts, simhttp.Pipe) }

func newServer(opts *Options, serve func(http.Handler) *simhttp.Server) *Server {
	o := opts.withDefaults()
	clock := &Clock{Base: o.Clock}
	s := &Server{
		Token: o.Token, PortalID: o.PortalID, AppID: o.AppID,
		opts: o, clock: clock,
		faults: simhttp.NewFaults(clock, o.Seed),
		log:    simhttp.NewLog(clock),
		quota:  newQuota(clock, o),
		hooks:  newWebhooks(clock, o),
		rand:   rand.New(rand.NewPCG(o.Seed, 3)),
		apps:   map[string]Actor{o.Token: app(o.AppID)},
		schema: newSchema(o.Properties),
	}
	s.store = newStore(s.schema)
	s.http = serve(s.log.Wrap(s.faults.Wrap(s.authenticated(s.routes()))))
	s.URL = s.http.URL
	return s
}

// Client returns an HTTP client that reaches the server. It adds no token.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close stops the webhooks and the server and waits for their goroutines.
func (s *Server) Close() {
	s.hooks.close()
	s.http.Close()
}

// request is one call to the API with its body read.
type request struct {
	*http.Request
	version string
	actor   Actor
	body    []byte
}

// handler answers a request. It runs under the server's lock, so one request is one transaction.
type handler func(*request) response

type response struct {
	status int
	body   any // nil means an empty body
}

const maxURL = 16_000 // the vendor answers 414 to longer ones; the exact figure is not published

// authenticated checks the length of the URL and the token.
func (s *Server) authenticated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		_, known := s.apps[bearer(r)]
		correlation := s.correlationID()
		s.mu.Unlock()
		w.Header().Set("X-Hubspot-Correlation-Id", correlation)
		switch {
		case len(r.URL.RequestURI()) > maxURL:
			send(w, failure(http.StatusRequestURITooLong, "", "URI Too Long"))
		case !known:
			send(w, unauthenticated())
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// serve turns a handler of one API version into an http.Handler: it reads the body, charges the quota and takes the lock.
func (s *Server) serve(version string, search bool, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<20))
		if err != nil {
			panic(http.ErrAbortHandler) // the client went away or sent nonsense
		}
		s.mu.Lock()
		actor := s.apps[bearer(r)]
		s.mu.Unlock()
		if resp, over := s.quota.charge(w.Header(), actor.ID, search); over {
			send(w, resp)
			return
		}
		send(w, s.locked(h, &request{Request: r, version: version, actor: actor, body: body}))
	})
}

func (s *Server) locked(h handler, q *request) response {
	s.mu.Lock()
	defer s.mu.Unlock()
	return h(q)
}

func bearer(r *http.Request) string {
	const scheme = "Bearer "
	if v := r.Header.Get("Authorization"); len(v) > len(scheme) && v[:len(scheme)] == scheme {
		return v[len(scheme):]
	}
	return ""
}

// correlationID returns a random UUID. The lock is held.
func (s *Server) correlationID() string {
	a, b := s.rand.Uint64(), s.rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

// now is the account's time in whole milliseconds, the vendor's resolution.
func (s *Server) now() time.Time { return s.clock.Now().Truncate(time.Millisecond) }

// WaitWebhooks sends the events gathered so far and returns when every webhook has been delivered, dropped or given up,
// or when ctx ends.
func (s *Server) WaitWebhooks(ctx context.Context) error { return s.hooks.wait(ctx) }
