package hubspottest

import (
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// Server serves simulated HubSpot accounts at one address. It is its first account too: what an Account can do, the
// server does to that one. It is safe for concurrent use.
type Server struct {
	*Account

	http *simhttp.Server

	lock     sync.RWMutex // guards accounts
	accounts []*Account
}

// NewServer starts a simulated account on a loopback port. nil options mean the defaults. Close it after use.
func NewServer(opts *Options) *Server { return newServer(opts, simhttp.Listen) }

// NewPipeServer starts a simulated account on in-process pipes: no network is touched, only Client reaches it, and it may
// live inside a testing/synctest bubble. Close it within the bubble.
func NewPipeServer(opts *Options) *Server { return newServer(opts, simhttp.Pipe) }

func newServer(opts *Options, serve func(http.Handler) *simhttp.Server) *Server {
	s := &Server{}
	s.Account = newAccount(s, opts.withDefaults())
	s.accounts = []*Account{s.Account}
	s.http = serve(http.HandlerFunc(s.dispatch))
	s.URL = s.http.URL
	return s
}

// AddAccount adds an account with its own token, portal, clock, records, quotas and webhooks at the server's address. nil
// options, and those without a Token or a PortalID, get one that no other account of the server has. It panics when the
// Token belongs to another account already.
func (s *Server) AddAccount(opts *Options) *Account {
	s.lock.Lock()
	defer s.lock.Unlock()
	o := Options{}
	if opts != nil {
		o = *opts
	}
	n := len(s.accounts) + 1
	o.Token = or(o.Token, fmt.Sprintf("%s-%d", defaultToken, n))
	o.PortalID = or(o.PortalID, int64(defaultPortal+n-1))
	if slices.ContainsFunc(s.accounts, func(a *Account) bool { return a.knows(o.Token) }) {
		panic("hubspottest: two accounts with one token")
	}
	a := newAccount(s, o.withDefaults())
	a.URL = s.URL
	s.accounts = append(s.accounts, a)
	return a
}

// dispatch hands a request to the account of its token; one without a known token goes to the first account.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	s.accountOf(bearer(r)).handler.ServeHTTP(w, r)
}

func (s *Server) accountOf(token string) *Account {
	s.lock.RLock()
	defer s.lock.RUnlock()
	for _, a := range s.accounts {
		if a.knows(token) {
			return a
		}
	}
	return s.Account
}

// Client returns an HTTP client that reaches the server. It adds no token.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close stops the webhooks of all accounts and the server, and waits for their goroutines.
func (s *Server) Close() {
	s.lock.RLock()
	defer s.lock.RUnlock()
	for _, a := range s.accounts {
		a.hooks.close()
	}
	s.http.Close()
}
