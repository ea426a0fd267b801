package hubspottest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// Account is one simulated HubSpot account (portal) of a Server. It is safe for concurrent use.
type Account struct {
	// URL is the base address of the API, without a trailing slash. All accounts of a server share it.
	URL string
	// Token is the bearer token of the account's own app.
	Token string
	// PortalID and AppID are the numbers that webhooks and error bodies carry.
	PortalID, AppID int64

	server  *Server
	opts    Options
	handler http.Handler
	clock   *Clock
	faults  *Faults
	log     *Log
	quota   *quota
	hooks   *webhooks
	locks   *locks

	mu           sync.Mutex // guards what follows
	rand         *rand.Rand
	stores       map[*objectType]*store
	links        links
	associations *associationTypes
	pipelines    *pipelines
	owners       []Owner // by id
	undown       func()  // ends the present outage
	events       *customEvents
	workflows    *workflows
	runs         []*ActionRun
	writes       int64 // so far; tells the events of one from those of another
}

func newAccount(s *Server, o Options) *Account {
	clock := &Clock{Base: o.Clock}
	a := &Account{
		Token: o.Token, PortalID: o.PortalID, AppID: o.AppID,
		server: s, opts: o, clock: clock,
		faults:       simhttp.NewFaults(clock, o.Seed),
		log:          simhttp.NewLog(clock),
		quota:        newQuota(clock, o),
		hooks:        newWebhooks(clock, o, s),
		locks:        newLocks(clock, o),
		rand:         rand.New(rand.NewPCG(o.Seed, 3)),
		stores:       newStores(),
		links:        links{},
		associations: newAssociationTypes(),
		pipelines:    newPipelines(o.Pipelines),
		owners:       newOwners(o.Owners),
		events:       newCustomEvents(),
		workflows:    newWorkflows(),
	}
	s.tokens.static(o.Token, o.PortalID, o.AppID, o.Scopes)
	a.offerStages()
	for _, p := range o.Properties {
		a.in("contacts").schema.define(p)
	}
	a.handler = a.dated(a.log.Wrap(a.faults.Wrap(a.routes())))
	return a
}

// dated sets the Date header by the account's clock.
func (a *Account) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", a.clock.Now().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}

// correlationID returns a random UUID. The lock is held.
func (a *Account) correlationID() string { return uuid(a.rand) }

func uuid(r *rand.Rand) string {
	x, y := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", x>>32, x>>16&0xffff, x&0xfff, y>>48&0xfff, y&0xffffffffffff)
}

// now is the account's time in whole milliseconds, the vendor's resolution.
func (a *Account) now() time.Time { return a.clock.Now().Truncate(time.Millisecond) }

// WaitWebhooks sends the events gathered so far and returns when every webhook and call of an action has been delivered,
// dropped or given up and no workflow runs, or when ctx ends.
func (a *Account) WaitWebhooks(ctx context.Context) error {
	for ran := true; ran; {
		if err := a.hooks.wait(ctx); err != nil {
			return err
		}
		var err error
		if ran, err = a.waitWorkflows(ctx); err != nil {
			return err
		}
	}
	return nil
}
