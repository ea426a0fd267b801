package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/sync"
)

// engineEnv holds the settings of an engine process.
const engineEnv = "CRMSYNC_LOADTEST_ENGINE"

// settings are what an engine process is told.
type settings struct {
	Bird, Workspace, AccessKey string
	HubSpot, Token             string
	Burst                      int
	Schema                     string // of the tables, and Redis' prefix
	Listen                     string
	Backfill                   bool
}

// counts is what an engine process tells at its end.
type counts struct{ Synced, Buried int }

// engineMain is an engine process. A line of standard input ends its backfill,
// and the end of it the process, which tells then what it counted.
func engineMain() error {
	var s settings
	if err := json.Unmarshal([]byte(os.Getenv(engineEnv)), &s); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	e, err := newEngine(ctx, s)
	if err != nil {
		return err
	}
	defer e.pool.Close()
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: e.mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = web.Serve(listener) }() // ends with Shutdown below
	done := make(chan error, 3)
	go func() { done <- e.engine.Run(ctx) }()
	go func() { done <- ignoreCancel(e.queue.Run(ctx)) }()
	walking, stopWalk := context.WithCancel(ctx)
	defer stopWalk()
	go func() { done <- ignoreCancel(e.backfill(walking, s.Backfill)) }()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		stopWalk()
	}
	stop()
	err = errors.Join(<-done, <-done, <-done, web.Shutdown(context.Background()), e.hubspot.Close(context.Background()))
	return errors.Join(err, e.tally.tell())
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// An engineProcess is what one process is made of.
type engineProcess struct {
	pool    *pgxpool.Pool
	queue   *pgqueue.Queue
	hubspot *hubspot.Adapter
	engine  *sync.Engine
	flow    string
	mux     *http.ServeMux
	tally   *tally
}

func newEngine(ctx context.Context, s settings) (*engineProcess, error) {
	set, err := urbanhub.Contacts(urbanhub.Options{})
	if err != nil {
		return nil, err
	}
	e := &engineProcess{flow: set.Name, tally: &tally{}, mux: http.NewServeMux()}
	pool, err := pgxpool.New(ctx, os.Getenv(postgresEnv))
	if err != nil {
		return nil, err
	}
	e.pool = pool
	for _, migrate := range []func(context.Context, *pgxpool.Pool, string) error{pgstore.Migrate, pgqueue.Migrate} {
		if err := migrate(ctx, pool, s.Schema); err != nil {
			return nil, err
		}
	}
	if e.queue, err = pgqueue.New(pool, &pgqueue.Options{Schema: s.Schema}); err != nil {
		return nil, err
	}
	permits, err := redisstore.New(redis.NewClient(&redis.Options{Addr: os.Getenv(redisEnv)}), &redisstore.Options{Prefix: s.Schema})
	if err != nil {
		return nil, err
	}
	birds, err := bird.New(s.Workspace, s.AccessKey, &bird.Options{BaseURL: s.Bird, Fields: set.Names(sync.Left), Permits: permits})
	if err != nil {
		return nil, err
	}
	if e.hubspot, err = hubspot.New(hubspot.Static(s.Token), &hubspot.Options{BaseURL: s.HubSpot, Region: "CO", RatePer10s: s.Burst, Permits: permits,
		Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: set.Names(sync.Right)}}}); err != nil {
		return nil, err
	}
	e.engine, err = sync.New(sync.Config{
		Flows: []*sync.Flow{set}, Store: pgstore.New(pool, &pgstore.Options{Schema: s.Schema}), Queue: e.queue, Observer: e.tally.observe, HistoryByBackfill: true,
		Peers: map[sync.System]sync.Peer{
			bird.System:    {Source: birds, Sink: birds},
			hubspot.System: {Source: e.hubspot, Sink: e.hubspot},
		},
	})
	if err != nil {
		return nil, err
	}
	return e, e.mount(s, set)
}

// mount serves both receivers.
func (e *engineProcess) mount(s settings, flow *sync.Flow) error {
	hs, err := hubspot.NewReceiver(e.engine, hubspot.ReceiverOptions{
		PublicURL: "http://" + s.Listen + "/webhooks/hubspot", Secrets: []string{hubspotSecret}, Kinds: []sync.Kind{hubspot.Contact}})
	if err != nil {
		return err
	}
	calls, err := bird.NewFlowReceiver(e.engine, bird.FlowOptions{Secrets: []string{flowSecret}, Witness: flow.Names(sync.Left)})
	if err != nil {
		return err
	}
	e.mux.Handle("/webhooks/hubspot", hs)
	e.mux.Handle("/flows/bird", calls)
	return nil
}

// backfill walks through all HubSpot contacts, in ever longer stages.
func (e *engineProcess) backfill(ctx context.Context, asked bool) error {
	if !asked {
		return nil
	}
	_, err := e.engine.Backfill(ctx, sync.Load{Flow: e.flow, From: sync.Right, Stages: []int{10, 100, 1000, 2000}})
	return err
}
