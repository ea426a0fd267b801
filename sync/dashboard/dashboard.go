package dashboard

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Options are what a dashboard is made of. Engine, Config and Feed are
// required.
type Options struct {
	Engine *sync.Engine
	// Config is what the engine was made from: the dashboard reads its flows,
	// peers, store and queue.
	Config sync.Config
	// Feed is told what happens: its Observe is the Observer of the Config, or
	// is called by it.
	Feed *Feed

	// Prefix is where the dashboard is mounted, such as "/sync"; "" is the
	// root. It may be stripped before the dashboard or not.
	Prefix string
	// Name stands in the head of every page, such as "production". The
	// default is "crmsync".
	Name string
	// Authorize says whether a request may do something; an error forbids it,
	// and so does a panic. It is called concurrently, also to find out which
	// buttons to show. nil allows everything, but to requests from this
	// machine only: never leave it nil where a proxy on this machine leads, be
	// it for other pages of the same server. A proxy need not say that it is
	// one, and what it passes on then looks as if somebody here had asked.
	Authorize func(r *http.Request, a Action) error
	// Actor names who makes a request, for the audit; nil is the address.
	Actor func(r *http.Request) string
	// ReadOnly refuses everything but looking.
	ReadOnly bool
	// Plain names fields whose values are no personal data and are never
	// masked, such as "stage" or, of one flow only, "deals/stage". Ids and
	// values of a declared order are plain without being named.
	Plain []string
	// Alerts lists the alerts that hold at a moment; nil shows none. TestAlerts
	// sends a test to those who are told, such as the method Test of an
	// alert.Manager; nil offers none.
	Alerts     func(now time.Time) []Alert
	TestAlerts func(ctx context.Context, now time.Time) error
	// Policy is the Content-Security-Policy of the pages, which need no more
	// than the default allows: scripts, styles, images and requests of their
	// own origin, and no framing.
	Policy string
	// Logger gets what goes wrong; nil is silent.
	Logger *slog.Logger
}

// A Dashboard is a http.Handler. Its methods may be called concurrently.
type Dashboard struct {
	opts    Options
	plain   map[string]bool
	handler http.Handler
	runs    runs
	replays replays
	limits  limits
	began   time.Time
	ended   chan struct{} // closed by Close: streams end
	close   stdsync.Once
}

// New returns a dashboard. It starts nothing.
func New(opts Options) (*Dashboard, error) {
	bad := func(field, hint string) error {
		return &sync.Error{Op: "new dashboard", Action: sync.Fatal, Field: "Options." + field, Rule: "options", Hint: hint,
			Err: errors.New("the options are not usable")}
	}
	switch {
	case opts.Engine == nil:
		return nil, bad("Engine", "give the dashboard the engine")
	case opts.Config.Store == nil || opts.Config.Queue == nil || len(opts.Config.Flows) == 0:
		return nil, bad("Config", "give the dashboard the configuration that the engine was made from")
	case opts.Feed == nil:
		return nil, bad("Feed", "make a feed with NewFeed(0) and have the engine's Observer call its Observe")
	}
	opts.Prefix = strings.TrimSuffix(path.Clean("/"+opts.Prefix), "/")
	if opts.Name == "" {
		opts.Name = "crmsync"
	}
	if opts.Actor == nil {
		opts.Actor = func(r *http.Request) string {
			host, _, _ := net.SplitHostPort(r.RemoteAddr)
			return cmp.Or(host, "somebody")
		}
	}
	if opts.Policy == "" {
		opts.Policy = policy
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Dashboard{opts: opts, plain: plainFields(&opts), began: time.Now(), ended: make(chan struct{})}
	d.runs.ctx, d.runs.stop = context.WithCancel(context.Background())
	d.handler = d.routed()
	return d, nil
}

// ServeHTTP implements http.Handler.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.handler.ServeHTTP(w, r) }

// Close ends the streams, cancels the runs that were started from the pages
// and waits for them. Register it with [http.Server.RegisterOnShutdown], or
// call it before Shutdown, which waits for streams.
func (d *Dashboard) Close() {
	d.close.Do(func() { close(d.ended) })
	d.runs.stop()
	d.runs.work.Wait()
}

// flow returns a flow by its name.
func (d *Dashboard) flow(name string) (*sync.Flow, error) {
	for _, f := range d.opts.Config.Flows {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, notFound("there is no such flow")
}

// act notes in the audit what a person is about to do: what is not noted is
// not done.
func (d *Dashboard) act(r *http.Request, a Action, what string, n sync.Entry) error {
	n.Note = d.opts.Actor(r) + ": " + string(a) + ": " + what
	if why := strings.TrimSpace(r.FormValue("why")); why != "" {
		n.Note += ": " + limited(why, 200)
	}
	return d.opts.Engine.Note(r.Context(), n)
}
