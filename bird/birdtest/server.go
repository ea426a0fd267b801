package birdtest

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// A Server is a simulated workspace with its API.
type Server struct {
	// URL is the base address of the API, without a trailing slash.
	URL string
	// WorkspaceID and AccessKey are what clients must present. OrganizationID
	// stands in the longer form of some addresses.
	WorkspaceID, OrganizationID, AccessKey string

	opts   Options
	routes []route
	http   *simhttp.Server
	clock  *Clock
	faults *Faults
	log    *Log
	reads  *window
	edits  *window // POST, PATCH and DELETE
	out    *http.Transport
	flows  *simhttp.Sender
	hooks  *simhttp.Sender

	mu            sync.Mutex // guards what follows
	rand          *rand.Rand
	contacts      map[string]*Contact
	order         []*Contact        // oldest first
	holders       map[string]string // identifier to contact id
	writes        map[string]map[string]int
	definitions   []*definition   // oldest first
	lists         []*contactList  // oldest first
	ghosts        map[string]bool // contacts that lists show and GET does not find
	filled        int             // contacts made by Fill
	conversations map[string]*Conversation
	threads       []*Conversation // oldest first
	messages      map[string]*Message
	channels      []*channel
	agents        []*Agent
	media         map[string]*media
	outcome       string // the last status of messages to come
	agenda        agenda
	subscriptions []*subscription // oldest first
	policies      []Policy
	proxies       [][2]string // public address to actual one
	automations   []Flow
	lastSeq       int
	down          bool
	plainPhones   bool
	flatPeople    bool // participants' identifiers stand on the top level
	repeatToken   bool
}

// NewServer starts a simulated workspace on a loopback port. Nil options mean
// the defaults. Close it after use.
func NewServer(opts *Options) *Server { return newServer(opts, simhttp.Listen) }

// NewPipeServer starts a simulated workspace on in-process pipes: no network
// is touched, only Client reaches it, and it may live inside a testing/synctest
// bubble, in which it must also be closed.
func NewPipeServer(opts *Options) *Server { return newServer(opts, simhttp.Pipe) }

func newServer(opts *Options, serve func(http.Handler) *simhttp.Server) *Server {
	o := opts.withDefaults()
	clock := &Clock{Base: o.Clock}
	s := &Server{
		WorkspaceID:    o.WorkspaceID,
		OrganizationID: o.OrganizationID,
		AccessKey:      o.AccessKey,
		opts:           o,
		clock:          clock,
		faults:         simhttp.NewFaults(clock, o.Seed),
		log:            simhttp.NewLog(clock),
		reads:          &window{limit: o.GETPerSecond},
		edits:          &window{limit: o.WritePerSecond},
		out:            &http.Transport{},
		rand:           rand.New(rand.NewPCG(o.Seed, 4)),
		contacts:       map[string]*Contact{},
		holders:        map[string]string{},
		writes:         map[string]map[string]int{},
		ghosts:         map[string]bool{},
		conversations:  map[string]*Conversation{},
		messages:       map[string]*Message{},
		media:          map[string]*media{},
		outcome:        "read",
	}
	s.agenda.ctx, s.agenda.cancel = context.WithCancel(context.Background())
	s.defineBuiltins()
	s.openChannel(DefaultChannel, "whatsapp")
	s.hire(DefaultAgent, "Jane Agent")
	s.lay()
	s.startSenders()
	s.http = serve(s.log.Wrap(s.faults.Wrap(http.HandlerFunc(s.serve))))
	s.URL = s.http.URL
	return s
}

func (s *Server) startSenders() {
	client := &http.Client{Transport: s.out}
	s.flows = simhttp.NewSender(simhttp.SenderOptions{
		Client: client, Clock: s.clock, Seed: s.opts.Seed,
		Retries: max(s.opts.FlowRetries, 0),
		Wait:    func(int) time.Duration { return s.opts.FlowPause },
	})
	s.hooks = simhttp.NewSender(simhttp.SenderOptions{
		Client: client, Clock: s.clock, Seed: s.opts.Seed + 1,
		Retries: max(s.opts.WebhookRetries, 0),
		Wait: func(n int) time.Duration {
			return scaled(min(time.Second<<min(n-1, 12), time.Hour), s.opts.WebhookRetryScale)
		},
	})
}

// scaled compresses a pause.
func scaled(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// Client returns an HTTP client that reaches the server. It adds no key.
func (s *Server) Client() *http.Client { return s.http.Client() }

// Close stops the Flow calls, the webhooks, the walk of statuses and the
// server, and waits for their goroutines. It may be called more than once.
func (s *Server) Close() {
	s.stop()
	s.flows.Close()
	s.hooks.Close()
	s.out.CloseIdleConnections()
	s.http.Close()
}

// A window counts calls over the last second.
type window struct {
	limit int // negative: none
	mu    sync.Mutex
	calls []time.Time
}

// admit reports whether one more call is within the limit; one that is not
// does not count.
func (w *window) admit(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.calls) > 0 && !w.calls[0].After(now.Add(-time.Second)) {
		w.calls = w.calls[1:]
	}
	if w.limit >= 0 && len(w.calls) >= w.limit {
		return false
	}
	w.calls = append(w.calls, now)
	return true
}
