// Package training_test is the code of the training's chapters: examples that
// run, each against two simulated vendors of its own.
package training_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// A lab is a Bird workspace and a HubSpot account, both simulated, and an
// engine between them.
type lab struct {
	ctx     context.Context
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	cfg     sync.Config
	engine  *sync.Engine
	looks   int
}

// openLab starts the simulators, prepares both accounts and composes the engine.
// A chapter may change the mapping and the configuration first.
func openLab(remap func(*mapping.Set), adjust func(*sync.Config)) *lab {
	l := &lab{ctx: context.Background(), bird: birdtest.NewServer(nil),
		hubspot: hubspottest.NewServer(&hubspottest.Options{SearchLag: -1, Burst: -1, SearchPerSecond: -1})}
	set := urbanhub.Set(l.prepare())
	if remap != nil {
		remap(set)
	}
	compiled := must(set.Compile())
	contacts, deals := compiled.Flows[0], compiled.Flows[1]

	left := must(bird.New(l.bird.WorkspaceID, l.bird.AccessKey, &bird.Options{
		BaseURL: l.bird.URL, // in production: nothing
		Fields:  contacts.Names(sync.Left), Conversations: deals.Names(sync.Left)}))
	right := must(hubspot.New(hubspot.Static(l.hubspot.Token), &hubspot.Options{
		BaseURL: l.hubspot.URL,                                                            // likewise
		Region:  "CO", Linger: time.Millisecond, RatePer10s: 10_000, SearchPerSecond: 100, // a training needs no quota
		Objects: map[sync.Kind]hubspot.Object{
			hubspot.Contact: {Properties: contacts.Names(sync.Right)},
			hubspot.Deal:    {Properties: deals.Names(sync.Right), Unique: []string{deals.Right.CreateKey}},
		}}))
	l.cfg = sync.Config{
		Peers: map[sync.System]sync.Peer{
			bird.System:    {Source: left, Sink: left},
			hubspot.System: {Source: right, Sink: right},
		},
		Store: memstore.New(), Queue: memqueue.New(nil),
	}
	compiled.AddTo(&l.cfg) // flows, activities, triggers
	if adjust != nil {
		adjust(&l.cfg)
	}
	l.engine = must(sync.New(l.cfg))
	return l
}

// prepare makes both accounts as the preset needs them, and returns what
// HubSpot's account is capable of.
func (l *lab) prepare() urbanhub.Options {
	b := must(bird.New(l.bird.WorkspaceID, l.bird.AccessKey, &bird.Options{BaseURL: l.bird.URL}))
	workspace := must(bird.ParseSchema(urbanhub.BirdSchema()))
	workspace.Webhooks = nil // the chapters tell the engine themselves
	must(b.Setup(l.ctx, workspace, bird.SetupOptions{}))

	l.hubspot.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	h := must(hubspot.New(hubspot.Static(l.hubspot.Token), &hubspot.Options{BaseURL: l.hubspot.URL, RatePer10s: 10_000}))
	account := must(hubspot.ParseSchema(urbanhub.HubSpotSchema()))
	report := must(h.Setup(l.ctx, account, hubspot.SetupOptions{}))
	return urbanhub.Options{UniqueActivities: report.Capabilities.UniqueActivities}
}

// look says "look at this record", as a webhook does, and waits until the
// engine has nothing to do.
func (l *lab) look(refs ...sync.Ref) {
	for _, ref := range refs {
		l.looks++
		check(l.engine.Enqueue(l.ctx, sync.Change{ID: fmt.Sprint("look ", l.looks), Ref: ref, Reason: sync.ReasonWebhook}))
	}
	l.settle()
}

// settle works until the queue is empty.
func (l *lab) settle() {
	for {
		check(l.engine.RunOnce(l.ctx))
		stats := must(l.cfg.Queue.Stats(l.ctx, time.Now()))
		if stats.Waiting+stats.Leased == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// lead makes a contact in Bird, as an AI agent does.
func (l *lab) lead(fields map[string]any) sync.Ref {
	return sync.Ref{System: bird.System, Kind: bird.Contact, ID: must(l.bird.Create(fields))}
}

// partner returns the record that a contact is linked to.
func (l *lab) partner(ref sync.Ref) sync.Ref {
	link := must(l.cfg.Store.Link(l.ctx, contacts, ref))
	if link.Left == ref {
		return link.Right
	}
	return link.Left
}

// contacts and deals are the names of the preset's flows.
const contacts, deals = "urbanhub-contacts", "urbanhub-deals"

func (l *lab) close() {
	l.bird.Close()
	l.hubspot.Close()
}

// must ends a chapter that is not going as it should.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// run has the engine work, as in production, until the returned function stops
// it.
func (l *lab) run() (stop func()) {
	ctx, cancel := context.WithCancel(l.ctx)
	done := make(chan error, 1)
	go func() { done <- l.engine.Run(ctx) }()
	return func() {
		cancel()
		check(<-done)
	}
}
