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

	// ClientID and ClientSecret are what the app of the OAuth endpoints authenticates with. The secret signs the webhooks that
	// the management API set up.
	ClientID, ClientSecret string
	// DeveloperKey is the ?hapikey= of the management API.
	DeveloperKey string

	http     *simhttp.Server
	tokens   *tokens
	registry *registry
	journal  *journal

	lock     sync.RWMutex // guards accounts
	accounts []*Account
}

// NewServer starts a simulated account on a loopback port. nil options mean the defaults. Close it after use.
func NewServer(opts *Options) *Server { return newServer(opts, simhttp.Listen) }

// NewPipeServer starts a simulated account on in-process pipes: no network is touched, only Client reaches it, and it may
// live inside a testing/synctest bubble. Close it within the bubble.
func NewPipeServer(opts *Options) *Server { return newServer(opts, simhttp.Pipe) }

func newServer(opts *Options, serve func(http.Handler) *simhttp.Server) *Server {
	o := opts.withDefaults()
	s := &Server{ClientID: o.App.ClientID, ClientSecret: o.App.ClientSecret, DeveloperKey: o.App.DeveloperKey, tokens: newTokens(o)}
	s.Account = newAccount(s, o)
	s.registry, s.journal = newRegistry(s.clock, o), newJournal(s.clock, o)
	s.accounts = []*Account{s.Account}
	s.http = serve(http.HandlerFunc(s.dispatch))
	s.URL = s.http.URL
	return s
}

// AddAccount adds an account with its own token, portal, clock, records, quotas and webhooks at the server's address. nil
// options, and those without a Token or a PortalID, get one that no other account of the server has. It panics when the
// Token or the PortalID belongs to another account already.
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
	if _, known := s.tokens.find(o.Token); known {
		panic("hubspottest: two accounts with one token")
	}
	if slices.ContainsFunc(s.accounts, func(a *Account) bool { return a.PortalID == o.PortalID }) {
		panic("hubspottest: two accounts with one portal")
	}
	a := newAccount(s, o.withDefaults())
	a.URL = s.URL
	s.accounts = append(s.accounts, a)
	return a
}

// dispatch hands a request to the account of its token. One without a known token goes to the first account, as does one
// of the app itself.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	s.accountOf(bearer(r)).handler.ServeHTTP(w, r)
}

func (s *Server) accountOf(token string) *Account {
	if g, known := s.tokens.find(token); known && g.portal != 0 {
		return s.account(g.portal)
	}
	return s.Account
}

// account finds an account by its number; nil when there is none.
func (s *Server) account(portal int64) *Account {
	s.lock.RLock()
	defer s.lock.RUnlock()
	for _, a := range s.accounts {
		if a.PortalID == portal {
			return a
		}
	}
	return nil
}

// Client returns an HTTP client that reaches the server. It adds no token.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close stops the webhooks of all accounts and the server, and waits for their goroutines.
func (s *Server) Close() {
	s.lock.RLock()
	defer s.lock.RUnlock()
	for _, a := range s.accounts {
		a.stopWorkflows()
		a.hooks.close()
	}
	s.http.Close()
}
