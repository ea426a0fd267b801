package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// The people of the story about whom there is a dead letter to replay, and who
// are left alone so that it stays.
const waiting = 9

// everySoOften is how long people do nothing while the dashboard is served.
const everySoOften = 2 * time.Second

// serve goes on after the story: it leaves a dead letter, serves the dashboard
// and lets people edit now and then, until ctx ends.
func (s *story) serve(ctx context.Context, addr string) error {
	board, err := dashboard.New(dashboard.Options{Engine: s.engine, Config: s.cfg, Feed: s.feed, Name: "crmsync quickstart",
		Plain: []string{"conversation_status", "property_interest", "property_preferences", "ai_agent_type"}})
	if err != nil {
		return err
	}
	if err := s.leave(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil { // most often the port is taken
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	server := &http.Server{Handler: board, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(s.out, "\n  Dashboard   http://%s/\n\n", listener.Addr())
	fmt.Fprintln(s.out, "  One dead letter waits there: somebody had typed a phone that is none, has corrected it since,")
	fmt.Fprintln(s.out, "  and HubSpot lost the webhook of that. Replay it. Ctrl-C ends this.")
	err = s.goOn(ctx, failed)
	board.Close()
	return errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
}

// leave leaves a dead letter whose cause is mended: only a replay brings the
// correction, because its webhook is lost and nothing sweeps.
func (s *story) leave(ctx context.Context) error {
	s.bird.SetChaos(birdtest.Chaos{})
	s.hubspot.SetChaos(hubspottest.Chaos{})
	mate, err := s.edit(ctx, waiting, map[string]string{"phone": "call me"})
	if err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.hubspot.DropNext(1)
	s.hubspot.Edit(mate, map[string]string{"phone": "+573019000009"})
	return s.settle(ctx)
}

// goOn lets people edit on both sides until ctx ends or the server fails.
func (s *story) goOn(ctx context.Context, failed <-chan error) error {
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-time.After(everySoOften):
		}
		i := n % waiting // those before the one with the dead letter
		if n%2 == 0 {
			if _, err := s.edit(ctx, i, map[string]string{"property_preferences": []string{"balcony", "garden", "lift"}[n%3]}); err != nil {
				return err
			}
			continue
		}
		status := []string{"active", "qualified", "tour_scheduled"}[n%3]
		if err := s.bird.Edit(s.ids[i], map[string]any{"conversation_status": status}); err != nil {
			return err
		}
	}
}
