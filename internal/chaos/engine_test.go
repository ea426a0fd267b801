//go:build unix

package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// engineEnv holds the settings of an engine process.
const engineEnv = "CRMSYNC_CHAOS_ENGINE"

// settings are what an engine process is told.
type settings struct {
	Bird, Workspace, AccessKey string
	HubSpot, Token             string
	Unique                     map[sync.Kind]bool
	Webhooks                   string // where the vendors send theirs
	Store, Queue               string // a name of opened
	Postgres, Redis, File      string // where these are
}

// activityKey keeps the key of its fact on an activity, where it is looked for
// after a kill.
const activityKey = "bird_event_key"

// lease is how long what a killed process held is out of reach. A process has
// to get something done in it, on a busy machine too.
const lease = 3 * time.Second

// engineMain is an engine process. It tells its address when it serves, and
// ends in good order when its standard input does.
func engineMain() error {
	var s settings
	if err := json.Unmarshal([]byte(os.Getenv(engineEnv)), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		}
		stop()
	}()
	e, err := newEngine(ctx, s)
	if err != nil {
		return err
	}
	defer e.close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: e.mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(listener) }() // ends with Close below
	ended := make(chan error, 2)
	go func() { ended <- e.engine.Run(ctx) }()
	go func() { ended <- e.disk.run(ctx) }()
	fmt.Println(listener.Addr())
	err = <-ended
	stop()
	if second := <-ended; err == nil || errors.Is(err, context.Canceled) {
		err = second
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, web.Close())
}

// An engineProcess is what a process is made of.
type engineProcess struct {
	disk    *disk
	hubspot *hubspot.Adapter
	engine  *sync.Engine
	set     *mapping.Compiled
	mux     *http.ServeMux
}

func newEngine(ctx context.Context, s settings) (*engineProcess, error) {
	set, err := urbanhub.Set(urbanhub.Options{UniqueActivities: s.Unique}).Compile()
	if err != nil {
		return nil, err
	}
	e := &engineProcess{set: set, mux: http.NewServeMux()}
	if e.disk, err = open(ctx, s); err != nil {
		return nil, err
	}
	people, deals := set.Flows[0], set.Flows[1]
	birds, err := bird.New(s.Workspace, s.AccessKey, &bird.Options{BaseURL: s.Bird, Fields: people.Names(sync.Left),
		Conversations: deals.Names(sync.Left), GETPerSecond: 1000, Permits: e.disk.permits})
	if err != nil {
		return nil, err
	}
	activity := hubspot.Object{Properties: []string{activityKey}, NoSweep: true}
	e.hubspot, err = hubspot.New(hubspot.Static(s.Token), &hubspot.Options{BaseURL: s.HubSpot, Region: "CO", RatePer10s: 10_000,
		SearchLag: 5 * time.Second, Permits: e.disk.permits, Objects: map[sync.Kind]hubspot.Object{
			hubspot.Contact:  {Properties: people.Names(sync.Right)},
			hubspot.Deal:     {Properties: deals.Names(sync.Right), Unique: []string{deals.Right.CreateKey}},
			urbanhub.Note:    activity,
			urbanhub.Task:    activity,
			urbanhub.Meeting: activity,
		}})
	if err != nil {
		return nil, err
	}
	cfg := sync.Config{
		Peers: map[sync.System]sync.Peer{
			bird.System:    {Source: birds, Sink: birds},
			hubspot.System: {Source: e.hubspot, Sink: e.hubspot},
		},
		Store: e.disk.store, Queue: e.disk.queue, Lease: lease, SweepInterval: time.Second, StopTimeout: 5 * time.Second,
		// No outage is so long that people should be asked.
		Backoff: sync.Backoff{Max: time.Second, Attempts: 10_000},
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	set.AddTo(&cfg)
	if e.engine, err = sync.New(cfg); err != nil {
		return nil, err
	}
	return e, e.mount(s)
}

// mount serves the receivers and what the judge asks.
func (e *engineProcess) mount(s settings) error {
	hs, err := hubspot.NewReceiver(e.engine, hubspot.ReceiverOptions{PublicURL: s.Webhooks + hubspotPath,
		Secrets: []string{hubspotSecret}, Kinds: []sync.Kind{hubspot.Contact, hubspot.Deal}})
	if err != nil {
		return err
	}
	flow, err := bird.NewFlowReceiver(e.engine, bird.FlowOptions{Secrets: []string{flowSecret}, Witness: e.set.Flows[0].Names(sync.Left)})
	if err != nil {
		return err
	}
	e.mux.Handle(hubspotPath, hs)
	e.mux.Handle(flowPath, flow)
	e.mux.HandleFunc(whyPath, e.why)
	e.mux.HandleFunc(bookPath, func(w http.ResponseWriter, r *http.Request) {
		b, err := e.book(r.Context(), r.URL.Query().Has("whole"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(b) // the judge sees it is cut
	})
	return nil
}

// A book is what an engine knows of itself.
type book struct {
	Waiting, Dead int // messages
	// What follows is of a whole book only.
	Causes    []string // of the dead letters
	Open      int      // intents
	Agreement map[string]sync.Agreement
	Audit     sync.AuditReport
	Chains    []string // the entries of links whose chain is broken
}

func (e *engineProcess) book(ctx context.Context, whole bool) (book, error) {
	var b book
	stats, err := e.disk.queue.Stats(ctx, time.Now())
	if err != nil {
		return b, err
	}
	b.Waiting, b.Dead = stats.Waiting+stats.Leased, stats.Dead
	if !whole {
		return b, nil
	}
	letters, err := e.disk.queue.Dead(ctx, sync.DeadFilter{Limit: 20})
	if err != nil {
		return b, err
	}
	for i := range letters {
		for _, f := range letters[i].History {
			b.Causes = append(b.Causes, letters[i].Message.ID+": "+f.Error)
		}
	}
	links, err := e.disk.store.Open(ctx, time.Now().Add(time.Hour), 1000)
	if err != nil {
		return b, err
	}
	b.Open, b.Agreement = len(links), map[string]sync.Agreement{}
	for _, f := range e.set.Flows {
		if b.Agreement[f.Name], err = e.engine.Verify(ctx, f.Name); err != nil {
			return b, err
		}
	}
	if b.Audit, err = e.engine.VerifyAudit(ctx); err != nil {
		return b, err
	}
	for _, f := range b.Audit.Faults {
		entries, err := e.engine.Entries(ctx, sync.AuditFilter{Link: f.Link, Limit: 1000})
		if err != nil {
			return b, err
		}
		for _, n := range entries {
			b.Chains = append(b.Chains, fmt.Sprintf("%d %s %s %s %q: %.4x follows %.4x", n.Seq, n.At.Format(stamp), n.Flow, n.Kind, n.Note, n.Hash, n.Prev))
		}
	}
	return b, nil
}

func (e *engineProcess) close() {
	_ = e.hubspot.Close(context.Background()) // it holds nothing that a kill would not lose
	e.disk.close()
}
